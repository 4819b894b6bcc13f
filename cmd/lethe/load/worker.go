package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// conversation is what is known of a log in which one or two workers write.
type conversation struct {
	mu    sync.Mutex
	head  uint64          // before the first of them began
	read  bool            // head is set
	seqs  map[uint64]bool // of the acknowledged messages
	twice int             // messages that got a seq which another one has
	open  int             // sends that were never answered
}

// worker is an active member. It has one operation under way at a time.
type worker struct {
	*member
	id     string // the conversationID
	shared *conversation
	random *rand.Rand

	before    uint64 // messages in the view when it began
	newest    uint64 // the greatest seq it knows of
	deletable []uint64
	deleted   int
	open      int // deletions that were never answered
}

// begin asks what the conversation holds. The last messages of it are the imported history.
func (w *worker) begin(ctx context.Context, history int) error {
	n, err := w.count(ctx)
	if err != nil {
		return err
	}
	w.before, w.newest = n.Messages, n.Head
	w.shared.mu.Lock()
	if !w.shared.read {
		w.shared.head, w.shared.read, w.shared.seqs = n.Head, true, map[uint64]bool{}
	}
	w.shared.mu.Unlock()
	for seq := n.Head - min(n.Head, uint64(history)) + 1; seq <= n.Head; seq++ {
		w.deletable = append(w.deletable, seq)
	}
	return nil
}

// count asks how many messages the user sees. A conversation that is not there yet has none.
func (w *worker) count(ctx context.Context) (n wire.Count, err error) {
	_, err = w.until(ctx, wire.OpCount, &wire.CountRequest{ConversationID: w.id}, &n)
	if wire.CodeOf(err) == wire.ConversationNotFound {
		err = nil
	}
	return n, err
}

// retryAfter is how long a refusal that may pass keeps a request waiting, as in the client core (sdk/outbox.go).
const retryAfter = 2 * time.Second

// until repeats a request on one connection after the other until it is answered, as the client core does: what failed inside the
// server may have been done all the same. again: the first try was not the last.
func (w *worker) until(ctx context.Context, op string, body msgp.Marshaler, into msgp.Unmarshaler) (again bool, err error) {
	for {
		l, err := w.connected(ctx)
		if err == nil {
			err = l.ask(ctx, op, body, into)
		}
		var refusal *wire.Error
		switch {
		case errors.Is(err, errLost):
			select { // the connection may not be taken away yet
			case <-l.gone:
			case <-ctx.Done():
				return true, ctx.Err()
			}
		case errors.As(err, &refusal) && refusal.Code.Retryable():
			w.crowd.tally.failed(err)
			select {
			case <-time.After(retryAfter):
			case <-ctx.Done():
				return true, ctx.Err()
			}
		default:
			return again, err
		}
		again = true
	}
}

// work sends and deletes until the time is over. Each operation is due at a time of its own; what it waits for its turn counts
// as waiting for its answer.
func (w *worker) work(ctx context.Context, start, until time.Time, pace time.Duration) {
	due := start.Add(time.Duration(w.random.Float64() * float64(pace)))
	for due.Before(until) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		if err := w.operate(ctx, due); err != nil {
			if ctx.Err() != nil {
				return // it is noted as open
			}
			w.crowd.tally.failed(err)
		}
		if due = due.Add(pace); pace == 0 {
			due = time.Now()
		}
	}
}

// operate does one operation that was due.
func (w *worker) operate(ctx context.Context, due time.Time) error {
	there := w.up()
	kind, do := &w.crowd.tally.sends, w.send
	if len(w.deletable) > 0 && w.random.Float64() < w.crowd.o.Deletes {
		kind, do = &w.crowd.tally.deletions, w.delete
	}
	again, err := do(ctx)
	if err != nil {
		return err
	}
	kind.add(time.Since(due), again || !there)
	return nil
}

func (w *worker) up() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.line != nil
}

func (w *worker) send(ctx context.Context) (again bool, err error) {
	payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), strings.Repeat("x", w.crowd.o.Payload))
	var ack wire.SendAck
	again, err = w.until(ctx, wire.OpSend, &wire.Send{SendID: newID(), ConversationID: w.id, Type: wire.TypeText, Payload: payload}, &ack)
	w.shared.mu.Lock()
	defer w.shared.mu.Unlock()
	switch {
	case ctx.Err() != nil && err != nil:
		w.shared.open++
	case err == nil:
		if w.shared.seqs[ack.Seq] {
			w.shared.twice++
		}
		w.shared.seqs[ack.Seq] = true
		w.newest = max(w.newest, ack.Seq)
		w.deletable = append(w.deletable, ack.Seq)
	}
	return again, err
}

func (w *worker) delete(ctx context.Context) (again bool, err error) {
	seq := w.deletable[0]
	d := wire.Delete{OpID: newID(), ConversationID: w.id, Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: w.newest}
	d.Ranges.Add(seq)
	again, err = w.until(ctx, wire.OpDelete, &d, &wire.DeleteAck{})
	switch {
	case ctx.Err() != nil && err != nil:
		w.open++
		w.deletable = w.deletable[1:]
	case err == nil:
		w.deleted++
		w.deletable = w.deletable[1:]
	}
	return again, err
}
