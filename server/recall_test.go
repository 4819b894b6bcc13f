package server_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func TestRecallReachesEveryDevice(t *testing.T) {
	w := newWorld(t)
	a, a2, b, b2 := w.on("a", "1"), w.on("a", "2"), w.on("b", "1"), w.on("b", "2")
	s := newSend("C2Cb", "secret")
	ack := ask[wire.SendAck](a, wire.OpSend, s)
	for _, c := range []*client{a, a2, b, b2} {
		event[wire.Rows](c, wire.EventRows)
	}
	for _, c := range []*client{a2, b, b2} {
		event[wire.MessagesEvent](c, wire.EventMessages)
	}
	q := &wire.Recall{ConversationID: "C2Cb", Seq: ack.Seq}
	var none wire.Recalled
	require.Equal(t, wire.PermissionDenied, try(b, wire.OpRecall, &wire.Recall{ConversationID: "C2Ca", Seq: ack.Seq}, &none))
	require.NoError(t, b2.ws.CloseNow())

	r := ask[wire.Recalled](a, wire.OpRecall, q)
	require.Equal(t, []any{uint64(1), "a", uint64(1)}, []any{r.Seq, r.By, r.Change})
	for c, conversation := range map[*client]string{a2: "C2Cb", b: "C2Ca"} {
		require.Equal(t, wire.RecallsEvent{ConversationID: conversation, Log: ack.Log, Recalls: []wire.Recalled{r}},
			event[wire.RecallsEvent](c, wire.EventRecalls))
	}
	a.silent() // it has the answer
	require.Equal(t, r, ask[wire.Recalled](a2, wire.OpRecall, q))
	b.silent()

	// A device that was away hears of it by the number, and asks.
	late := w.on("b", "2")
	late.silent()
	heads := ask[wire.Heads](late, wire.OpHeads, &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: "C2Ca", Head: 1}}})
	require.Equal(t, []any{uint64(1), wire.TypeRecalled}, []any{heads.States[0].Recall, heads.States[0].Last.Type})
	require.Equal(t, wire.Recalls{Recalls: []wire.Recalled{r}}, ask[wire.Recalls](late, wire.OpRecalls, &wire.RecallsRequest{ConversationID: "C2Ca"}))
	heads = ask[wire.Heads](late, wire.OpHeads, &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: "C2Ca", Head: 1, Recall: 1}}})
	require.Empty(t, heads.States)
	page := ask[wire.Page](late, wire.OpPage, &wire.PageRequest{ConversationID: "C2Ca", Limit: 1})
	messages, err := page.Batches[0].Messages()
	require.NoError(t, err)
	payload, err := (&wire.RecallNotice{By: "a", Time: r.Time}).MarshalMsg(nil)
	require.NoError(t, err)
	require.Equal(t, wire.Message{Seq: 1, Time: ack.Time, From: "a", Type: wire.TypeRecalled, Payload: payload, SendID: s.SendID}, messages[0])

	// The numbers go on in the pushes, for whoever recalls.
	ask[wire.SendAck](b, wire.OpSend, newSend("C2Ca", "theirs"))
	r = ask[wire.Recalled](b, wire.OpRecall, &wire.Recall{ConversationID: "C2Ca", Seq: 2})
	require.Equal(t, uint64(2), r.Change)
	for _, c := range []*client{a, a2, late} {
		require.Equal(t, uint64(2), event[wire.MessagesEvent](c, wire.EventMessages).Head)
		require.Equal(t, []wire.Recalled{r}, event[wire.RecallsEvent](c, wire.EventRecalls).Recalls)
	}
	b.silent()
}

func TestRecallWindowBySettings(t *testing.T) {
	var ahead atomic.Int64
	w := newWorld(t, func(o *server.Options) {
		set := server.Lethe
		set.RecallWindow, set.RecallOwnOnly = 10, false
		o.Apps = map[string]server.App{app: {Key: key, Settings: set}}
		start := time.Now()
		o.Clock = func() time.Time { return start.Add(time.Duration(ahead.Load())) }
	})
	a, b := w.on("a", "1"), w.on("b", "1")
	for i := range 2 {
		ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", fmt.Sprint(i)))
	}
	require.Equal(t, "b", ask[wire.Recalled](b, wire.OpRecall, &wire.Recall{ConversationID: "C2Ca", Seq: 1}).By)
	var none wire.Recalled
	require.Equal(t, wire.MessageNotFound, try(b, wire.OpRecall, &wire.Recall{ConversationID: "C2Ca", Seq: 3}, &none))
	ahead.Store(int64(11 * time.Second))
	require.Equal(t, wire.RecallTooLate, try(a, wire.OpRecall, &wire.Recall{ConversationID: "C2Cb", Seq: 2}, &none))
}

func TestHTTPRecall(t *testing.T) {
	w := newWorld(t)
	a, b := w.on("a", "1"), w.on("b", "1")
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x"))
	event[wire.Rows](a, wire.EventRows)
	event[wire.Rows](b, wire.EventRows)
	event[wire.MessagesEvent](b, wire.EventMessages)
	out := w.post("/v1/recall", `{"as":"a","conversationID":"C2Cb","seq":1}`)
	require.Equal(t, 1.0, out["seq"])
	for _, c := range []*client{a, b} {
		e := event[wire.RecallsEvent](c, wire.EventRecalls)
		require.Equal(t, []any{"", int64(out["time"].(float64))}, []any{e.Recalls[0].By, e.Recalls[0].Time})
	}
	for body, want := range map[string]int{
		`{"as":"a","conversationID":"C2Cb","seq":2}`: http.StatusNotFound, `{"as":"a","conversationID":"C2Cx","seq":1}`: http.StatusNotFound,
		`{"conversationID":"C2Cb","seq":1}`: http.StatusBadRequest, `{"as":"a","conversationID":"b","seq":1}`: http.StatusBadRequest,
	} {
		status, _ := w.call(http.MethodPost, "/v1/recall", admin(), body)
		require.Equal(t, want, status, body)
	}
	status, _ := w.call(http.MethodPost, "/v1/recall", token("a", time.Hour), `{"as":"a","conversationID":"C2Cb","seq":1}`)
	require.Equal(t, http.StatusForbidden, status)
}

func TestManyRecallsArePushedInOrder(t *testing.T) {
	w := newWorld(t)
	a := w.on("a", "1")
	const n = 60
	for range n {
		ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x"))
	}
	b := w.on("b", "1")
	for seq := range uint64(n) {
		a.write(wire.OpRecall, &wire.Recall{ConversationID: "C2Cb", Seq: n - seq})
	}
	var got []uint64
	for len(got) < n {
		for _, r := range event[wire.RecallsEvent](b, wire.EventRecalls).Recalls {
			require.Equal(t, uint64(len(got)+1), r.Change)
			got = append(got, r.Seq)
		}
	}
	require.Equal(t, uint64(n), got[0])
	require.Equal(t, uint64(1), got[n-1])
}
