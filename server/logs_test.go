package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// mark is in everything that no log may have: texts, names of groups, tokens.
const mark = "MarkOfWhatIsSecret"

// journal keeps what is logged.
type journal struct {
	mu sync.Mutex
	bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Buffer.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Buffer.String()
}

// unwell is a store that fails as it is told, and has what it was given at hand then.
type unwell struct {
	*sqlstore.Store
	mu  sync.Mutex
	how string
}

func (u *unwell) is(how string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.how = how
}

func (u *unwell) Send(ctx context.Context, who server.Who, s wire.Send, now int64) (wire.SendAck, bool, error) {
	u.mu.Lock()
	how := u.how
	u.mu.Unlock()
	switch how {
	case "failing":
		return wire.SendAck{}, false, errors.New("disk I/O error")
	case "panicking":
		panic(fmt.Sprintf("cannot keep %q", s.Payload))
	case "out of bounds":
		_ = s.Payload[len(s.Payload)+len(how)]
	}
	return u.Store.Send(ctx, who, s, now)
}

func (u *unwell) PutGroup(_ context.Context, _, _, name string, _ bool) ([]string, error) {
	panic(errors.New("cannot keep " + name))
}

// Whatever devices and backends send, well-formed or not, and however it fails: at the level debug, too, no message's text and no
// token is in the log.
func TestNoTextsAndTokensInTheLog(t *testing.T) {
	logged := &journal{}
	var store *unwell
	w := newWorld(t, func(o *server.Options) {
		o.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		store = &unwell{Store: o.Store.(*sqlstore.Store)}
		o.Store = store
	})
	tokens := []string{token("a", time.Hour), token("a", -time.Hour), signed([]byte(strings.Repeat(mark, 3)), app, "a", "", time.Hour), mark, mark + "." + mark + "." + mark}
	for _, tok := range tokens[1:] {
		c := w.open()
		c.write(wire.OpHello, hello("a", tok))
		<-c.closed
	}
	c := w.open()
	_ = ask[wire.Welcome](c, wire.OpHello, hello("a", tokens[0]))
	_ = ask[wire.SendAck](c, wire.OpSend, newSend("C2Cb", mark))
	bodies := map[string][]msgp.Marshaler{
		wire.OpHello:   {hello("a", mark), hello("a", tokens[1])},
		wire.OpPing:    {&wire.Ping{}},
		wire.OpRows:    {&wire.RowsRequest{}},
		wire.OpHeads:   {&wire.HeadsRequest{Rest: true}, &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: "C2Cb"}}}},
		wire.OpPage:    {&wire.PageRequest{ConversationID: "C2Cb", Limit: 10}, &wire.PageRequest{ConversationID: "C2Cb"}},
		wire.OpSend:    {newSend("C2Cc", mark), newSend("GROUPnone", mark), &wire.Send{ConversationID: "C2Cb", Type: wire.TypeText, Payload: text(mark)}, &wire.Send{SendID: newID(), ConversationID: "C2Cb", Type: mark, Payload: text(mark)}},
		wire.OpCancel:  {&wire.Cancel{OpID: newID(), SendID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth}},
		wire.OpDelete:  {&wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 1}, &wire.Delete{}},
		wire.OpRead:    {&wire.Read{ConversationID: "C2Cb", UpTo: 1}, &wire.Read{ConversationID: "C2Cb", UpTo: 999}},
		wire.OpCount:   {&wire.CountRequest{ConversationID: "C2Cb"}},
		wire.OpRecall:  {&wire.Recall{ConversationID: "C2Cb", Seq: 1}, &wire.Recall{ConversationID: "C2Cb", Seq: 99}},
		wire.OpRecalls: {&wire.RecallsRequest{ConversationID: "C2Cb"}},
		wire.OpJoin:    {&wire.Join{ConversationID: "GROUPg"}},
		wire.OpLeave:   {&wire.Leave{ConversationID: "GROUPg"}},
		wire.OpHave:    {&wire.Have{Heads: []wire.Head{{ConversationID: "C2Cb", Head: 1}}}},
		server.PanicOp: {&wire.Ping{}},
		mark:           {newSend("C2Cb", mark)},
	}
	require.Len(t, bodies, server.Operations()+1, "every operation, and an unknown one")
	for op, list := range bodies {
		for _, body := range append(list, newSend("C2Cb", mark)) { // the last is mostly another operation's
			c.write(op, body)
			c.answer()
		}
		c.id++
		raw, err := wire.NewRequest(c.id, op, func(b []byte) ([]byte, error) { return msgp.AppendString(b, mark), nil })
		require.NoError(t, err)
		c.raw(websocket.MessageBinary, raw) // a body that is none
		c.answer()
	}
	for _, how := range []string{"failing", "panicking", "out of bounds"} {
		store.is(how)
		require.Equal(t, wire.Internal, try(c, wire.OpSend, newSend("C2Cb", mark), &wire.SendAck{}))
	}
	store.is("well")
	for kind, data := range map[websocket.MessageType][]byte{websocket.MessageText: []byte(mark), websocket.MessageBinary: []byte("{" + mark)} {
		bad := w.open()
		_ = ask[wire.Welcome](bad, wire.OpHello, hello("a", tokens[0]))
		bad.raw(kind, data)
		<-bad.closed
	}
	admin := signed(key, app, "backend", server.RoleAdmin, time.Hour)
	tokens = append(tokens, admin)
	for _, e := range server.Endpoints(w.server) {
		for _, body := range []string{`{"groupID": "g", "name": "` + mark + `"}`, `{"to": "a", "from": "s", "payload": {"text": "` + mark + `"}}`, `{"` + mark, mark,
			`{"as": "a", "conversationID": "C2Cb", "messages": [{"from": "a", "time": 1, "type": "TIMTextElem", "payload": {"text": "` + mark + `"}}]}`} {
			for _, tok := range []string{admin, tokens[0], mark} {
				request, err := http.NewRequest(e[0], w.http.URL+strings.NewReplacer("{groupID}", "g", "{roomID}", "r", "{userID}", "u").Replace(e[1]), strings.NewReader(body))
				require.NoError(t, err)
				request.Header.Set("Authorization", "Bearer "+tok)
				request.Header.Set("Idempotency-Key", mark+e[1]+body[:3]+tok[:3])
				answer, err := http.DefaultClient.Do(request)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, answer.Body)
				require.NoError(t, errors.Join(err, answer.Body.Close()))
			}
		}
	}
	out := logged.String()
	for _, said := range []string{"request failed", "disk I/O error", "panic=string", "index out of range", "panic=*errors.errorString", "no websocket", "msg=audit"} {
		require.Contains(t, out, said, "it did happen")
	}
	require.NotContains(t, out, mark)
	for _, tok := range tokens {
		require.NotContains(t, out, tok)
		parts := strings.Split(tok, ".")
		require.NotContains(t, out, parts[len(parts)-1]+" ", "nor a signature")
	}
}
