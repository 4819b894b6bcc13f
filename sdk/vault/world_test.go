package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/keyring/keyringtest"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
	"github.com/lethe-im/lethe/wire"
)

const me = "me"

// bench is a vault on a memory store that can fail, beside a naive model of one log.
type bench struct {
	t      *testing.T
	ctx    context.Context
	memory *kv.Memory
	disk   *residue
	ring   *keyring.Memory
	noRing bool // the platform has none
	faults *kvtest.Faults
	v      *Vault
	log    []wire.Message // log[i] has seq i+1: what the server holds
}

func newBench(t *testing.T) *bench {
	return newBenchWith(t, true)
}

// newBenchWith is newBench on a platform with a keyring or without.
func newBenchWith(t *testing.T, ring bool) *bench {
	b := &bench{t: t, ctx: context.Background(), memory: kv.NewMemory(Tables...), ring: keyring.NewMemory(), noRing: !ring}
	b.disk = &residue{}
	b.reopen()
	return b
}

func (b *bench) reopen() {
	b.t.Helper()
	if b.v != nil {
		b.memory = b.memory.Reopen()
		b.ring = b.ring.Reopen()
	}
	b.disk.Store = b.memory
	db, ring := faulty(b.disk, b.ring)
	if b.faults = db; b.noRing {
		ring = nil
	}
	v, err := Open(b.ctx, b.faults, ring, me)
	require.NoError(b.t, err)
	b.v = v
}

// faulty wraps a database and its keyring in injectors that count together.
func faulty(store kv.Store, file keyring.File) (*kvtest.Faults, keyring.File) {
	db, ring := kvtest.NewFaults(store), keyringtest.NewFaults(file)
	ring.Counter = db.Counter
	return db, ring
}

func message(seq uint64, time int64, from string) wire.Message {
	p := msgp.AppendMapHeader(nil, 1)
	p = msgp.AppendString(p, "text")
	p = msgp.AppendString(p, fmt.Sprintf("message %d", seq))
	return wire.Message{Seq: seq, Time: time, From: from, Type: wire.TypeText, Payload: p}
}

// grow appends n messages to the log.
func (b *bench) grow(n int, r *rand.Rand) {
	for i := 0; i < n; i++ {
		seq := uint64(len(b.log) + 1)
		from, time := "peer", int64(seq*10)
		if r != nil {
			if r.IntN(3) == 0 {
				from = me
			}
			if len(b.log) > 0 {
				time = b.log[len(b.log)-1].Time + r.Int64N(3)
			} else {
				time = 100
			}
		}
		b.log = append(b.log, message(seq, time, from))
	}
}

// pageOf is the server's answer for the seqs from … to.
func (b *bench) pageOf(from, to uint64) *wire.Page {
	p := &wire.Page{Log: 7, Head: uint64(len(b.log)), From: from, To: to, First: from == 1}
	for s := from / wire.SegmentSize; s <= to/wire.SegmentSize; s++ {
		var in []wire.Message
		for _, m := range b.log[from-1 : to] {
			if m.Seq/wire.SegmentSize == s {
				in = append(in, m)
			}
		}
		if len(in) > 0 {
			batch, err := wire.NewBatch(uint32(s), in)
			require.NoError(b.t, err)
			p.Batches = append(p.Batches, batch)
		}
	}
	return p
}

const conversation = "GROUPg"

func (b *bench) ingest(from, to uint64) error {
	return b.v.Ingest(b.ctx, conversation, &Page{Page: b.pageOf(from, to)})
}

func (b *bench) receive(seqs ...uint64) error {
	e := &wire.MessagesEvent{ConversationID: conversation, Log: 7, Head: uint64(len(b.log))}
	for _, s := range seqs {
		e.Messages = append(e.Messages, b.log[s-1])
	}
	_, err := b.v.Receive(b.ctx, e)
	return err
}

// fill stores the whole log.
func (b *bench) fill(n int) {
	b.t.Helper()
	b.grow(n, nil)
	require.NoError(b.t, b.ingest(1, uint64(n)))
}

// view is every visible seq, oldest first, and whether the view is complete.
func (b *bench) view() (seqs []uint64, completed bool) {
	b.t.Helper()
	q := Query{ConversationID: conversation, Count: 37, AcrossGaps: true}
	for {
		v, err := b.v.Page(b.ctx, q)
		require.NoError(b.t, err)
		for _, r := range v.Rows {
			if r.Message.Seq > 0 {
				require.Equal(b.t, b.log[r.Message.Seq-1].Payload, r.Message.Payload)
				seqs = append([]uint64{r.Message.Seq}, seqs...)
				q.Below = r.Message.Seq
			}
		}
		if v.Completed || len(v.Rows) == 0 || q.Below == 0 {
			return seqs, v.Completed
		}
	}
}

func (b *bench) reclaim() {
	b.t.Helper()
	for i := 0; i < 10_000; i++ {
		r, err := b.v.Reclaim(b.ctx)
		require.NoError(b.t, err)
		if !r.Left {
			return
		}
	}
	b.t.Fatal("reclaim never ends")
}

// eachStored gives every row with a seq that the database still has and a key opens, in any ordinal.
func (b *bench) eachStored(fn func(wire.Message)) {
	b.t.Helper()
	require.NoError(b.t, b.v.view(b.ctx, func(t *tx) error {
		segments, err := t.Scan(tableSegments, kv.All, 0, false)
		if err != nil {
			return err
		}
		for _, e := range segments {
			messages, err := t.messagesOf(e)
			if err != nil {
				return err
			}
			for _, m := range messages {
				fn(m)
			}
		}
		tail, err := t.Scan(tableTail, kv.All, 0, false)
		for _, e := range tail {
			var r Row
			if _, err := t.decode(tableTail, e.Value, &r); err == nil && uint32(e.Key) < FirstSlot {
				fn(r.Message)
			}
		}
		return err
	}))
}

// rows counts the records of messages that the database has, whether a key opens them or not.
func (b *bench) rows() (n int) {
	b.t.Helper()
	require.NoError(b.t, b.memory.View(b.ctx, Tables, func(x kv.Tx) error {
		for _, table := range []kv.Table{tableSegments, tableTail} {
			count, err := x.Count(table, kv.All)
			if err != nil {
				return err
			}
			n += count
		}
		return nil
	}))
	return n
}

// stored is every seq that the database still has a row of.
func (b *bench) stored() map[uint64]bool {
	b.t.Helper()
	out := map[uint64]bool{}
	b.eachStored(func(m wire.Message) { out[m.Seq] = true })
	return out
}

// payloads is every payload that the database still has.
func (b *bench) payloads() map[string]bool {
	b.t.Helper()
	out := map[string]bool{}
	b.eachStored(func(m wire.Message) { out[string(m.Payload)] = true })
	return out
}

func (b *bench) delete(d Deletion) Deleted {
	b.t.Helper()
	d.ConversationID = conversation
	if d.Scope == 0 {
		d.Scope = wire.ScopeBoth
	}
	if len(d.Slots) > 0 && d.Ordinal == 0 {
		d.Ordinal = b.record().Ordinal
	}
	out, err := b.v.Delete(b.ctx, []Deletion{d})
	require.NoError(b.t, err)
	return out[0]
}

// derived checks that preview and unread are what the view says, where the device can know.
func (b *bench) derived(seed uint64) {
	b.t.Helper()
	c, ok := b.v.Find(conversation)
	if !ok || c.Record == nil || c.Record.Stale || c.Record.Recount {
		return
	}
	seqs, completed := b.view()
	if !completed {
		return
	}
	last, unread := uint64(0), uint32(0)
	for _, s := range seqs {
		last = s
		if b.log[s-1].From != me && s > c.Ledger.Book.ReadUpTo() {
			unread++
		}
	}
	require.Equal(b.t, unread, c.Record.Unread, "seed %d: unread", seed)
	if last == 0 {
		require.Nil(b.t, c.Record.Last, "seed %d: preview", seed)
	} else {
		require.NotNil(b.t, c.Record.Last, "seed %d: preview", seed)
		require.Equal(b.t, last, c.Record.Last.Message.Seq, "seed %d: preview", seed)
	}
}

var errBroken = errors.New("broken on purpose")
