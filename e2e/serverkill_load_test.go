package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// The users of the load. Each has two devices that ask for one thing after the other; the witness is in the group too and never
// asks for anything, and dora and emil are real clients.
var (
	rawUsers = []string{"anna", "bert", "carl"}
	witness  = "witness"
)

const devices = 2

// worker is one device of a user. It has its own share of the messages to delete, so that each deletion changes something.
type worker struct {
	k      *killed
	w      *world
	user   string
	device int
	random *rand.Rand
	asked  []*request
	head   uint64          // of the group, as far as it knows
	named  map[uint64]bool // seqs of the group that it has deleted
	heads  map[string]uint64
	sent   []*request // acknowledged messages to the group
	ended  error      // what it could not make sense of
}

func newWorkers(k *killed, w *world, seed uint64) (all []*worker) {
	for i, user := range rawUsers {
		for device := range devices {
			all = append(all, &worker{
				k: k, w: w, user: user, device: device, random: rand.New(rand.NewPCG(seed, uint64(10*i+device))),
				named: map[uint64]bool{}, heads: map[string]uint64{},
			})
		}
	}
	return all
}

// run asks until the server is gone or stop is closed. First it asks again for what was not answered, and for some of what
// was: that must be answered the same.
func (r *worker) run(stop <-chan struct{}) {
	l, err := dial(r.w, r.user, fmt.Sprintf("%s-%d", r.user, r.device))
	if err != nil {
		r.fail(err)
		return
	}
	defer l.close()
	if !r.repeat(l, 3, false) {
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		q := r.next()
		r.asked = append(r.asked, q)
		if !r.ask(l, q) {
			return
		}
	}
}

func (r *worker) fail(err error) {
	if !errors.Is(err, errLost) {
		r.ended = err
	}
}

// repeat asks again for what was not answered, and for some of what was.
func (r *worker) repeat(l *bare, answered int, all bool) bool {
	for _, q := range r.asked {
		if q.answer == nil && !q.abandoned {
			if q.abandoned = !all && r.random.IntN(4) == 0; q.abandoned {
				continue
			}
			q.again = true
			if !r.ask(l, q) {
				return false
			}
		}
	}
	for range min(answered, len(r.asked)) {
		q := r.asked[r.random.IntN(len(r.asked))]
		if q.answer == nil || q.op == wire.OpRead { // a mark has no name: it is answered with the number of now
			continue
		}
		again, err := q.do(l)
		if err != nil {
			r.fail(err)
			return false
		}
		if again != q.answer {
			r.ended = fmt.Errorf("%s asked again: %+v, first %+v", q.op, again, q.answer)
			return false
		}
	}
	return true
}

// ask asks and notes the answer.
func (r *worker) ask(l *bare, q *request) bool {
	answer, err := q.do(l)
	if err != nil {
		r.fail(err)
		return false
	}
	q.answer = answer
	switch ack := answer.(type) {
	case wire.SendAck:
		s := q.body.(*wire.Send)
		if s.ConversationID == "GROUPg" {
			r.head = max(r.head, ack.Seq)
			r.sent = append(r.sent, q)
		} else {
			r.heads[s.ConversationID] = max(r.heads[s.ConversationID], ack.Seq)
		}
	case string: // nothing that it asks for may be refused
		r.ended = fmt.Errorf("%s: %s: %+v", q.op, ack, q.body)
		return false
	}
	return true
}

// cancelled tells whether the worker has asked to cancel a message.
func (r *worker) cancelled(id wire.ID) bool {
	for _, q := range r.asked {
		if c, ok := q.body.(*wire.Cancel); ok && c.SendID == id {
			return true
		}
	}
	return false
}

// next makes up the next request.
func (r *worker) next() *request {
	peer := "C2C" + rawUsers[r.random.IntN(len(rawUsers))]
	switch n := r.random.IntN(20); {
	case n < 9:
		return r.send("GROUPg")
	case n < 11:
		return r.send(peer)
	case n < 16:
		if d := r.deletion(); d != nil {
			return &request{op: wire.OpDelete, body: d}
		}
	case n < 17 && r.device == 0 && r.heads[peer] > 0:
		return &request{op: wire.OpDelete, body: &wire.Delete{
			OpID: newID(r.k.T), ConversationID: peer, Scope: wire.ScopeBoth, What: wire.WhatConversation,
			Anchor: r.heads[peer], Hide: r.random.IntN(2) == 0,
		}}
	case n < 18 && r.device == 0 && r.head > 0:
		return &request{op: wire.OpRead, body: &wire.Read{ConversationID: "GROUPg", UpTo: r.head}}
	case n < 19:
		return r.cancel()
	case len(r.sent) > 0:
		q := r.sent[len(r.sent)-1]
		if seq := q.answer.(wire.SendAck).Seq; seq%devices == uint64(r.device) && !r.named[seq] {
			return &request{op: wire.OpRecall, body: &wire.Recall{ConversationID: "GROUPg", Seq: seq}}
		}
	}
	return r.send("GROUPg")
}

func (r *worker) send(conversation string) *request {
	id := newID(r.k.T)
	return &request{op: wire.OpSend, body: &wire.Send{
		SendID: id, ConversationID: conversation, Type: wire.TypeText, Payload: payload(textOf(id)),
	}}
}

// textOf is what a message says.
func textOf(id wire.ID) string { return fmt.Sprintf("this is the whole of %x", id) }

// deletion names up to five messages of the group that are the worker's to delete and were not named before.
func (r *worker) deletion() *wire.Delete {
	d := &wire.Delete{OpID: newID(r.k.T), ConversationID: "GROUPg", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: r.head}
	for range 1 + r.random.IntN(5) {
		if r.head == 0 {
			return nil
		}
		seq := 1 + r.random.Uint64N(r.head)
		if seq%devices == uint64(r.device) && !r.named[seq] && !r.recalls(seq) {
			r.named[seq] = true
			d.Ranges.Add(seq)
		}
	}
	if len(d.Ranges) == 0 {
		return nil
	}
	return d
}

// recalls tells whether the worker has asked to recall a seq: what is deleted is not the user's to recall any more.
func (r *worker) recalls(seq uint64) bool {
	for _, q := range r.asked {
		if c, ok := q.body.(*wire.Recall); ok && c.Seq == seq {
			return true
		}
	}
	return false
}

// cancel takes back a message that never left, or the last one that was not answered.
func (r *worker) cancel() *request {
	c := &wire.Cancel{OpID: newID(r.k.T), SendID: newID(r.k.T), ConversationID: "GROUPg", Scope: wire.ScopeBoth}
	for _, q := range r.asked {
		if s, ok := q.body.(*wire.Send); ok && q.abandoned && s.ConversationID == "GROUPg" && !r.cancelled(s.SendID) {
			c.SendID = s.SendID
		}
	}
	return &request{op: wire.OpCancel, body: c}
}

// loadAll runs all workers until stop is closed or the server is gone.
func loadAll(workers []*worker, stop <-chan struct{}) {
	var all sync.WaitGroup
	for _, r := range workers {
		all.Go(func() { r.run(stop) })
	}
	all.Wait()
	for _, r := range workers {
		require.NoError(r.k, r.ended, "%s %d", r.user, r.device)
	}
}
