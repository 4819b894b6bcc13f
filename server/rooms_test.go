package server_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func (c *client) enter(room string) wire.JoinAck {
	c.Helper()
	return ask[wire.JoinAck](c, wire.OpJoin, &wire.Join{ConversationID: room})
}

// hears has another send and waits for the message.
func (c *client) hears(from *client, s string) wire.Message {
	c.Helper()
	return c.upTo(ask[wire.SendAck](from, wire.OpSend, newSend("ROOMr", s)).Seq)
}

// upTo waits for the message of a seq. Several may come in one event.
func (c *client) upTo(seq uint64) wire.Message {
	c.Helper()
	for {
		e := event[wire.MessagesEvent](c, wire.EventMessages)
		require.Equal(c, "ROOMr", e.ConversationID)
		if m := e.Messages[len(e.Messages)-1]; m.Seq == seq {
			return m
		}
	}
}

func TestRooms(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, map[string]any{"roomID": "r", "conversationID": "ROOMr"}, w.post("/v1/rooms", `{"roomID":"r","name":"The room"}`))
	// Two devices of one user, and two connections of one of them.
	a, a2, b := w.on("a", "1"), w.on("a", "2"), w.on("b", "1")
	tab := w.on("a", "1")
	a.enter("ROOMr")
	b.enter("ROOMr")
	m := b.hears(a, "hi")
	require.Equal(t, "a", m.From)
	require.Equal(t, uint64(1), event[wire.MessagesEvent](tab, wire.EventMessages).Messages[0].Seq, "the device's other connection follows")
	a2.silent()
	var ack wire.SendAck
	require.Equal(t, wire.NotInRoom, try(a2, wire.OpSend, newSend("ROOMr", "x"), &ack))
	var page wire.Page
	require.Equal(t, wire.NotInRoom, try(a2, wire.OpPage, &wire.PageRequest{ConversationID: "ROOMr", Limit: 1}, &page))
	require.Equal(t, uint64(2), a2.enter("ROOMr").From)
	a2.hears(b, "to all")
	a.hears(b, "to all again")
	tab.upTo(3)
	a2.upTo(3)
	require.Zero(t, ask[wire.Pong](a, wire.OpPing, &wire.Ping{}).N, "no user rows")

	// Leaving takes the device out, on all its connections and no other device.
	ask[wire.LeaveAck](tab, wire.OpLeave, &wire.Leave{ConversationID: "ROOMr"})
	require.Equal(t, wire.NotInRoom, try(a, wire.OpSend, newSend("ROOMr", "x"), &ack))
	a2.hears(b, "without the first")
	a.silent()
	tab.silent()

	// Losing the connection is not leaving: the next one follows from the start on.
	require.NoError(t, b.ws.CloseNow())
	b = w.on("b", "1")
	b.hears(a2, "welcome back")

	r := ask[wire.Recalled](b, wire.OpRecall, &wire.Recall{ConversationID: "ROOMr", Seq: 4})
	e := event[wire.RecallsEvent](a2, wire.EventRecalls)
	require.Equal(t, []any{"ROOMr", r}, []any{e.ConversationID, e.Recalls[0]})
	var deleted wire.DeleteAck
	require.Equal(t, wire.RoomNotDeletable, try(b, wire.OpDelete, &wire.Delete{
		OpID: newID(), ConversationID: "ROOMr", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 1,
	}, &deleted))
	require.Empty(t, ask[wire.Heads](b, wire.OpHeads, &wire.HeadsRequest{Rest: true}).States)

	// Closing tells those who are in, and only them.
	w.del("/v1/rooms/r")
	for _, c := range []*client{a2, b} {
		require.Equal(t, "ROOMr", event[wire.ClosedEvent](c, wire.EventClosed).ConversationID)
	}
	a.silent()
	require.Equal(t, wire.RoomNotFound, try(b, wire.OpSend, newSend("ROOMr", "x"), &ack))
	require.Equal(t, []string{"ROOMr"}, ask[wire.Heads](b, wire.OpHeads, &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: "ROOMr", Head: 5}}}).Unknown)
	w.del("/v1/rooms/r")
	b.silent()

	status, out := w.call(http.MethodDelete, "/v1/rooms/none", admin(), "")
	require.Equal(t, []any{http.StatusNotFound, "ROOM_NOT_FOUND"}, []any{status, out["name"]})
}

func TestARoomOpenedAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.on("a", "1"), w.on("b", "1")
	for i := range uint64(3) {
		w.post("/v1/rooms", `{"roomID":"r"}`)
		log := a.enter("ROOMr")
		require.Equal(t, i+1, log.From)
		b.enter("ROOMr")
		b.hears(a, "hi")
		w.del("/v1/rooms/r")
		event[wire.ClosedEvent](a, wire.EventClosed)
		event[wire.ClosedEvent](b, wire.EventClosed)
	}
}

func TestRoomHistory(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		var ahead atomic.Int64
		w := newWorld(t, func(o *server.Options) {
			set := server.Lethe
			set.RoomCloudHistory = keeps
			o.Apps = map[string]server.App{app: {Key: key, Settings: set}}
			o.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		w.post("/v1/rooms", `{"roomID":"r"}`)
		a := w.on("a", "1")
		a.enter("ROOMr")
		ask[wire.SendAck](a, wire.OpSend, newSend("ROOMr", "x"))
		held := func(c *client) int {
			return len(ask[wire.Page](c, wire.OpPage, &wire.PageRequest{ConversationID: "ROOMr", Limit: 10}).Batches)
		}
		require.NoError(t, w.server.PurgeRooms(t.Context()))
		require.Equal(t, 1, held(a), "for delivery")
		ahead.Store(int64(2 * time.Minute))
		require.NoError(t, w.server.PurgeRooms(t.Context()))
		b := w.on("b", "1")
		b.enter("ROOMr")
		if keeps {
			require.Equal(t, []int{1, 1}, []int{held(a), held(b)})
		} else {
			require.Equal(t, []int{0, 0}, []int{held(a), held(b)})
		}
	}
}

// Who sends right after joining, before the connection follows the room, misses nothing of the others.
func TestSendingRightAfterJoining(t *testing.T) {
	w := newWorld(t)
	for i := range uint64(5) {
		w.post("/v1/rooms", `{"roomID":"r"}`)
		a, b := w.on("a", "1"), w.on("b", "1")
		a.write(wire.OpJoin, &wire.Join{ConversationID: "ROOMr"})
		a.write(wire.OpSend, newSend("ROOMr", "1"))
		a.answer()
		require.Equal(t, wire.OK, a.answer().Code)
		b.enter("ROOMr")
		ask[wire.SendAck](b, wire.OpSend, newSend("ROOMr", "2"))
		a.upTo(2*i + 2)
		w.del("/v1/rooms/r")
	}
}
