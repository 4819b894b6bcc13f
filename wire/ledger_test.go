package wire

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func randomLedger(r *rand.Rand) Ledger {
	l := Ledger{Through: r.Uint64N(700), HiddenAt: r.Uint64N(700)}
	for i := r.IntN(20); i > 0; i-- {
		l.Ranges.Add(r.Uint64N(2000))
	}
	return l
}

func joined(a Ledger, others ...Ledger) Ledger {
	a = a.Clone()
	for _, o := range others {
		a.Join(o)
	}
	a.Trim()
	return a
}

// same compares what ledgers mean: Through makes part of the ranges redundant.
func same(t *testing.T, seed uint64, a, b Ledger) {
	t.Helper()
	require.Equal(t, a.HiddenAt, b.HiddenAt, "seed %d", seed)
	for seq := uint64(0); seq < 2100; seq++ {
		if a.Has(seq) != b.Has(seq) {
			t.Fatalf("seed %d: seq %d: %v and %v", seed, seq, a.Has(seq), b.Has(seq))
		}
	}
}

func TestLedgerIsAJoin(t *testing.T) {
	for seed := uint64(0); seed < 300; seed++ {
		r := rand.New(rand.NewPCG(seed, 1))
		a, b, c := randomLedger(r), randomLedger(r), randomLedger(r)
		same(t, seed, joined(a, a), joined(a))
		same(t, seed, joined(a, b), joined(b, a))
		same(t, seed, joined(joined(a, b), c), joined(a, joined(b, c)))
		ab := joined(a, b)
		require.False(t, ab.Join(b), "seed %d: what is there already changes nothing", seed)
		for seq := uint64(0); seq < 2100; seq++ {
			require.Equal(t, a.Has(seq) || b.Has(seq), ab.Has(seq), "seed %d seq %d", seed, seq)
		}
		require.True(t, ab.Ranges.Valid())
	}
}

func TestRanges(t *testing.T) {
	r := RangesOf(5, 5, 0, 255, 256, 100_000)
	require.Equal(t, 5, r.Count())
	require.EqualValues(t, 100_000, r.Max())
	require.True(t, r.Valid())
	require.False(t, Ranges{{Segment: 1}}.Valid(), "a part without a seq")
	require.False(t, append(RangesOf(600), RangesOf(1)...).Valid(), "falling segments")
	require.EqualValues(t, 0, Ranges(nil).Max())
	require.Nil(t, r.Of(7))
}
