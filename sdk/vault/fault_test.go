package vault

import (
	"fmt"
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

// stride is from one step that fails to the next: all of them, but for some where the race detector makes everything slow.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// strikes are the ways in which a step may end a tab: before it, after it, half done, or with everything after it.
var strikes = []kvtest.Fault{{}, {After: true}, {Torn: true}, {Stays: true}, {Stays: true, After: true}, {Stays: true, Torn: true}}

// TestDeleteIsAllOrNothing fails every step of every deletion on database and keyring, and of the reclaim behind it, in every
// way. Then the power fails, too. After a restart the conversation is as it was or as it should be, and the outbox agrees; what
// was said to be erased is so at once, and stays so.
func TestDeleteIsAllOrNothing(t *testing.T) {
	for name, x := range deletions {
		for _, strike := range strikes {
			bitten := 0
			for k := 1; ; k += stride() {
				b := newBench(t)
				b.fill(600)
				b.grow(20, nil) // rows in the tail, the last of them the preview
				for s := uint64(601); s <= 620; s++ {
					require.NoError(t, b.receive(s))
				}
				require.True(t, b.readable()[string(b.log[599].Payload)], "the search finds what is there")
				d := x.d
				d.ConversationID, d.Scope, d.Seqs = conversation, wire.ScopeBoth, append([]uint64(nil), d.Seqs...)
				if d.What == wire.WhatMessages {
					d.Seqs = append(d.Seqs, 620)
				}
				left := func(s uint64) bool { return x.left(s) && (d.What != wire.WhatMessages || s != 620) }
				strike.Step, strike.Err = k, errBroken
				b.faults.Arm(strike)
				erased := b.deleteAndReclaim(d)
				bit := b.faults.Bit()
				b.ring.Cut()
				b.faults.Arm(kvtest.Fault{})
				why := fmt.Sprintf("%s, step %d, %+v", name, k, strike)
				if erased {
					b.requireGone(func(s uint64) bool { return !left(s) }, why)
				}
				b.reopen()
				done := b.wholeOrNothing(why, left)
				require.True(t, done || !erased, "%s: erased and not deleted", why)
				owed, err := b.v.Owed(b.ctx, false)
				require.NoError(t, err)
				require.Len(t, owed.Entries, map[bool]int{true: 1, false: 0}[done], "%s: outbox and view disagree", why)
				b.reclaim()
				require.Equal(t, done, b.wholeOrNothing(why, left), why)
				if done {
					b.requireGone(func(s uint64) bool { return !left(s) }, why)
				}
				if !bit {
					require.True(t, done && erased, why)
					break
				}
				bitten++
			}
			require.Greater(t, bitten*stride(), 15, "%s: the fault never struck", name)
		}
	}
}

// deleteAndReclaim deletes and reclaims until something fails, and tells whether it was told that all is erased.
func (b *bench) deleteAndReclaim(d Deletion) (erased bool) {
	out, err := b.v.Delete(b.ctx, []Deletion{d})
	if err != nil {
		return false
	}
	if erased = out[0].Settled.Erased; erased {
		b.requireGone(func(uint64) bool { return true }, "resolved as erased")
	}
	for {
		r, err := b.v.Reclaim(b.ctx)
		if err != nil {
			return erased
		}
		for _, done := range r.Done {
			erased = erased || done.Note == out[0].Settled.Note
		}
		if !r.Left {
			return erased
		}
	}
}

// wholeOrNothing tells whether the deletion is done, and fails if it is half done.
func (b *bench) wholeOrNothing(why string, left func(uint64) bool) (done bool) {
	b.t.Helper()
	seqs, _ := b.view()
	if len(seqs) == len(b.log) {
		return false
	}
	var want []uint64
	for s := uint64(1); s <= uint64(len(b.log)); s++ {
		if left(s) {
			want = append(want, s)
		}
	}
	require.Equal(b.t, want, seqs, why)
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

// TestIngestSurvivesFaults fails every step of storing a page, of live messages and of folding them, in every way. Doing it
// again afterwards, in the same tab or after a power cut, gives all of it; and when the conversation is deleted, done again or
// not, nothing that the failed attempts have left on the disk can be read either.
func TestIngestSurvivesFaults(t *testing.T) {
	for _, strike := range strikes {
		for _, then := range []string{"again", "restart", "nothing", "another"} {
			bitten := 0
			for k := 1; ; k += stride() {
				b := newBench(t)
				b.grow(900, nil)
				strike.Step, strike.Err = k, errBroken
				b.faults.Arm(strike)
				failed := b.store(nil)
				bit := b.faults.Bit()
				b.faults.Arm(kvtest.Fault{})
				why := fmt.Sprintf("step %d, %+v, then %s", k, strike, then)
				switch then {
				case "restart":
					b.ring.Cut()
					b.reopen()
				case "another": // takes slots that may have been in use, and fewer of them
					_, err := b.v.Receive(b.ctx, &wire.MessagesEvent{ConversationID: "C2Cother", Log: 8, Head: 1, Messages: []wire.Message{message(10_001, 1, "x")}})
					require.NoError(t, err)
				}
				if then != "nothing" {
					require.NoError(t, b.store(failed), why)
					seqs, completed := b.view()
					require.True(t, completed, why)
					require.Len(t, seqs, 900, why)
				}
				if _, known := b.v.Find(conversation); !known {
					b.reopen() // a commit that seemed to fail may have happened
				}
				if _, known := b.v.Find(conversation); known {
					d := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
					if len(d.Entries) > 0 { // else nothing of it had been stored
						require.True(t, d.Settled.Erased, why)
						b.requireGone(func(uint64) bool { return true }, why)
					}
				}
				b.reopen() // which sweeps
				b.reclaim()
				b.requireGone(func(uint64) bool { return true }, why)
				if !bit {
					require.NoError(t, failed)
					break
				}
				bitten++
			}
			require.Greater(t, bitten*stride(), 20)
		}
	}
}

// store takes in 900 messages in several ways. Once it has failed it is done without a fold in between.
func (b *bench) store(failed error) (err error) {
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	keep(b.receive(897, 898, 899, 900))
	keep(b.ingest(600, 896))
	if failed == nil {
		keep(b.v.Fold(b.ctx, conversation))
	}
	keep(b.ingest(1, 599))
	return err
}
