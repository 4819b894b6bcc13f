package vault

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// record is what every type in the database has.
type record interface {
	msgp.Marshaler
	msgp.Unmarshaler
}

func records() []record {
	return []record{&Device{}, &Space{}, &Record{}, &Row{}, &Sent{}, &Ledger{}, &Entry{}, &Note{}, &wire.Batch{}}
}

// FuzzRecord is the MessagePack of any record, of any table: what is decoded is written and read again as the same.
func FuzzRecord(f *testing.F) {
	for i, r := range []record{
		&Device{ID: wire.ID{1}, NextOrdinal: 3}, &Space{Next: 200, Free: []keyring.Run{{From: 130, N: 4}}},
		&Record{ConversationID: "C2Cb", Last: &Row{Slot: 3}, Extents: []Extent{{First: 1, Slot: 130}}}, &Row{Message: wire.Message{Seq: 3}},
		&Sent{Seq: 9}, &Ledger{Ordinal: 2}, &Entry{V: 1, Kind: DeleteEntry, Ranges: wire.RangesOf(3)}, &Note{Segments: []uint32{1}, Done: []uint32{2}},
	} {
		raw, err := r.MarshalMsg(nil)
		require.NoError(f, err)
		f.Add(uint8(i), raw)
	}
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		i := int(which) % len(records())
		r := records()[i]
		if _, err := r.UnmarshalMsg(raw); err != nil {
			return
		}
		once, err := r.MarshalMsg(nil)
		require.NoError(t, err)
		again := records()[i]
		_, err = again.UnmarshalMsg(once)
		require.NoError(t, err)
		twice, err := again.MarshalMsg(nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(once, twice))
		if batch, ok := r.(*wire.Batch); ok {
			_, _ = batch.Messages() // wire's FuzzBatch says what must hold
		}
	})
}

// FuzzValue is a value in the database, sealed or not: it is opened as what was sealed, or is unreadable.
func FuzzValue(f *testing.F) {
	key := secret{1}
	s, err := seal(tableTail, key, bytes.Repeat([]byte("text "), 100))
	require.NoError(f, err)
	f.Add(bytes.Clone(s.at(130)))
	f.Add(bytes.Clone(s.inline()))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, value []byte) {
		given := bytes.Clone(value)
		e, err := parse(value)
		slot, keyed := slotOf(value)
		if err != nil {
			require.ErrorIs(t, err, ErrUnreadable)
			require.False(t, keyed)
			return
		}
		require.Equal(t, keyed, !e.plain && e.key == nil)
		require.Equal(t, slot, e.slot)
		if e.plain {
			require.Equal(t, given, e.body)
			return
		}
		with := &key
		if e.key != nil {
			with = e.key
		}
		for _, table := range []kv.Table{tableTail, tableSegments} {
			e, err := parse(bytes.Clone(given)) // opening writes over it
			require.NoError(t, err)
			if _, err := e.open(table, with); err != nil {
				require.ErrorIs(t, err, ErrUnreadable)
			} else {
				require.Equal(t, tableTail, table, "a record passed for one of another table")
			}
		}
	})
}

// FuzzIntent is what stands in the keyring's slots: an intent that was written whole, or none.
func FuzzIntent(f *testing.F) {
	f.Add(encodeIntent(7, []keyring.Run{{From: 130, N: 2}}))
	f.Fuzz(func(t *testing.T, stored []byte) {
		b := make([]byte, intentSlots*keyring.SlotSize)
		copy(b, stored)
		commit, runs, ok := decodeIntent(b)
		if !ok {
			require.Empty(t, runs)
			return
		}
		require.NotEmpty(t, runs)
		again := encodeIntent(commit, runs)
		require.Equal(t, b[:intentHead+8*len(runs)], again[:intentHead+8*len(runs)])
	})
}
