package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// unheard does in the Store what another node does whose poke never came: it was lost, or the node died before it.
func (w *world) unheard(user string, s *wire.Send) wire.SendAck {
	w.Helper()
	ack, repeated, err := w.store.Send(context.Background(), server.Who{App: app, User: user}, *s, time.Now().UnixMilli())
	require.NoError(w, err)
	require.False(w, repeated)
	return ack
}

// A node died between its commit and its poke. The device sends again, to another node: that one tells the others.
func TestRepeatedSendIsToldOf(t *testing.T) {
	w := newWorld(t)
	a, b := w.hello("a"), w.hello("b")
	first := newSend("C2Cb", "first") // it makes the log and both users' spans
	ack := w.unheard("a", first)
	b.silent()
	require.Equal(t, ack.Seq, ask[wire.SendAck](a, wire.OpSend, first).Seq)
	event[wire.Rows](b, wire.EventRows)
	require.Len(t, event[wire.MessagesEvent](b, wire.EventMessages).Messages, 1)

	second := newSend("C2Cb", "second")
	ack = w.unheard("a", second)
	b.silent()
	require.Equal(t, ack.Seq, ask[wire.SendAck](a, wire.OpSend, second).Seq)
	e := event[wire.MessagesEvent](b, wire.EventMessages)
	require.Len(t, e.Messages, 1)
	require.Equal(t, ack.Seq, e.Messages[0].Seq)
	b.silent()

	ask[wire.SendAck](a, wire.OpSend, second)
	b.silent() // it has it already
}

// A poke that says nothing lets connections look at everything of theirs, by the user's topic and by a log's.
func TestPokeThatSaysNothing(t *testing.T) {
	bus := server.NewBus()
	w := newWorld(t, func(o *server.Options) { o.Bus = bus })
	a, b := w.hello("a"), w.hello("b")
	log := ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "first")).Log
	event[wire.Rows](b, wire.EventRows)
	event[wire.MessagesEvent](b, wire.EventMessages)
	for _, topic := range []server.Topic{{App: app, User: "b"}, {App: app, Log: log}} {
		ack := w.unheard("a", newSend("C2Cb", "more"))
		b.silent()
		bus.Publish(topic, server.Poke{})
		e := event[wire.MessagesEvent](b, wire.EventMessages)
		require.Len(t, e.Messages, 1)
		require.Equal(t, ack.Seq, e.Messages[0].Seq)
		_, err := w.store.Read(context.Background(), server.Who{App: app, User: "b"}, wire.Read{ConversationID: "C2Ca", UpTo: ack.Seq})
		require.NoError(t, err)
		b.silent()
		bus.Publish(topic, server.Poke{})
		event[wire.Rows](b, wire.EventRows)
	}
}

// Rows that are asked for take away what the pushes would have told of. Whoever came into a group shortly before hears of it all
// the same: where rows were pushed before, and where these are the first.
func TestRowsAskedForMissNoGroup(t *testing.T) {
	for name, before := range map[string]bool{"again": true, "first": false} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			bus := server.NewBus()
			w := newWorld(t, func(o *server.Options) { o.Bus = bus })
			b := w.open()
			epoch := ask[wire.Welcome](b, wire.OpHello, hello("b", token("b", time.Hour))).Epoch
			if before {
				ask[wire.Rows](b, wire.OpRows, &wire.RowsRequest{})
			}
			_, err := w.store.PutGroup(ctx, app, "g", "g", false)
			require.NoError(t, err)
			_, log, err := w.store.Members(ctx, app, "g", []string{"b", "a"}, nil)
			require.NoError(t, err)
			n, _, err := w.store.Number(ctx, server.Who{App: app, User: "b"})
			require.NoError(t, err)
			require.Len(t, ask[wire.Rows](b, wire.OpRows, &wire.RowsRequest{Epoch: epoch}).Spans, 1)
			if !before {
				bus.Publish(server.Topic{App: app, User: "b"}, server.Poke{N: n})
			}
			b.silent()
			ack, _, err := w.store.Send(ctx, server.Who{App: app, User: "a"}, *newSend("GROUPg", "hello"), time.Now().UnixMilli())
			require.NoError(t, err)
			bus.Publish(server.Topic{App: app, Log: log}, server.Poke{From: ack.Seq, To: ack.Seq})
			require.Len(t, event[wire.MessagesEvent](b, wire.EventMessages).Messages, 1)
		})
	}
}

// Of a deletion the rows are read, and the logs are not: no stay has changed.
func TestADeletionLooksAtNoLogs(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	ask[wire.Rows](a, wire.OpRows, &wire.RowsRequest{})
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "first"))
	require.Len(t, event[wire.Rows](a, wire.EventRows).Spans, 1)
	ask[wire.DeleteAck](a, wire.OpDelete, &wire.Delete{
		OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 1, Ranges: wire.RangesOf(1),
	})
	r := event[wire.Rows](a, wire.EventRows)
	require.Empty(t, r.Spans)
	require.Len(t, r.Ledgers, 3)
	a.silent()
}
