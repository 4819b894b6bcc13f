package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// on connects a user's device, up to rows.
func (w *world) on(user, device string) *client {
	w.Helper()
	c := w.open()
	h := hello(user, token(user, time.Hour))
	h.DeviceID = device
	ask[wire.Welcome](c, wire.OpHello, h)
	require.False(w, ask[wire.Rows](c, wire.OpRows, &wire.RowsRequest{}).More)
	return c
}

// del makes one DELETE request as administrator.
func (w *world) del(path string) map[string]any {
	w.Helper()
	status, out := w.call(http.MethodDelete, path, admin(), "")
	require.Equal(w, http.StatusOK, status, "%v", out)
	return out
}

func TestJoiningAndLeavingAGroup(t *testing.T) {
	w := newWorld(t)
	a := w.on("a", "1")
	w.post("/v1/groups", `{"groupID":"g","members":["a"]}`)
	event[wire.Rows](a, wire.EventRows)
	b, b2 := w.on("b", "1"), w.on("b", "2")
	var join wire.JoinAck
	require.Equal(t, wire.GroupNotFound, try(b, wire.OpJoin, &wire.Join{ConversationID: "GROUPg"}, &join))
	w.post("/v1/groups", `{"groupID":"g","open":true}`)
	ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg", "before"))

	join = ask[wire.JoinAck](b, wire.OpJoin, &wire.Join{ConversationID: "GROUPg"})
	require.Equal(t, []uint64{1, 2, 1}, []uint64{join.Head, join.From, join.N})
	for _, c := range []*client{b, b2} {
		require.Equal(t, wire.SpanRow{ConversationID: "GROUPg", Log: join.Log, Joined: 2, Name: "g"}, event[wire.Rows](c, wire.EventRows).Spans[0])
	}
	ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg", "to b"))
	for _, c := range []*client{b, b2} {
		require.Equal(t, uint64(2), event[wire.MessagesEvent](c, wire.EventMessages).Messages[0].Seq)
	}

	require.Equal(t, uint64(2), ask[wire.LeaveAck](b2, wire.OpLeave, &wire.Leave{ConversationID: "GROUPg"}).N)
	for _, c := range []*client{b, b2} {
		require.Equal(t, uint64(3), event[wire.Rows](c, wire.EventRows).Spans[0].Left)
	}
	ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg", "without b"))
	// Recalled while b is out: b's device hears of it when it comes back, at the latest.
	ask[wire.Recalled](a, wire.OpRecall, &wire.Recall{ConversationID: "GROUPg", Seq: 2})
	b.silent()
	b2.silent()

	require.Equal(t, uint64(4), ask[wire.JoinAck](b, wire.OpJoin, &wire.Join{ConversationID: "GROUPg"}).From)
	event[wire.Rows](b, wire.EventRows)
	e := event[wire.RecallsEvent](b, wire.EventRecalls)
	require.Equal(t, []any{"GROUPg", uint64(2), uint64(1)}, []any{e.ConversationID, e.Recalls[0].Seq, e.Recalls[0].Change})
	require.Equal(t, uint64(1), ask[wire.Count](b, wire.OpCount, &wire.CountRequest{ConversationID: "GROUPg"}).Messages)
	b.silent()
}

func TestDissolvingAGroup(t *testing.T) {
	w := newWorld(t)
	a, b := w.on("a", "1"), w.on("b", "1")
	w.post("/v1/groups", `{"groupID":"g","members":["a","b"]}`)
	event[wire.Rows](a, wire.EventRows)
	event[wire.Rows](b, wire.EventRows)
	ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg", "x"))
	event[wire.MessagesEvent](b, wire.EventMessages)

	out := w.del("/v1/groups/g")
	require.Equal(t, map[string]any{"groupID": "g", "conversationID": "GROUPg", "changed": []any{"a", "b"}}, out)
	for _, c := range []*client{a, b} {
		require.Equal(t, uint64(2), event[wire.Rows](c, wire.EventRows).Spans[0].Left)
	}
	var ack wire.SendAck
	require.Equal(t, wire.GroupNotFound, try(a, wire.OpSend, newSend("GROUPg", "x"), &ack))
	require.Equal(t, uint64(1), ask[wire.Count](b, wire.OpCount, &wire.CountRequest{ConversationID: "GROUPg"}).Messages)
	require.Equal(t, []any{}, w.del("/v1/groups/g")["changed"])

	w.post("/v1/groups", `{"groupID":"g","members":["a"]}`)
	require.Equal(t, uint64(2), event[wire.Rows](a, wire.EventRows).Spans[0].Joined)
	require.Equal(t, uint64(2), ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg", "again")).Seq)
	b.silent()

	status, out := w.call(http.MethodDelete, "/v1/groups/none", admin(), "")
	require.Equal(t, []any{http.StatusNotFound, "GROUP_NOT_FOUND"}, []any{status, out["name"]})
}
