package vault

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// model is the naive truth beside a vault: what the device was given, and what was deleted.
type model struct {
	held    map[uint64]bool
	deleted map[uint64]bool
}

// TestRandomHistories drives a vault through random ingests, pushes, folds, deletions, reclaims and restarts, and compares
// its view with the model after every step.
func TestRandomHistories(t *testing.T) {
	for seed := uint64(0); seed < 150; seed += uint64(stride()) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := newBenchWith(t, seed%4 > 0)
		m := model{held: map[uint64]bool{}, deleted: map[uint64]bool{}}
		b.grow(1+r.IntN(900), r)
		require.NoError(t, b.ingest(uint64(len(b.log)), uint64(len(b.log)))) // the device knows the head
		m.held[uint64(len(b.log))] = true
		for step := 0; step < 40; step++ {
			b.randomStep(r, &m)
			var want []uint64
			for s := uint64(1); s <= uint64(len(b.log)); s++ {
				if m.held[s] && !m.deleted[s] {
					want = append(want, s)
				}
			}
			got, _ := b.view()
			require.Equal(t, want, got, "seed %d step %d", seed, step)
			b.derived(seed)
		}
		b.reclaim()
		c, _ := b.v.Find(conversation)
		require.False(t, c.Record != nil && c.Record.Recount, "seed %d: unread was not counted again", seed)
		b.derived(seed)
		for s := range b.stored() {
			require.False(t, m.deleted[s], "seed %d: %d is deleted and still stored", seed, s)
		}
		if !b.noRing {
			b.requireGone(func(s uint64) bool { return m.deleted[s] }, "seed %d", seed)
		}
	}
}

func (b *bench) randomStep(r *rand.Rand, m *model) {
	b.t.Helper()
	head := uint64(len(b.log))
	c, _ := b.v.Find(conversation)
	known := c.Ledger.Book.Head
	take := func(seq uint64) {
		if !m.deleted[seq] {
			m.held[seq] = true
		}
	}
	switch r.IntN(15) {
	case 0, 1: // an older page
		from := 1 + r.Uint64N(head)
		to := min(from+r.Uint64N(400), head)
		require.NoError(b.t, b.ingest(from, to))
		for s := from; s <= to; s++ {
			take(s)
		}
	case 2, 3, 4: // pushes, some twice
		n := 1 + r.IntN(30)
		b.grow(n, r)
		for s := head + 1; s <= head+uint64(n); s++ {
			require.NoError(b.t, b.receive(s))
			take(s)
			if r.IntN(10) == 0 {
				require.NoError(b.t, b.receive(s))
			}
		}
	case 5:
		require.NoError(b.t, b.v.Fold(b.ctx, conversation))
	case 6, 7: // by ids, held or not
		var seqs []uint64
		for i := r.IntN(20); i >= 0; i-- {
			seqs = append(seqs, 1+r.Uint64N(known))
		}
		require.NoError(b.t, b.delete(Deletion{What: wire.WhatMessages, Seqs: seqs, Scope: localOrBoth(r)}).Err)
		for _, s := range seqs {
			m.deleted[s] = true
		}
	case 8: // by time
		before := b.log[r.IntN(len(b.log))].Time + r.Int64N(2)
		require.NoError(b.t, b.delete(Deletion{What: wire.WhatTime, Before: before, Scope: localOrBoth(r)}).Err)
		for s := uint64(1); s <= known; s++ {
			if b.log[s-1].Time < before {
				m.deleted[s] = true
			}
		}
	case 9: // up to a seq, or all of it
		upTo := uint64(0)
		if r.IntN(3) > 0 {
			upTo = 1 + r.Uint64N(known)
		}
		hide := upTo == 0 && r.IntN(2) == 0
		require.NoError(b.t, b.delete(Deletion{What: wire.WhatConversation, UpTo: upTo, Hide: hide, Scope: localOrBoth(r)}).Err)
		for s := uint64(1); s <= known && (upTo == 0 || s <= upTo); s++ {
			m.deleted[s] = true
		}
	case 10:
		for i := r.IntN(4); i > 0; i-- {
			_, err := b.v.Reclaim(b.ctx)
			require.NoError(b.t, err)
		}
	case 11:
		b.reopen()
	case 12: // another device's deletion
		join := wire.Ledger{}
		if r.IntN(3) == 0 {
			join.Through = 1 + r.Uint64N(known)
		}
		for i := r.IntN(6); i >= 0; i-- {
			join.Ranges.Add(1 + r.Uint64N(known))
		}
		_, err := b.v.ApplyRows(b.ctx, &wire.Rows{Ledgers: []wire.LedgerRow{{ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: join}}})
		require.NoError(b.t, err)
		for s := uint64(1); s <= known; s++ {
			m.deleted[s] = m.deleted[s] || join.Has(s)
		}
	case 13: // one's own message, sent
		s := b.unsent(byte(r.Uint32()))
		own := message(head+1, b.log[head-1].Time, me)
		b.log = append(b.log, own)
		_, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: own.Seq, Time: own.Time})
		require.NoError(b.t, err)
		require.True(b.t, ok)
		take(own.Seq)
	case 14: // read, here or on another device
		if r.IntN(2) == 0 {
			_, err := b.v.MarkRead(b.ctx, conversation)
			require.NoError(b.t, err)
			return
		}
		_, err := b.v.ApplyRows(b.ctx, &wire.Rows{Reads: []wire.ReadRow{{ConversationID: conversation, UpTo: 1 + r.Uint64N(known)}}})
		require.NoError(b.t, err)
	}
}

func localOrBoth(r *rand.Rand) wire.Scope {
	if r.IntN(2) == 0 {
		return wire.ScopeLocal
	}
	return wire.ScopeBoth
}
