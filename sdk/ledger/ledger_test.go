package ledger

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

func TestIntervalsAreASet(t *testing.T) {
	for seed := uint64(0); seed < 200; seed++ {
		r := rand.New(rand.NewPCG(seed, 2))
		var s Intervals
		var model [120]bool
		for i := 0; i < 12; i++ {
			from := 1 + r.Uint64N(100)
			to := from + r.Uint64N(15)
			if r.IntN(8) == 0 {
				to = from - 1 // empty
			}
			s = s.Add(Interval{From: from, To: to})
			for x := from; x <= to; x++ {
				model[x] = true
			}
		}
		for i := range s {
			require.True(t, s[i].From <= s[i].To && (i == 0 || s[i-1].To+1 < s[i].From), "seed %d: %v", seed, s)
		}
		for x := uint64(0); x < 120; x++ {
			require.Equal(t, model[x], s.Has(x), "seed %d: %d in %v", seed, x, s)
		}
		for below := uint64(1); below < 120; below++ {
			floor := r.Uint64N(below + 1)
			var want Interval
			for x := below - 1; x > floor; x-- {
				if model[x] {
					if want.To != 0 {
						break
					}
					continue
				}
				if want.To == 0 {
					want.To = x
				}
				want.From = x
			}
			got, ok := s.GapBelow(below, floor)
			require.Equal(t, want.To != 0, ok, "seed %d: below %d above %d in %v", seed, below, floor, s)
			if ok {
				require.Equal(t, want, got, "seed %d: below %d above %d in %v", seed, below, floor, s)
			}
		}
	}
}

// Bounds mean the same in whatever order they came, and dropping one that another contains changes nothing.
func TestBoundsAreAJoin(t *testing.T) {
	for seed := uint64(0); seed < 300; seed++ {
		r := rand.New(rand.NewPCG(seed, 3))
		var all []Bound
		for i := 0; i < 6; i++ {
			all = append(all, Bound{Before: 1 + r.Int64N(20), Anchor: 1 + r.Uint64N(20)})
		}
		var a, b Book
		for _, x := range all {
			a.JoinBound(x)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, x := range append(all, all...) {
			b.JoinBound(x)
		}
		for seq := uint64(1); seq < 22; seq++ {
			for time := int64(0); time < 22; time++ {
				want := false
				for _, x := range all {
					want = want || seq <= x.Anchor && time < x.Before
				}
				require.Equal(t, want, a.Hides(seq, time), "seed %d", seed)
				require.Equal(t, want, b.Hides(seq, time), "seed %d", seed)
			}
		}
	}
}

func TestBookSurfaces(t *testing.T) {
	b := Book{Head: 10}
	b.History = wire.Ledger{Through: 10, HiddenAt: 11}
	require.False(t, b.Hides(1, 1), "history never takes away what a device holds")
	require.False(t, b.HidesConversation())
	b.Devices = wire.Ledger{Through: 4, HiddenAt: 11}
	require.True(t, b.Hides(4, 1) && !b.Hides(5, 1))
	require.True(t, b.HidesConversation())
	require.EqualValues(t, 4, b.ReadUpTo(), "deleting through a seq reads through it")
	b.Raise(11)
	require.False(t, b.HidesConversation(), "a newer message brings it back")
	b.JoinBound(Bound{Before: 100, Anchor: 9})
	require.True(t, b.Hides(9, 99) && !b.Hides(10, 99) && !b.Hides(9, 100))
	b.Resolve(Bound{Before: 100, Anchor: 9}, 7)
	require.Empty(t, b.Bounds)
	require.True(t, b.Hides(7, 1) && !b.Hides(8, 1))
}

func TestNewlyHidden(t *testing.T) {
	before := Book{Local: wire.Ledger{Through: 3, Ranges: wire.RangesOf(10, 300)}}
	after := before.Clone()
	after.Devices.Join(wire.Ledger{Through: 5, Ranges: wire.RangesOf(4, 10, 11, 300, 301)})
	require.Equal(t, []uint64{11, 301}, after.NewlyHidden(&before).Seqs())
	require.Empty(t, after.NewlyHidden(&after).Seqs())
}
