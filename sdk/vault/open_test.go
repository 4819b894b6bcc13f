package vault

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
	"github.com/lethe-im/lethe/wire"
)

// unseal turns the database into one of format 1, as a Lethe without sealing has written it.
func (b *bench) unseal() {
	b.t.Helper()
	require.NoError(b.t, b.v.view(b.ctx, func(t *tx) error {
		k := t.keys
		return b.memory.Update(b.ctx, kv.Strict, Tables, func(x kv.Tx) error {
			for _, table := range Tables {
				entries, err := x.Scan(table, kv.All, 0, false)
				if err != nil {
					return err
				}
				for _, e := range entries {
					if table == tableDevice && e.Key > 0 {
						if err := x.Delete(table, kv.Span{From: e.Key, To: e.Key}); err != nil {
							return err
						}
						continue
					}
					plain, _, err := k.open(table, e.Value)
					if err != nil {
						return err
					}
					if table == tableConversations {
						var r Record
						if _, err := r.UnmarshalMsg(plain); err != nil {
							return err
						}
						r.Keys, r.Extents = 0, nil
						if plain, err = r.MarshalMsg(nil); err != nil {
							return err
						}
					}
					if err := x.Put(table, e.Key, plain); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}))
	b.ring = keyring.NewMemory()
}

// forms counts the values of the database by what they are sealed with.
func (b *bench) forms() (plain, inline, slot int) {
	b.t.Helper()
	require.NoError(b.t, b.memory.View(b.ctx, Tables, func(x kv.Tx) error {
		for _, table := range Tables {
			entries, err := x.Scan(table, kv.All, 0, false)
			if err != nil {
				return err
			}
			for _, e := range entries {
				envelope, err := parse(e.Value)
				require.NoError(b.t, err)
				switch {
				case envelope.plain:
					plain++
				case envelope.key != nil:
					inline++
				default:
					slot++
				}
			}
		}
		return nil
	}))
	return plain, inline, slot
}

// furnish stores something in every table.
func (b *bench) furnish() (unsent Sending) {
	b.fill(600)
	b.grow(10, nil)
	for s := uint64(601); s <= 610; s++ {
		require.NoError(b.t, b.receive(s))
	}
	b.delete(Deletion{What: wire.WhatMessages, Seqs: []uint64{5, 300, 605}})
	sent := b.unsent(1)
	b.log = append(b.log, message(611, 6110, me))
	_, ok, err := b.v.Sent(b.ctx, sent.Entry, wire.SendAck{Log: 7, Seq: 611, Time: 6110})
	require.NoError(b.t, err)
	require.True(b.t, ok)
	return b.unsent(2)
}

func (b *bench) checkFurnished(unsent Sending) {
	b.t.Helper()
	seqs, completed := b.view()
	require.True(b.t, completed)
	require.Len(b.t, seqs, 608)
	c, _ := b.v.Find(conversation)
	require.Equal(b.t, unsent.Row.Slot, c.Record.LastSlot)
	row, ok, err := b.v.Pending(b.ctx, unsent.Entry)
	require.NoError(b.t, err)
	require.True(b.t, ok)
	require.Equal(b.t, unsent.Row.Message.Payload, row.Message.Payload)
}

// A database of format 1, and one whose keys stood in it, are sealed under a keyring when they are opened: small records at
// once, segments by Reclaim. Every step of it may fail and is done again.
func TestOldDatabasesAreSealed(t *testing.T) {
	for _, from := range []string{"plain", "inline"} {
		bitten := 0
		for k := 0; ; k += stride() {
			b := newBenchWith(t, from == "plain")
			unsent := b.furnish()
			device := b.v.Device()
			if from == "plain" {
				b.unseal()
			}
			b.disk.values = nil // what was not sealed stays readable on the disk: docs/erasure.md says so
			plain, inline, slot := b.forms()
			require.Zero(t, slot)
			require.NotZero(t, plain+inline)
			b.noRing = false
			bit := b.reopenFailing(kvtest.Fault{Step: k, Err: errBroken, After: k%2 == 0, Stays: true})
			b.reopen()
			require.Equal(t, device.ID, b.v.Device().ID, "the same device")
			b.checkFurnished(unsent)
			b.reclaim()
			b.checkFurnished(unsent)
			plain, inline, slot = b.forms()
			require.Zero(t, plain+inline, "%s, step %d", from, k)
			require.NotZero(t, slot)
			d := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
			require.False(t, d.Settled.Erased, "its bytes of before may still be there")
			b.requireGone(func(uint64) bool { return true }, "%s, step %d", from, k)
			if k > 0 && !bit {
				break
			}
			bitten++
		}
		require.Greater(t, bitten*stride(), 20)
	}
}

// reopenFailing opens and reclaims with a fault, and tells whether it struck.
func (b *bench) reopenFailing(f kvtest.Fault) (bit bool) {
	b.memory, b.ring = b.memory.Reopen(), b.ring.Reopen()
	b.disk.Store = b.memory
	db, ring := faulty(b.disk, b.ring)
	db.Arm(f)
	v, err := Open(b.ctx, db, ring, me)
	for err == nil {
		var r Reclaimed
		if r, err = v.Reclaim(b.ctx); !r.Left {
			break
		}
	}
	return db.Bit()
}

// A database whose keys are lost is begun anew, and one whose keys cannot be opened here is left as it is.
func TestKeysThatAreNotThere(t *testing.T) {
	b := newBench(t)
	b.fill(600)
	device := b.v.Device()
	_, err := Open(b.ctx, b.memory.Reopen(), nil, me)
	require.ErrorIs(t, err, ErrElsewhere)
	b.reopen()
	require.Equal(t, device.ID, b.v.Device().ID)
	seqs, _ := b.view()
	require.Len(t, seqs, 600)

	b.ring = keyring.NewMemory()
	b.reopen()
	require.NotEqual(t, device.ID, b.v.Device().ID, "a new device")
	require.Empty(t, b.v.All())
	require.Zero(t, b.rows())
	require.NoError(t, b.ingest(1, 600))
	seqs, _ = b.view()
	require.Len(t, seqs, 600)
}

// A key that does not open its row makes a gap of it, which the server fills; everything else stays.
func TestRowsThatNoKeyOpensAreGaps(t *testing.T) {
	lose := func(b *bench, slot uint32) {
		keys, err := b.ring.Begin(b.ctx, true)
		require.NoError(t, err)
		defer keys.End()
		require.NoError(t, keys.Write(keyring.Run{From: slot, N: 1}, make([]byte, keyring.SlotSize)))
	}
	b := newBench(t)
	b.fill(900)
	c, _ := b.v.Find(conversation)
	one, _ := c.Record.slots(1)
	lose(b, one)
	v, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 700})
	require.NoError(t, err)
	require.False(t, v.Completed)
	require.NotNil(t, v.Gap)
	require.Equal(t, segmentInterval(1), *v.Gap)
	require.Len(t, v.Rows, 900-511)
	seqs, _ := b.view()
	require.Len(t, seqs, 900-256)
	require.NoError(t, b.ingest(v.Gap.From, v.Gap.To))
	seqs, completed := b.view()
	require.True(t, completed)
	require.Len(t, seqs, 900)

	// The conversation's own key: its record is lost, and comes back from the server.
	c, _ = b.v.Find(conversation)
	lose(b, c.Record.slot)
	b.reopen()
	require.Empty(t, b.v.All())
	_, err = b.v.ApplyHeads(b.ctx, []wire.HeadState{{ConversationID: conversation, Log: 7, Head: 900, Time: 9000}})
	require.NoError(t, err)
	require.NoError(t, b.ingest(1, 900))
	seqs, completed = b.view()
	require.True(t, completed)
	require.Len(t, seqs, 900)
	b.reclaim()
	require.Equal(t, 4, b.rows(), "what belonged to the lost record is gone")
	d := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
	require.True(t, d.Settled.Erased)
	b.requireGone(func(uint64) bool { return true }, "everything")
}

// Slots are handed out once, come back when their note goes, and join.
func TestSpace(t *testing.T) {
	var s Space
	var runs []keyring.Run
	for _, n := range []uint32{2, 8, 16, 2} {
		r, err := s.take(n, false)
		require.NoError(t, err)
		require.Zero(t, r.From%2, "a pair begins at an even slot")
		runs = append(runs, r)
	}
	require.EqualValues(t, firstSlot+28, s.Next)
	s.give(runs[1:2])
	s.give(runs[2:3])
	require.Equal(t, []keyring.Run{{From: runs[1].From, N: 24}}, s.Free)
	r, err := s.take(4, false)
	require.NoError(t, err)
	require.Equal(t, runs[1].From, r.From)
	r, err = s.take(4, true)
	require.NoError(t, err)
	require.Equal(t, runs[3].End(), r.From, "fresh")
	s.give([]keyring.Run{r, runs[3]})
	require.Equal(t, runs[1].From+4, s.Next, "what is free at the end was never taken")
	require.Empty(t, s.Free)
	s.Next = keyring.MaxSlots - 2
	_, err = s.take(4, false)
	require.Equal(t, wire.StorageFull, wire.AsError(err).Code)
}

func TestBlocksCoverEverySegmentOnce(t *testing.T) {
	r := &Record{}
	for next := uint32(0); next < 5000; {
		first, n := block(next)
		require.Equal(t, next, first)
		for s := first; s < first+n; s++ {
			f, m := block(s)
			require.Equal(t, []uint32{first, n}, []uint32{f, m})
		}
		r.Extents = append(r.Extents, Extent{First: first, Slot: firstSlot + 2*first})
		next += n
	}
	seen := map[uint32]bool{}
	for s := uint32(0); s < 5000; s++ {
		one, other := r.slots(s)
		require.False(t, seen[one] || seen[other], "segment %d", s)
		seen[one], seen[other] = true, true
	}
	below := 0
	for _, run := range r.runsBelow(1000) {
		below += int(run.N)
		for slot := run.From; slot < run.End(); slot++ {
			require.True(t, seen[slot])
		}
	}
	require.Equal(t, 2000, below)
}

// An intent that was torn, or of another time, destroys nothing.
func TestIntentsAreWholeOrNothing(t *testing.T) {
	runs := []keyring.Run{{From: 128, N: 2}, {From: 500, N: 64}}
	b := encodeIntent(7, runs)
	require.Zero(t, len(b)%keyring.SlotSize)
	commit, got, ok := decodeIntent(b)
	require.True(t, ok)
	require.EqualValues(t, 7, commit)
	require.Equal(t, runs, got)
	for i := range b[:intentHead+16] {
		torn := append([]byte(nil), b...)
		torn[i] ^= 1
		_, _, ok := decodeIntent(torn)
		require.False(t, ok, "byte %d", i)
	}
	most := make([]keyring.Run, maxIntent)
	for i := range most {
		most[i] = keyring.Run{From: uint32(1000 + 4*i), N: 2}
	}
	b = encodeIntent(8, most)
	require.LessOrEqual(t, len(b), intentSlots*keyring.SlotSize)
	_, got, ok = decodeIntent(b)
	require.True(t, ok)
	require.Equal(t, most, got)
}

// A thousand conversations that begin at once take their slots side by side, whatever holes there are.
func TestManyConversationsBeginAtOnce(t *testing.T) {
	b := newBench(t)
	states := func(from, to int) (states []wire.HeadState) {
		for i := from; i < to; i++ {
			m := message(1, 1, "x")
			states = append(states, wire.HeadState{ConversationID: fmt.Sprintf("C2Cu%d", i), Log: uint64(i + 100), Head: 1, Time: 1, Last: &m})
		}
		return states
	}
	_, err := b.v.ApplyHeads(b.ctx, states(0, 1000))
	require.NoError(t, err)
	var odd []Deletion
	for i := 1; i < 1000; i += 2 {
		odd = append(odd, Deletion{ConversationID: fmt.Sprintf("C2Cu%d", i), Scope: wire.ScopeLocal, What: wire.WhatConversation, Hide: true})
	}
	_, err = b.v.Delete(b.ctx, odd)
	require.NoError(t, err)
	b.reclaim()
	_, err = b.v.ApplyHeads(b.ctx, states(1000, 2000))
	require.NoError(t, err)
	require.Len(t, b.v.All(), 1500)
	b.reopen()
	require.Len(t, b.v.All(), 1500)
}

// The raw messages of a format 1 database are maps, which no sealed value begins like.
func TestSealedValuesAreNotPlain(t *testing.T) {
	key, err := randomSecret()
	require.NoError(t, err)
	for _, plain := range [][]byte{msgp.AppendMapHeader(nil, 3), make([]byte, 500)} {
		s, err := seal(tableTail, key, plain)
		require.NoError(t, err)
		for _, value := range [][]byte{append([]byte(nil), s.at(7)...), append([]byte(nil), s.inline()...)} {
			e, err := parse(value)
			require.NoError(t, err)
			require.False(t, e.plain)
			_, err = e.open(tableSegments, &key)
			require.ErrorIs(t, err, ErrUnreadable, "another table's")
			e, _ = parse(append([]byte(nil), value...))
		}
		value := append([]byte(nil), s.at(7)...)
		e, err := parse(value)
		require.NoError(t, err)
		require.EqualValues(t, 7, e.slot)
		got, err := e.open(tableTail, &key)
		require.NoError(t, err)
		require.Equal(t, plain, got)
		for n := range value {
			if e, err := parse(value[:n]); err == nil && !e.plain {
				_, err = e.open(tableTail, &key)
				require.ErrorIs(t, err, ErrUnreadable)
			}
		}
	}
}
