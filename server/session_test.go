package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func TestRefusedAlone(t *testing.T) {
	w := newWorld(t)
	c := w.hello("a")
	var pong wire.Pong
	require.Equal(t, wire.OperationUnknown, try(c, "tomorrow", &wire.Ping{}, &pong))
	require.Equal(t, wire.Internal, try(c, server.PanicOp, &wire.Ping{}, &pong))
	require.Equal(t, wire.FrameInvalid, try(c, wire.OpSend, raw(msgp.AppendInt(nil, 7)), &pong))
	big := func(n int) *wire.Send { return newSend("C2Cb", strings.Repeat("x", n)) }
	require.Equal(t, wire.MessageTooLarge, try(c, wire.OpSend, big(wire.MaxContent+1), &pong))
	for name, change := range map[string]func(*wire.Send){
		"type":       func(s *wire.Send) { s.Type = "nonsense" },
		"no type":    func(s *wire.Send) { s.Type = "" },
		"no payload": func(s *wire.Send) { s.Payload = msgp.AppendNil(nil) },
		"a list":     func(s *wire.Send) { s.Payload = msgp.AppendArrayHeader(nil, 0) },
		"no sendID":  func(s *wire.Send) { s.SendID = wire.ID{} },
	} {
		s := newSend("C2Cb", "x")
		change(s)
		require.Equal(t, wire.ParameterInvalid, try(c, wire.OpSend, s, &pong), name)
	}
	require.Equal(t, wire.ConversationIDInvalid, try(c, wire.OpSend, newSend("b", "x"), &pong))
	require.Equal(t, wire.LimitExceeded, try(c, wire.OpHeads, &wire.HeadsRequest{Heads: make([]wire.Head, wire.MaxHeads+1)}, &pong))
	require.Equal(t, wire.ParameterInvalid, try(c, wire.OpHeads, &wire.HeadsRequest{Rest: true, Heads: make([]wire.Head, 1)}, &pong))
	require.Equal(t, wire.ParameterInvalid, try(c, wire.OpDelete, &wire.Delete{}, &pong))
	require.Zero(t, ask[wire.Pong](c, wire.OpPing, &wire.Ping{}).N, "nothing has changed")
	ask[wire.SendAck](c, wire.OpSend, big(wire.MaxContent))
}

type raw []byte

func (r raw) MarshalMsg(b []byte) ([]byte, error) { return append(b, r...), nil }

func TestOnlyRequestsComeFromAClient(t *testing.T) {
	w := newWorld(t)
	c := w.hello("a")
	data, err := wire.NewEvent(wire.EventRows, &wire.Rows{})
	require.NoError(t, err)
	c.raw(websocket.MessageBinary, data)
	c.requireClosed(wire.CloseFrameInvalid)
	c = w.hello("a")
	c.raw(websocket.MessageBinary, make([]byte, wire.MaxClientFrame+1))
	c.requireClosed(wire.CloseFrameTooLarge)
}

func TestSendAndReceive(t *testing.T) {
	w := newWorld(t)
	a, a2, b, b2 := w.hello("a"), w.hello("a"), w.hello("b"), w.hello("b")
	stranger := w.hello("c")

	s := newSend("C2Cb", "hi")
	ack := ask[wire.SendAck](a, wire.OpSend, s)
	require.Equal(t, uint64(1), ack.Seq)
	message := wire.Message{Seq: 1, Time: ack.Time, From: "a", Type: s.Type, Payload: s.Payload, SendID: s.SendID}

	// The first message makes spans: rows come to everyone, this connection too, and before the message.
	for c, conversation := range map[*client]string{a: "C2Cb", a2: "C2Cb", b: "C2Ca", b2: "C2Ca"} {
		rows := event[wire.Rows](c, wire.EventRows)
		require.Equal(t, []any{uint64(0), uint64(1)}, []any{rows.After, rows.N})
		require.Equal(t, []wire.SpanRow{{ConversationID: conversation, Log: ack.Log, Joined: 1}}, rows.Spans)
	}
	for c, conversation := range map[*client]string{a2: "C2Cb", b: "C2Ca", b2: "C2Ca"} {
		e := event[wire.MessagesEvent](c, wire.EventMessages)
		require.Equal(t, wire.MessagesEvent{ConversationID: conversation, Log: ack.Log, Head: 1, Messages: []wire.Message{message}}, e)
	}

	ack = ask[wire.SendAck](b, wire.OpSend, newSend("C2Ca", "hello"))
	require.Equal(t, uint64(2), ack.Seq)
	for _, c := range []*client{a, a2, b2} {
		e := event[wire.MessagesEvent](c, wire.EventMessages)
		require.Equal(t, uint64(2), e.Messages[0].Seq)
		require.Len(t, e.Messages, 1)
	}
	for _, c := range []*client{a, a2, b, b2, stranger} {
		c.silent()
	}

	again := ask[wire.SendAck](a, wire.OpSend, s)
	require.Equal(t, uint64(1), again.Seq)
	b.silent()
}

func TestDeleteReachesOwnDevicesOnly(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	for i := range 20 {
		ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", fmt.Sprint(i)))
	}
	a1, a2, b := w.hello("a"), w.hello("a"), w.hello("b")
	theirs := ask[wire.Page](b, wire.OpPage, &wire.PageRequest{ConversationID: "C2Ca", Limit: 50})

	d := &wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 20, Hide: true}
	ack := ask[wire.DeleteAck](a1, wire.OpDelete, d)
	require.Equal(t, []any{uint64(2), uint64(20)}, []any{ack.N, ack.Through})
	for _, c := range []*client{a1, a2} { // the one that caused it as well: its numbers stay without a gap
		rows := event[wire.Rows](c, wire.EventRows)
		require.Equal(t, []any{uint64(1), uint64(2)}, []any{rows.After, rows.N})
		require.Len(t, rows.Ledgers, 3)
		require.Equal(t, wire.Ledger{Through: 20, HiddenAt: 21}, rows.Ledgers[0].Ledger)
		require.Equal(t, []wire.ReadRow{{ConversationID: "C2Cb", UpTo: 20}}, rows.Reads)
	}
	require.Equal(t, ack, ask[wire.DeleteAck](a2, wire.OpDelete, d), "the same operation from another device")
	d.Anchor = 19
	var none wire.DeleteAck
	require.Equal(t, wire.OperationIDReused, try(a2, wire.OpDelete, d, &none))

	page := ask[wire.Page](a2, wire.OpPage, &wire.PageRequest{ConversationID: "C2Cb", Limit: 50})
	require.Equal(t, []any{uint64(1), uint64(20), true, 0}, []any{page.From, page.To, page.First, len(page.Batches)})
	require.Zero(t, ask[wire.Count](a2, wire.OpCount, &wire.CountRequest{ConversationID: "C2Cb"}).Messages)
	rest := ask[wire.Heads](a2, wire.OpHeads, &wire.HeadsRequest{Rest: true})
	require.Empty(t, rest.States, "hidden")

	b.silent()
	require.Equal(t, theirs, ask[wire.Page](b, wire.OpPage, &wire.PageRequest{ConversationID: "C2Ca", Limit: 50}))
	require.Equal(t, uint64(1), ask[wire.Pong](b, wire.OpPing, &wire.Ping{}).N)
	require.Equal(t, uint64(2), ask[wire.Pong](a2, wire.OpPing, &wire.Ping{}).N)
}

func TestReadAndCancelReachOwnDevices(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	s := newSend("C2Cb", "x")
	ask[wire.SendAck](a, wire.OpSend, s)
	b1, b2, a2 := w.hello("b"), w.hello("b"), w.hello("a")
	require.Equal(t, uint64(2), ask[wire.ReadAck](b1, wire.OpRead, &wire.Read{ConversationID: "C2Ca", UpTo: 1}).N)
	require.Equal(t, []wire.ReadRow{{ConversationID: "C2Ca", UpTo: 1}}, event[wire.Rows](b2, wire.EventRows).Reads)
	ack := ask[wire.CancelAck](a, wire.OpCancel, &wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "C2Cb", Scope: wire.ScopeBoth})
	require.Equal(t, wire.CancelAck{Seq: 1, N: 2}, ack)
	require.Len(t, event[wire.Rows](a2, wire.EventRows).Ledgers, 3)
}

func TestRowsArePushedFromTheAnswerOn(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x"))
	late := w.open()
	ask[wire.Welcome](late, wire.OpHello, hello("a", token("a", time.Hour)))
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cc", "x"))
	e := event[wire.MessagesEvent](late, wire.EventMessages) // messages since hello
	require.Equal(t, "C2Cc", e.ConversationID)
	late.silent() // rows not before they were asked for
	rows := ask[wire.Rows](late, wire.OpRows, &wire.RowsRequest{Epoch: 1, Since: 1})
	require.Equal(t, []any{uint64(1), uint64(2), 1}, []any{rows.After, rows.N, len(rows.Spans)})
	rows = ask[wire.Rows](late, wire.OpRows, &wire.RowsRequest{Epoch: 7, Since: 1})
	require.Equal(t, []any{uint64(0), 2}, []any{rows.After, len(rows.Spans)}, "another epoch begins anew")
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cd", "x"))
	rows = event[wire.Rows](late, wire.EventRows)
	require.Equal(t, []any{uint64(2), uint64(3), 1}, []any{rows.After, rows.N, len(rows.Spans)})
}

func TestPushesKeepUpWithManySenders(t *testing.T) {
	w := newWorld(t)
	_, err := w.store.PutGroup(t.Context(), app, "g", "g", false)
	require.NoError(t, err)
	_, _, err = w.store.Members(t.Context(), app, "g", []string{"a", "b", "c", "d"}, nil)
	require.NoError(t, err)
	reader := w.hello("d")
	const each = 60
	done := make(chan struct{})
	for _, user := range []string{"a", "b", "c"} {
		c := w.hello(user)
		go func() {
			for range each {
				ask[wire.SendAck](c, wire.OpSend, newSend("GROUPg", user))
			}
			done <- struct{}{}
		}()
	}
	for range 3 {
		<-done
	}
	for next := uint64(1); next <= 3*each; {
		for _, m := range event[wire.MessagesEvent](reader, wire.EventMessages).Messages {
			require.Equal(t, next, m.Seq, "in order, without gaps, each once")
			next++
		}
	}
	reader.silent()
}

func TestDrain(t *testing.T) {
	w := newWorld(t)
	a, silent := w.hello("a"), w.open()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		done <- w.server.Shutdown(ctx)
	}()
	a.requireClosed(wire.CloseDraining)
	silent.requireClosed(wire.CloseDraining)
	require.NoError(t, <-done)
	w.open().requireClosed(wire.CloseDraining) // who comes now is turned away the same way
	require.Zero(t, w.server.Connections())
}

func TestWhoIsTurnedAwayIsWaitedFor(t *testing.T) {
	w := newWorld(t, limits(server.Limits{Close: time.Minute}))
	require.NoError(t, w.server.Shutdown(t.Context()))
	ws, _, err := w.dial(nil)
	require.NoError(t, err)
	last := w.client(ws) // it does not read yet, so it does not answer the close
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.server.Await(short), context.DeadlineExceeded)
	go last.read()
	last.requireClosed(wire.CloseDraining)
	require.NoError(t, w.server.Await(t.Context()))
}

func TestDrainCutsWhoDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	ws, _, err := w.dial(nil) // it never reads, so it never answers the close
	require.NoError(t, err)
	w.client(ws)
	require.Eventually(t, func() bool { return w.server.Connections() == 1 }, patience, time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	require.ErrorIs(t, w.server.Shutdown(ctx), context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 2*time.Second)
	require.Zero(t, w.server.Connections())
}

func TestSlowReaderIsLetGo(t *testing.T) {
	w := newWorld(t, limits(server.Limits{Queue: 256 << 10, Write: time.Minute, Close: time.Minute})) // the machine may be slow
	a := w.hello("a")
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x"))
	ws, _, err := w.dial(nil)
	require.NoError(t, err)
	b := w.client(ws)
	b.write(wire.OpHello, hello("b", token("b", time.Hour)))
	require.Eventually(t, func() bool { return w.server.Connections() == 2 }, patience, time.Millisecond)
	time.Sleep(100 * time.Millisecond) // b is in now, and does not read
	big := newSend("C2Cb", strings.Repeat("x", wire.MaxContent))
	for range 200 { // 13 MB: more than what the sockets hold
		big.SendID = newID()
		ask[wire.SendAck](a, wire.OpSend, big)
	}
	go b.read()
	b.requireClosed(wire.CloseSlow)
	ask[wire.Pong](a, wire.OpPing, &wire.Ping{})
}

func TestWhoNeverReadsIsCut(t *testing.T) {
	// A second: who reads must not be cut, however busy the machine.
	w := newWorld(t, limits(server.Limits{Queue: 256 << 10, Write: time.Second, Close: 200 * time.Millisecond}))
	a := w.hello("a")
	ask[wire.SendAck](a, wire.OpSend, newSend("C2Cb", "x"))
	ws, _, err := w.dial(nil)
	require.NoError(t, err)
	b := w.client(ws)
	b.write(wire.OpHello, hello("b", token("b", time.Hour)))
	require.Eventually(t, func() bool { return w.server.Connections() == 2 }, patience, time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	big := newSend("C2Cb", strings.Repeat("x", wire.MaxContent))
	require.Eventually(t, func() bool {
		big.SendID = newID()
		ask[wire.SendAck](a, wire.OpSend, big)
		return w.server.Connections() == 1
	}, 4*patience, time.Millisecond)
}

func TestManyRequestsAtOnceAreAnsweredInOrder(t *testing.T) {
	// Less than two answers: they wait for room instead of ending the connection.
	w := newWorld(t, limits(server.Limits{Queue: 128 << 10}))
	c := w.hello("a")
	big := newSend("C2Cb", strings.Repeat("x", wire.MaxContent))
	ask[wire.SendAck](c, wire.OpSend, big)
	first := c.id
	for range 100 {
		c.write(wire.OpPage, &wire.PageRequest{ConversationID: "C2Cb", Limit: 1})
	}
	for i := range uint32(100) {
		f := c.answer()
		require.Equal(t, first+1+i, f.ID)
		require.Equal(t, wire.OK, f.Code)
	}
}

func TestLargePagesFitFrames(t *testing.T) {
	w := newWorld(t)
	incompressible := make([]byte, 0, wire.MaxContent)
	for len(incompressible) < wire.MaxContent {
		id := newID()
		incompressible = append(incompressible, id[:]...)
	}
	payload := msgp.AppendBytes(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "d"), incompressible)
	messages := make([]wire.Message, 120) // 7.8 MB in one segment
	now := time.Now().UnixMilli()
	for i := range messages {
		messages[i] = wire.Message{From: "a", Time: now, Type: wire.TypeCustom, Payload: payload}
	}
	_, _, _, err := w.store.Import(t.Context(), app, "a", "C2Cb", messages, now)
	require.NoError(t, err)
	c := w.hello("a")
	got := 0
	for below := uint64(0); ; {
		p := ask[wire.Page](c, wire.OpPage, &wire.PageRequest{ConversationID: "C2Cb", Below: below, Limit: wire.MaxPage})
		for i := range p.Batches {
			m, err := p.Batches[i].Messages()
			require.NoError(t, err)
			got += len(m)
			require.True(t, bytes.Equal(payload, m[0].Payload))
		}
		if below = p.From; p.First {
			break
		}
	}
	require.Equal(t, len(messages), got)
}

func TestMountedInAnotherMux(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "mine") })
	mux.Handle("/v1/", w.server.Handler())
	mux.Handle("/chat/", http.StripPrefix("/chat", w.server.Handler()))
	host := httptest.NewServer(mux)
	t.Cleanup(host.Close)
	for _, prefix := range []string{"", "/chat"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		ws, _, err := websocket.Dial(ctx, host.URL+prefix+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
		cancel()
		require.NoError(t, err)
		c := w.client(ws)
		go c.read()
		ask[wire.Welcome](c, wire.OpHello, hello("a", token("a", time.Hour)))
		response, err := http.Get(host.URL + prefix + "/v1/health")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
}

func TestPlainRequestsToTheSocket(t *testing.T) {
	w := newWorld(t)
	response, err := http.Get(w.http.URL + "/v1/ws")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusUpgradeRequired, response.StatusCode)
	// A peer that goes away in the middle leaves nothing behind: TestMain looks.
	socket, err := net.Dial("tcp", strings.TrimPrefix(w.http.URL, "http://"))
	require.NoError(t, err)
	_, err = socket.Write([]byte("GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: lethe.v1\r\n\r\n"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.server.Connections() == 1 }, patience, time.Millisecond)
	require.NoError(t, socket.Close())
	require.Eventually(t, func() bool { return w.server.Connections() == 0 }, patience, time.Millisecond)
}
