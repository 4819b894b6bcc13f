package vault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
	"github.com/lethe-im/lethe/wire"
)

// deletions are the kinds that a fault may strike, each with what is left of seqs 1 … 600 when it has been done.
var deletions = map[string]struct {
	d    Deletion
	left func(seq uint64) bool
}{
	"whole":   {Deletion{What: wire.WhatConversation, Hide: true}, func(uint64) bool { return false }},
	"cleared": {Deletion{What: wire.WhatConversation}, func(uint64) bool { return false }},
	"by time": {Deletion{What: wire.WhatTime, Before: 3005}, func(s uint64) bool { return s > 300 }},
	"up to":   {Deletion{What: wire.WhatConversation, UpTo: 400}, func(s uint64) bool { return s > 400 }},
	"by ids":  {Deletion{What: wire.WhatMessages, Seqs: []uint64{1, 256, 600}}, func(s uint64) bool { return s != 1 && s != 256 && s != 600 }},
}

// TestDeleteIsAllOrNothing fails every step of every deletion, before and after it takes effect, and of the reclaim behind
// it. After a restart the conversation is as it was or as it should be, and the outbox agrees.
func TestDeleteIsAllOrNothing(t *testing.T) {
	for name, x := range deletions {
		for _, after := range []bool{false, true} {
			bitten := 0
			for k := 1; ; k++ {
				b := newBench(t)
				b.fill(600)
				b.faults.Arm(kvtest.Fault{Step: k, Err: errBroken, After: after})
				d := x.d
				d.ConversationID, d.Scope = conversation, wire.ScopeBoth
				_, err := b.v.Delete(b.ctx, []Deletion{d})
				for err == nil { // then the reclaim
					r, e := b.v.Reclaim(b.ctx)
					if err = e; e == nil && !r.Left {
						break
					}
				}
				if !b.faults.Bit() {
					require.NoError(t, err)
					break
				}
				bitten++
				b.faults.Arm(kvtest.Fault{})
				b.reopen()
				done := b.wholeOrNothing(name, k, x.left)
				entries, err := b.v.Entries(b.ctx)
				require.NoError(t, err)
				require.Len(t, entries, map[bool]int{true: 1, false: 0}[done], "%s, step %d: outbox and view disagree", name, k)
				b.reclaim()
				require.Equal(t, done, b.wholeOrNothing(name, k, x.left))
				for s := range b.stored() {
					require.True(t, !done || x.left(s), "%s, step %d: %d was not reclaimed", name, k, s)
				}
			}
			require.Greater(t, bitten, 5, "%s: the fault never struck", name)
		}
	}
}

// wholeOrNothing tells whether the deletion is done, and fails if it is half done.
func (b *bench) wholeOrNothing(name string, k int, left func(uint64) bool) (done bool) {
	b.t.Helper()
	seqs, _ := b.view()
	if len(seqs) == 600 {
		return false
	}
	var want []uint64
	for s := uint64(1); s <= 600; s++ {
		if left(s) {
			want = append(want, s)
		}
	}
	require.Equal(b.t, want, seqs, "%s, step %d", name, k)
	return true
}

// A full disk refuses, changes nothing, and says so.
func TestStorageFullIsSaid(t *testing.T) {
	b := newBench(t)
	b.fill(600)
	b.faults.Arm(kvtest.Fault{Step: 3, Err: kv.ErrFull, Stays: true})
	_, err := b.v.Delete(b.ctx, []Deletion{{ConversationID: conversation, Scope: wire.ScopeBoth, What: wire.WhatConversation}})
	require.ErrorIs(t, err, kv.ErrFull)
	require.True(t, b.faults.Bit())
	b.faults.Arm(kvtest.Fault{})
	seqs, _ := b.view()
	require.Len(t, seqs, 600)
}

// TestIngestSurvivesFaults fails every step of storing a page; storing it again afterwards gives all of it.
func TestIngestSurvivesFaults(t *testing.T) {
	bitten := 0
	for k := 1; ; k++ {
		b := newBench(t)
		b.grow(600, nil)
		require.NoError(t, b.receive(600))
		b.faults.Arm(kvtest.Fault{Step: k, Err: errBroken, After: k%2 == 0})
		err := b.ingest(1, 600)
		if !b.faults.Bit() {
			require.NoError(t, err)
			break
		}
		bitten++
		b.faults.Arm(kvtest.Fault{})
		b.reopen()
		require.NoError(t, b.ingest(1, 600))
		seqs, completed := b.view()
		require.True(t, completed)
		require.Len(t, seqs, 600)
	}
	require.Greater(t, bitten, 5)
}
