package vault

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// garblings are what may have become of a record: another value at its key, nil for none, or the same at a foreign key.
func garblings(key kv.Key, value []byte) map[string]kv.Entry {
	out := map[string]kv.Entry{
		"gone": {Key: key}, "of another type": {Key: key, Value: []byte{}}, "an empty map": {Key: key, Value: []byte{0x80}},
		"text": {Key: key, Value: []byte("not what it was")}, "under the next key": {Key: key + 1, Value: value},
		"under the last key": {Key: kv.MaxKey, Value: value},
	}
	for _, n := range []int{1, 5, len(value) / 2, len(value) - 1} {
		n = min(n, len(value)-1)
		out[fmt.Sprintf("cut to %d", n)] = kv.Entry{Key: key, Value: bytes.Clone(value[:n])}
	}
	for _, at := range []int{0, 1, 4, 9, len(value) / 2, len(value) - 1} {
		for _, bit := range []byte{0x01, 0x02, 0x80} {
			flipped := bytes.Clone(value)
			at = min(at, len(value)-1)
			flipped[at] ^= bit
			out[fmt.Sprintf("byte %d ^ %#x", at, bit)] = kv.Entry{Key: key, Value: flipped}
		}
	}
	return out
}

// garble changes one record past the vault.
func (b *bench) garble(table kv.Table, key kv.Key, to kv.Entry) {
	b.t.Helper()
	require.NoError(b.t, b.memory.Update(b.ctx, kv.Strict, Tables, func(x kv.Tx) error {
		if err := x.Delete(table, kv.Span{From: key, To: key}); err != nil || to.Value == nil {
			return err
		}
		return x.Put(table, to.Key, to.Value)
	}))
}

// rowsOf is every record of the database.
func (b *bench) rowsOf() map[kv.Table][]kv.Entry {
	b.t.Helper()
	out := map[kv.Table][]kv.Entry{}
	require.NoError(b.t, b.memory.View(b.ctx, Tables, func(x kv.Tx) (err error) {
		for _, table := range Tables {
			if out[table], err = x.Scan(table, kv.All, 0, false); err != nil {
				return err
			}
		}
		return nil
	}))
	return out
}

// furnished is a bench with something in every table, and the seqs that were deleted.
func furnished(t *testing.T, ring, reclaimed bool) (b *bench, deleted []uint64) {
	b = newBenchWith(t, ring)
	b.furnish()
	deleted = []uint64{5, 300, 605}
	b.delete(Deletion{What: wire.WhatMessages, Seqs: []uint64{17, 590}, Scope: wire.ScopeLocal})
	deleted = append(deleted, 17, 590)
	if reclaimed {
		b.reclaim()
	}
	return b, deleted
}

// copy is a bench on a copy of database and keyring, not opened yet.
func (b *bench) copy() *bench {
	b.t.Helper()
	c := &bench{t: b.t, ctx: b.ctx, memory: kv.NewMemory(Tables...), ring: keyring.NewMemory(), noRing: b.noRing, disk: &residue{}, log: slices.Clone(b.log)}
	for table, rows := range b.rowsOf() {
		for _, e := range rows {
			c.garble(table, e.Key, e)
		}
	}
	slots := b.ring.Bytes()
	if len(slots) == 0 {
		return c
	}
	keys, err := c.ring.Begin(b.ctx, true)
	require.NoError(b.t, err)
	defer keys.End()
	require.NoError(b.t, keys.Write(keyring.Run{N: uint32(len(slots) / keyring.SlotSize)}, slots))
	require.NoError(b.t, keys.Flush())
	return c
}

// resync does what a connection does after a login: the server tells of the conversation, and fills every gap with all that was
// ever said, as one that has not heard of any deletion.
func (b *bench) resync(why string) {
	b.t.Helper()
	head := uint64(len(b.log))
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{{ConversationID: conversation, Log: 7, Head: head, Time: b.log[head-1].Time}})
	require.NoError(b.t, err, why)
	for range 20 {
		v, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 2000})
		require.NoError(b.t, err, why)
		if v.Gap == nil {
			return
		}
		require.NoError(b.t, b.ingest(max(1, v.Gap.From), min(v.Gap.To, head)), why)
	}
	b.t.Fatalf("%s: the gaps never end", why)
}

// Whatever becomes of one record, the database opens, nothing that was deleted is shown, all else is there or comes again from
// the server, and everything works.
func TestGarbledRecords(t *testing.T) {
	n, struck := 0, map[kv.Table]int{}
	for _, ring := range []bool{true, false} {
		for _, reclaimed := range []bool{true, false} {
			origin, deleted := furnished(t, ring, reclaimed)
			for table, rows := range origin.rowsOf() {
				for i := range rows {
					for name := range garblings(rows[i].Key, rows[i].Value) {
						if n++; n%(3*stride()) != 0 {
							continue
						}
						b := origin.copy()
						now := rows[i]
						why := fmt.Sprintf("%s %d %s (keyring %v, reclaimed %v)", table, now.Key, name, ring, reclaimed)
						b.garble(table, now.Key, garblings(now.Key, now.Value)[name])
						// Where the ledger is lost before the rows were rewritten, those around what was deleted go too.
						strays := 0
						whole := reclaimed || table != tableLedgers
						if garblings(now.Key, now.Value)[name].Key != now.Key || name == "gone" {
							// A row that is not there any more is not missed: it may have been all of it deleted.
							whole = whole && table != tableSegments && table != tableTail
							strays = 1 // of no conversation, so that none shows it
						}
						b.survives(why, deleted, whole, strays)
						if b.v.Damage().any() {
							struck[table]++
						}
					}
				}
			}
		}
	}
	for _, table := range []kv.Table{tableDevice, tableConversations, tableLedgers, tableOutbox} {
		require.Positive(t, struck[table], "%s was never found damaged", table)
	}
}

// survives opens a database that was damaged and holds it to what must be left.
func (b *bench) survives(why string, deleted []uint64, whole bool, strays int) {
	b.t.Helper()
	b.memory, b.ring = b.memory.Reopen(), b.ring.Reopen()
	b.disk.Store = b.memory
	var ring keyring.File = b.ring
	if b.noRing {
		ring = nil
	}
	v, err := Open(b.ctx, b.disk, ring, me)
	require.NoError(b.t, err, why)
	b.v = v
	require.False(b.t, v.Damage().Anew, why)
	b.shows(why, deleted, false)
	b.reclaim()
	b.resync(why)
	b.shows(why, deleted, whole)
	_, err = b.v.Owed(b.ctx, false)
	require.NoError(b.t, err, why)

	b.grow(1, nil)
	require.NoError(b.t, b.receive(uint64(len(b.log))), why)
	b.unsent(3)
	require.NoError(b.t, b.v.Fold(b.ctx, conversation), why)
	deleted = append(slices.Clone(deleted), 100)
	b.delete(Deletion{What: wire.WhatMessages, Seqs: []uint64{100}})
	b.reclaim()
	b.shows(why, deleted, false)
	again, err := Open(b.ctx, b.memory.Reopen(), ring, me)
	require.NoError(b.t, err, why)
	require.Zero(b.t, again.Damage(), "%s: it was not mended", why)
	d := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
	require.NoError(b.t, d.Err, why)
	b.reclaim()
	require.LessOrEqual(b.t, b.rows(), strays, why)
}

// shows holds the view to what was deleted, and if it is whole, to all the rest.
func (b *bench) shows(why string, deleted []uint64, whole bool) {
	b.t.Helper()
	seqs, _ := b.view()
	for _, s := range deleted {
		require.NotContains(b.t, seqs, s, "%s: %d was deleted", why, s)
	}
	if whole {
		require.Len(b.t, seqs, len(b.log)-len(deleted), why)
	}
}

// A slot of the keyring that was garbled makes gaps, or a new device; what was deleted is not shown by a device that knows of it.
func TestGarbledKeys(t *testing.T) {
	origin, deleted := furnished(t, true, true)
	anew := 0
	for slot := 0; slot < len(origin.ring.Bytes())/keyring.SlotSize; slot++ {
		if slot > intentSlot && slot < firstSlot && slot%16 != 0 {
			continue
		}
		b := origin.copy()
		keys, err := b.ring.Begin(b.ctx, true)
		require.NoError(t, err)
		run := keyring.Run{From: uint32(slot), N: 1}
		key, err := keys.Read(run)
		require.NoError(t, err)
		key[7] ^= 0x10
		require.NoError(t, keys.Write(run, key))
		keys.End()
		why := fmt.Sprintf("slot %d", slot)
		b.memory, b.ring = b.memory.Reopen(), b.ring.Reopen()
		b.disk.Store = b.memory
		v, err := Open(b.ctx, b.disk, b.ring, me)
		require.NoError(t, err, why)
		if b.v = v; v.Damage().Anew {
			require.EqualValues(t, deviceSlot, slot)
			require.Zero(t, b.rows())
			anew++
			continue
		}
		b.resync(why)
		b.shows(why, deleted, true)
	}
	require.Equal(t, 1, anew)
}

// A database of before that was damaged is sealed with what of it can be read.
func TestGarbledOldRecords(t *testing.T) {
	origin, deleted := furnished(t, true, true)
	origin.unseal()
	n := 0
	for table, rows := range origin.rowsOf() {
		for i := range rows {
			for name := range garblings(rows[i].Key, rows[i].Value) {
				if n++; n%(3*stride()) != 0 {
					continue
				}
				b := origin.copy()
				now := rows[i]
				why := fmt.Sprintf("%s %d %s", table, now.Key, name)
				b.garble(table, now.Key, garblings(now.Key, now.Value)[name])
				v, err := Open(b.ctx, b.memory.Reopen(), b.ring, me)
				require.NoError(t, err, why)
				b.v = v
				// The device has no copy there, and nothing tells whether a row in clear is still what it was.
				if table != tableDevice && table != tableSegments && table != tableTail {
					b.shows(why, deleted, false)
				}
				b.reclaim()
			}
		}
	}
}
