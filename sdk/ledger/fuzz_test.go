package ledger

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// FuzzBook is a book as a database may have it: what is decoded is written and read again as the same, and joining hides no less.
func FuzzBook(f *testing.F) {
	b := Book{
		Log: 7, Head: 700, Local: wire.Ledger{Through: 3, HiddenAt: 4, Ranges: wire.RangesOf(5, 600)}, Bounds: []Bound{{Before: 9, Anchor: 8}},
		Devices: wire.Ledger{Ranges: wire.RangesOf(6)}, Read: 2, ServerRead: 3, Recalls: []wire.Recalled{{Seq: 1, Change: 1}}, Version: 9,
	}
	raw, err := b.MarshalMsg(nil)
	require.NoError(f, err)
	f.Add(raw, uint64(5), int64(9), uint64(8))
	f.Fuzz(func(t *testing.T, raw []byte, seq uint64, before int64, anchor uint64) {
		var b Book
		if _, err := b.UnmarshalMsg(raw); err != nil {
			return
		}
		once, err := b.MarshalMsg(nil)
		require.NoError(t, err)
		var again Book
		_, err = again.UnmarshalMsg(once)
		require.NoError(t, err)
		twice, err := again.MarshalMsg(nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(once, twice))

		was := b.Clone()
		b.JoinBound(Bound{Before: before, Anchor: anchor})
		require.True(t, seq > anchor || b.Hides(seq, before-1) || before-1 > before)
		require.False(t, b.JoinBound(Bound{Before: before, Anchor: anchor}), "twice is once")
		require.True(t, !was.Hides(seq, before-1) || b.Hides(seq, before-1), "joining takes nothing back")
		require.Equal(t, was.RecallNumber(), b.RecallNumber())
		b.NewlyHidden(&was)
		b.NewBounds(&was)
	})
}
