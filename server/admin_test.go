package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// seqs are what a device's page has.
func (c *client) seqs(conversation string) (seqs []uint64) {
	c.Helper()
	p := ask[wire.Page](c, wire.OpPage, &wire.PageRequest{ConversationID: conversation, Limit: 100})
	for i := range p.Batches {
		m, err := p.Batches[i].Messages()
		require.NoError(c, err)
		for _, m := range m {
			seqs = append(seqs, m.Seq)
		}
	}
	return seqs
}

// chat is a C2C of a and b with n messages from a.
func (w *world) chat(n int) (a, b *client, log uint64) {
	w.Helper()
	a, b = w.hello("a"), w.hello("b")
	for i := range n {
		log = ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", fmt.Sprint(i))).Log
		if i == 0 {
			event[wire.Rows](a, wire.EventRows)
			event[wire.Rows](b, wire.EventRows)
		}
		event[wire.MessagesEvent](b, wire.EventMessages)
	}
	return a, b, log
}

func TestHTTPClearForAUser(t *testing.T) {
	w := newWorld(t)
	a, b, log := w.chat(5)
	out := w.post("/v1/clear", fmt.Sprintf(`{"as":"a","conversationID":"C2Cb","scope":"user","messages":["%016x-2","%016x-3"]}`, log, log))
	require.Equal(t, map[string]any{"conversationID": "C2Cb", "head": 5.0}, out)
	pushed := event[wire.Rows](a, wire.EventRows)
	surfaces := map[wire.Surface]wire.Ledger{}
	for _, l := range pushed.Ledgers {
		surfaces[l.Surface] = l.Ledger
	}
	want := wire.Ledger{Ranges: wire.RangesOf(2, 3)}
	require.Equal(t, map[wire.Surface]wire.Ledger{wire.SurfaceHistory: want, wire.SurfaceCompensation: want}, surfaces,
		"the devices are told like of any deletion, and keep what they hold")
	require.Equal(t, []uint64{1, 4, 5}, a.seqs("C2Cb"))

	// By time, and all, count as by time: the compensation goes by its switch.
	w.set(`{"compensation.clearedByTime":false}`)
	w.post("/v1/clear", fmt.Sprintf(`{"as":"a","conversationID":"C2Cb","scope":"user","before":%d}`, time.Now().Add(time.Hour).UnixMilli()))
	for _, l := range event[wire.Rows](a, wire.EventRows).Ledgers {
		require.Equal(t, wire.SurfaceHistory, l.Surface)
	}
	require.Empty(t, a.seqs("C2Cb"))
	w.set(`{"compensation.clearedByTime":true}`)
	w.post("/v1/clear", `{"as":"a","conversationID":"C2Cb","scope":"user","all":true}`)
	require.Equal(t, wire.SurfaceCompensation, event[wire.Rows](a, wire.EventRows).Ledgers[0].Surface)
	b.silent()
	require.Len(t, b.seqs("C2Ca"), 5, "the other one's history is another one")
}

func TestHTTPClearForEverybody(t *testing.T) {
	w := newWorld(t)
	a, b, log := w.chat(5)
	w.post("/v1/clear", fmt.Sprintf(`{"scope":"everybody","messages":["%016x-2"]}`, log))
	require.Equal(t, []uint64{1, 3, 4, 5}, a.seqs("C2Cb"))
	require.Equal(t, []uint64{1, 3, 4, 5}, b.seqs("C2Ca"))
	w.post("/v1/clear", `{"as":"b","conversationID":"C2Ca","scope":"everybody","all":true}`)
	require.Empty(t, a.seqs("C2Cb"))
	require.Zero(t, ask[wire.Count](b, wire.OpCount, &wire.CountRequest{ConversationID: "C2Ca"}).Messages)
	a.silent()
	b.silent()
	require.NoError(t, w.server.Purge(t.Context()))
	require.Equal(t, uint64(6), ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x")).Seq)
}

func TestHTTPRecallByID(t *testing.T) {
	w := newWorld(t)
	a, b, log := w.chat(2)
	w.post("/v1/recall", fmt.Sprintf(`{"ID":"%016x-2"}`, log))
	for _, c := range []*client{a, b} {
		e := event[wire.RecallsEvent](c, wire.EventRecalls)
		require.Equal(t, []any{uint64(2), ""}, []any{e.Recalls[0].Seq, e.Recalls[0].By})
	}
	w.post("/v1/groups", `{"groupID":"g","members":["a"]}`)
	event[wire.Rows](a, wire.EventRows)
	sent := ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg", "x"))
	w.post("/v1/recall", fmt.Sprintf(`{"ID":"%016x-1"}`, sent.Log))
	require.Equal(t, "GROUPg", event[wire.RecallsEvent](a, wire.EventRecalls).ConversationID)
	w.post("/v1/notices", `{"to":"a","from":"shop","payload":{"text":"sale"}}`)
	event[wire.Rows](a, wire.EventRows)
	e := event[wire.MessagesEvent](a, wire.EventMessages)
	w.post("/v1/recall", fmt.Sprintf(`{"ID":"%016x-1"}`, e.Log))
	require.Equal(t, "@TIM#SYSTEMshop", event[wire.RecallsEvent](a, wire.EventRecalls).ConversationID)
}

func TestHTTPWipe(t *testing.T) {
	w := newWorld(t)
	a, b, _ := w.chat(3)
	status, out := w.call(http.MethodDelete, "/v1/users/a", admin(), "")
	require.Equal(t, []any{http.StatusOK, "a"}, []any{status, out["userID"]})
	event[wire.Rows](a, wire.EventRows)
	heads := ask[wire.Heads](a, wire.OpHeads, &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: "C2Cb", Head: 3}}})
	require.Equal(t, []string{"C2Cb"}, heads.Unknown)
	require.Len(t, b.seqs("C2Ca"), 3)
	var ack wire.SendAck
	require.Equal(t, wire.PermissionDenied, try(b, wire.OpSend, newSend("C2Ca", "gone?"), &ack))

	// Writing brings the user back, from then on.
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "back"))
	require.Equal(t, uint64(4), event[wire.Rows](a, wire.EventRows).Spans[0].Joined)
	event[wire.MessagesEvent](b, wire.EventMessages)
	ask[wire.SendAck](b, wire.OpSend, newSend("C2Ca", "welcome"))
	require.Equal(t, uint64(5), event[wire.MessagesEvent](a, wire.EventMessages).Messages[0].Seq)
	require.Equal(t, []uint64{4, 5}, a.seqs("C2Cb"))
}

// keyed makes a call under an Idempotency-Key.
func (w *world) keyed(key, method, path, body string) (status int, raw string) {
	w.Helper()
	r, err := http.NewRequest(method, w.http.URL+path, strings.NewReader(body))
	require.NoError(w, err)
	r.Header.Set("Authorization", "Bearer "+admin())
	r.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(r)
	require.NoError(w, err)
	var out bytes.Buffer
	_, err = out.ReadFrom(response.Body)
	require.NoError(w, err)
	require.NoError(w, response.Body.Close())
	return response.StatusCode, out.String()
}

func TestIdempotencyKey(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	w := newWorld(t, func(o *server.Options) {
		o.Clock = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	notice := `{"to":"a","from":"shop","payload":{"text":"once"}}`
	status, first := w.keyed("k1", "POST", "/v1/notices", notice)
	require.Equal(t, http.StatusOK, status, first)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			status, again := w.keyed("k1", "POST", "/v1/notices", notice)
			if status != http.StatusOK || again != first {
				t.Errorf("%d %s", status, again)
			}
		})
	}
	all.Wait()
	// Many at once under a new key are one call, too.
	answers := make([]string, 8)
	for i := range answers {
		all.Go(func() { _, answers[i] = w.keyed("k2", "POST", "/v1/notices", notice) })
	}
	all.Wait()
	for _, answer := range answers {
		require.Equal(t, answers[0], answer)
	}
	a := w.hello("a")
	require.Equal(t, []uint64{1, 2}, a.seqs("@TIM#SYSTEMshop"))

	for _, other := range [][3]string{
		{"POST", "/v1/notices", `{"to":"a","from":"shop","payload":{"text":"another"}}`},
		{"POST", "/v1/groups", notice}, {"DELETE", "/v1/users/a", notice},
	} {
		status, answer := w.keyed("k1", other[0], other[1], other[2])
		require.Equal(t, http.StatusConflict, status)
		require.Contains(t, answer, "OPERATION_ID_REUSED")
	}
	// A refused call is not remembered: what was missing may have come.
	status, _ = w.keyed("k3", "POST", "/v1/groups/g/members", `{"add":["a"]}`)
	require.Equal(t, http.StatusNotFound, status)
	w.post("/v1/groups", `{"groupID":"g"}`)
	status, _ = w.keyed("k3", "POST", "/v1/groups/g/members", `{"add":["a"]}`)
	require.Equal(t, http.StatusOK, status)
}

func TestEachChangeLeavesOneAuditLine(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	w := newWorld(t, func(o *server.Options) {
		o.Logger = slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), nil))
	})
	lines := func() (audits []string) {
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "msg=audit") {
				audits = append(audits, line)
			}
		}
		require.NotContains(t, log.String(), "the text")
		require.NotContains(t, log.String(), admin()[:20])
		log.Reset()
		return audits
	}
	w.post("/v1/notices", `{"to":"a","payload":{"text":"the text"}}`)
	require.Len(t, lines(), 1)
	w.post("/v1/clear", `{"as":"a","conversationID":"@TIM#SYSTEM","scope":"user","seqs":[1]}`)
	line := lines()
	require.Len(t, line, 1)
	for _, part := range []string{`call="POST /v1/clear"`, "app=lethe", "code=0", "by=backend", "as=a", "conversation=@TIM#SYSTEM", "scope=user", "messages=1"} {
		require.Contains(t, line[0], part)
	}
	w.keyed("k", "DELETE", "/v1/users/a", "")
	w.keyed("k", "DELETE", "/v1/users/a", "")
	line = lines()
	require.Len(t, line, 2)
	require.Contains(t, line[0], "repeated=false")
	require.Contains(t, line[1], "repeated=true")
	w.call(http.MethodDelete, "/v1/groups/none", admin(), "")
	require.Contains(t, lines()[0], "code=2603", "a refusal has its line too")
	w.call(http.MethodGet, "/v1/settings", admin(), "")
	require.Empty(t, lines(), "reading changes nothing")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Cloud history off, over sockets: what waits is given, what all have is gone.
func TestDeliveryOnly(t *testing.T) {
	w := newWorld(t)
	w.set(`{"profile":"rongcloud"}`)
	a, b, _ := w.chat(3)
	have := func(c *client, conversation string, upTo uint64) {
		ask[wire.HaveAck](c, wire.OpHave, &wire.Have{Heads: []wire.Head{{ConversationID: conversation, Head: upTo}}})
	}
	require.Equal(t, []uint64{1, 2, 3}, b.seqs("C2Ca"))
	have(b, "C2Ca", 2)
	require.Equal(t, []uint64{3}, b.seqs("C2Ca"))
	heads := ask[wire.Heads](b, wire.OpHeads, &wire.HeadsRequest{Rest: true})
	require.Equal(t, []any{uint64(3), uint64(3), uint32(1)}, []any{heads.States[0].Head, heads.States[0].Last.Seq, heads.States[0].Unread})
	have(a, "C2Cb", 3)
	have(b, "C2Ca", 3)
	require.NoError(t, w.server.Purge(t.Context()))
	require.Zero(t, ask[wire.Count](b, wire.OpCount, &wire.CountRequest{ConversationID: "C2Ca"}).Messages)
	w.set(`{"cloudHistory.enabled":true}`)
	require.Empty(t, a.seqs("C2Cb"), "switching on brings nothing back")

	many := make([]wire.Head, wire.MaxHeads+1)
	var ack wire.HaveAck
	require.Equal(t, wire.LimitExceeded, try(a, wire.OpHave, &wire.Have{Heads: many}, &ack))
}
