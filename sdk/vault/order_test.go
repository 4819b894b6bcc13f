package vault

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/keyring/keyringtest"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
	"github.com/lethe-im/lethe/wire"
)

// tab opens another vault on the bench's database and keyring, whose steps fail as its own faults say.
func (b *bench) tab() (*Vault, *kvtest.Faults) {
	b.t.Helper()
	faults := kvtest.NewFaults(b.disk)
	ring := keyringtest.NewFaults(b.ring.Reopen())
	ring.Counter = faults.Counter
	v, err := Open(b.ctx, faults, ring, me)
	require.NoError(b.t, err)
	return v, faults
}

// A tab dies between the commit that gives the conversation its new key and the end of the old one, where no segment was
// rewritten: whoever goes on with the note destroys the old key before it says erased.
func TestRekeyIsCarriedOut(t *testing.T) {
	for name, d := range map[string]Deletion{
		"up to a boundary": {What: wire.WhatConversation, UpTo: 511},
		"unsent":           {What: wire.WhatMessages, Slots: []uint32{FirstSlot}},
	} {
		for _, restart := range []bool{false, true} {
			for k := 1; ; k++ {
				b := newBench(t)
				b.fill(500) // the last of them is the preview
				b.grow(120, nil)
				require.NoError(t, b.ingest(501, 620))
				unsent := message(0, 1, me)
				unsent.Payload = append([]byte(nil), message(99_999, 1, me).Payload...)
				_, err := b.v.Append(b.ctx, conversation, unsent)
				require.NoError(t, err)
				out := b.delete(d)
				require.False(t, out.Settled.Erased)
				b.faults.Arm(kvtest.Fault{Step: k, Err: errBroken, Stays: true})
				for {
					r, err := b.v.Reclaim(b.ctx)
					if err != nil || !r.Left || len(r.Done) > 0 {
						break
					}
				}
				bit := b.faults.Bit()
				b.faults.Arm(kvtest.Fault{})
				if restart {
					b.reopen()
				}
				b.reclaim()
				if d.UpTo > 0 {
					b.requireGone(func(s uint64) bool { return s <= d.UpTo }, "%s, step %d, restart %v", name, k, restart)
				} else {
					require.False(t, b.readable()[string(unsent.Payload)], "%s, step %d, restart %v: the unsent message can be read", name, k, restart)
				}
				if !bit {
					break
				}
			}
		}
	}
}

// Two tabs take turns at one note; the one dies between commit and destruction. The other must not believe that this was done
// because it has itself destroyed the keys of an earlier step.
func TestTwoTabsAtOneNote(t *testing.T) {
	for k := 1; ; k++ {
		b := newBench(t)
		b.fill(256 * 24)
		var seqs []uint64
		for s := uint64(5); s < 256*24; s += 256 {
			seqs = append(seqs, s)
		}
		b.delete(Deletion{What: wire.WhatMessages, Seqs: seqs})
		for range 2 { // nothing to carry out yet; the first slice
			_, err := b.v.Reclaim(b.ctx)
			require.NoError(t, err)
		}
		other, faults := b.tab()
		faults.Arm(kvtest.Fault{Step: k, Err: errBroken, Stays: true})
		for range 2 { // carries out the first slice again; the second slice
			_, _ = other.Reclaim(b.ctx)
		}
		bit := faults.Bit()
		b.reclaim()
		gone := map[uint64]bool{}
		for _, s := range seqs {
			gone[s] = true
		}
		b.requireGone(func(s uint64) bool { return gone[s] }, "step %d", k)
		if !bit {
			break
		}
	}
}

// Rows of the tail that an upper bound hides are not sealed again.
func TestTailBelowTheBound(t *testing.T) {
	b := newBench(t)
	b.grow(400, nil)
	for _, s := range []uint64{1, 2, 3, 400} {
		require.NoError(t, b.receive(s))
	}
	b.delete(Deletion{What: wire.WhatConversation, UpTo: 300})
	b.reclaim()
	b.requireGone(func(s uint64) bool { return s <= 300 }, "below the bound")
	require.Equal(t, map[uint64]bool{400: true}, b.stored())
}

// A deletion that finds nothing new says that something is left to do when it could not destroy what an earlier one left.
func TestNothingNewAndNothingDestroyed(t *testing.T) {
	for k := 1; ; k++ {
		b := newBench(t)
		b.fill(600)
		whole := Deletion{ConversationID: conversation, Scope: wire.ScopeLocal, What: wire.WhatConversation, Hide: true}
		b.faults.Arm(kvtest.Fault{Step: k, Err: errBroken, Stays: true})
		first, err := b.v.Delete(b.ctx, []Deletion{whole})
		bit := b.faults.Bit()
		if err != nil {
			continue
		}
		if !bit {
			break
		}
		require.False(t, first[0].Settled.Erased)
		for j := 1; ; j++ {
			b.faults.Arm(kvtest.Fault{Step: j, Err: errBroken, Stays: true})
			second, err := b.v.Delete(b.ctx, []Deletion{whole})
			if err == nil && !second[0].Settled.Garbage {
				b.requireGone(func(uint64) bool { return true }, "deleted again, steps %d and %d", k, j)
			}
			if !b.faults.Bit() {
				break
			}
		}
	}
}

// Without a keyring "removed" is said when the rows are gone, not before.
func TestRemovedWithoutKeyring(t *testing.T) {
	t.Run("again", func(t *testing.T) {
		b := newBenchWith(t, false)
		b.fill(600)
		b.delete(Deletion{What: wire.WhatConversation, Hide: true})
		again := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
		require.True(t, again.Settled.Garbage || b.rows() == 0, "nothing is said to be left, but %d rows are", b.rows())
	})
	t.Run("parts, then whole", func(t *testing.T) {
		b := newBenchWith(t, false)
		b.fill(600)
		parts := b.delete(Deletion{What: wire.WhatMessages, Seqs: []uint64{5}})
		b.delete(Deletion{What: wire.WhatConversation, Hide: true})
		for {
			r, err := b.v.Reclaim(b.ctx)
			require.NoError(t, err)
			if slices.ContainsFunc(r.Done, func(d Done) bool { return d.Note == parts.Settled.Note }) {
				require.False(t, b.payloads()[string(b.log[4].Payload)], "message 5 is said to be removed")
			}
			if !r.Left {
				break
			}
		}
	})
}

// What was stored before there was a keyring carries its key with it: no key is destroyed for it.
func TestErasedOnlyWhatWasSealed(t *testing.T) {
	b := newBenchWith(t, false)
	b.fill(600)
	b.noRing = false
	b.reopen()
	out := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
	if out.Settled.Erased {
		b.requireGone(func(uint64) bool { return true }, "said to be erased")
	}
}

// A power cut takes the intent and leaves the keys, in slots that the conversation owns. A deletion by time that the server has
// to resolve destroys them too.
func TestLostIntentAndBound(t *testing.T) {
	b := newBench(t)
	b.grow(900, nil)
	require.NoError(t, b.ingest(1, 100))
	require.NoError(t, b.receive(900))
	steps := func() int {
		probe := newBench(t)
		probe.log = b.log
		require.NoError(t, probe.ingest(1, 100))
		require.NoError(t, probe.receive(900))
		probe.faults.Arm(kvtest.Fault{})
		require.NoError(t, probe.ingest(300, 400))
		return probe.faults.Steps()
	}()
	b.faults.Arm(kvtest.Fault{Step: steps - 1, Err: errBroken}) // the commit; behind it the intent is cleared
	require.Error(t, b.ingest(300, 400))
	b.faults.Arm(kvtest.Fault{})
	access, err := b.ring.Begin(b.ctx, true)
	require.NoError(t, err)
	require.NoError(t, access.Write(keyring.Run{From: intentSlot, N: 1}, make([]byte, keyring.SlotSize)))
	require.NoError(t, access.Flush())
	access.End()
	b.reopen()
	require.True(t, b.readable()[string(b.log[349].Payload)], "a key is left for what was lost")
	b.delete(Deletion{What: wire.WhatTime, Before: 5005})
	b.reclaim()
	b.requireGone(func(s uint64) bool { return s <= 400 }, "deleted by time")
}

// A recall that reaches a tab whose memory does not have the record yet takes the text away all the same.
func TestRecallWithStaleMemory(t *testing.T) {
	b := newBench(t)
	b.fill(600)
	b.delete(Deletion{What: wire.WhatConversation, Hide: true})
	b.reclaim()
	stale, _ := b.tab()
	b.grow(5, nil)
	require.NoError(t, b.receive(601, 602, 603))
	_, err := stale.Recall(b.ctx, conversation, []wire.Recalled{{Seq: 602, Change: 1, By: "peer", Time: 1}})
	require.NoError(t, err)
	require.False(t, b.payloads()[string(b.log[601].Payload)], "the text stands")
}

// A page that was under way when the room was left brings nothing back.
func TestPageAfterLeavingTheRoom(t *testing.T) {
	b := newBench(t)
	b.grow(10, nil)
	const room = "ROOMr"
	require.NoError(t, b.v.EnterRoom(b.ctx, room, &wire.JoinAck{Log: 7, Head: 10, From: 1}))
	_, err := b.v.LeaveRoom(b.ctx, room, false)
	require.NoError(t, err)
	require.NoError(t, b.v.Ingest(b.ctx, room, &Page{Page: b.pageOf(1, 10)}))
	c, _ := b.v.Find(room)
	require.Nil(t, c.Record)
}
