package sdk

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/vault"
)

func entry(n uint64) vault.Entry { return vault.Entry{N: n, Kind: vault.DeleteEntry} }

func numbers(entries []vault.Entry) []uint64 {
	out := []uint64{}
	for _, e := range entries {
		out = append(out, e.N)
	}
	return out
}

func owed(next uint64, n ...uint64) *vault.Owed {
	o := &vault.Owed{Next: next}
	for _, x := range n {
		o.Entries = append(o.Entries, entry(x))
	}
	return o
}

func TestReconcile(t *testing.T) {
	o := newOutbox()
	require.Empty(t, o.reconcile(owed(4, 1, 3)), "what was settled before this tab came is not its business")
	require.Equal(t, []uint64{1, 3}, numbers(o.entries))

	stands, _ := o.add(entry(5))
	require.True(t, stands, "stored, and not seen in the vault yet")
	require.Empty(t, o.reconcile(owed(5, 1, 3, 4)), "the vault was read before 5 was stored")
	require.Equal(t, []uint64{1, 3, 4, 5}, numbers(o.entries))

	o.settle(5)
	require.Empty(t, o.reconcile(owed(6, 1, 3, 4, 5)), "it was read before 5 was settled")
	require.Equal(t, []uint64{1, 3, 4}, numbers(o.entries), "5 is not sent again")

	require.Equal(t, []uint64{3}, numbers(o.reconcile(owed(8, 1, 4))))
	stands, known := o.add(entry(6))
	require.False(t, stands || known, "another tab has settled it before this one could add it")
	stands, known = o.add(entry(3))
	require.True(t, !stands && known, "of which reconcile has told")
	stands, _ = o.add(entry(4))
	require.True(t, stands, "it is there")
	require.Equal(t, []uint64{1, 4}, numbers(o.entries))

	require.Len(t, o.take(0), 2)
	require.Empty(t, o.reconcile(owed(8)), "what is under way has its answer coming")
	o.retry(1, 5)
	o.settle(4)
	require.Equal(t, []uint64{1}, numbers(o.reconcile(owed(8))))
	require.Empty(t, o.entries)
	require.Zero(t, o.wake())
}

// Whatever the order in which a tab stores, reads and settles, every entry is told of once, and none that stands is forgotten.
func TestReconcileAnyOrder(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		o := newOutbox()
		stored := map[uint64]bool{} // what the vault holds
		next := uint64(1)
		told := map[uint64]int{} // entries whose end this tab has heard of
		mine := []uint64{}       // stored by this tab, not added yet
		snapshots := []*vault.Owed{owed(1)}
		snapshot := func() {
			s := owed(next)
			for n := uint64(1); n < next; n++ {
				if stored[n] {
					s.Entries = append(s.Entries, entry(n))
				}
			}
			snapshots = append(snapshots, s)
		}
		reconcile := func(s *vault.Owed) {
			for _, e := range o.reconcile(s) {
				told[e.N]++
			}
		}
		add := func(n uint64) {
			if stands, known := o.add(entry(n)); !stands && !known {
				told[n]++
			}
		}
		reconcile(snapshots[0])
		for range 40 {
			switch random.IntN(6) {
			case 0: // this tab stores one
				stored[next] = true
				mine = append(mine, next)
				next++
			case 1: // and adds it
				if len(mine) > 0 {
					add(mine[0])
					mine = mine[1:]
				}
			case 2: // another tab stores one, or settles one
				stored[next] = true
				next++
			case 3:
				if n := 1 + random.Uint64N(next); stored[n] && !o.flying[n] {
					delete(stored, n)
				}
			case 4: // this tab delivers one
				if len(o.entries) > 0 {
					n := o.entries[random.IntN(len(o.entries))].N
					if stored[n] {
						delete(stored, n)
						o.settle(n)
						told[n]++
					}
				}
			case 5: // it reads, and a reading from before may come to its end later
				snapshot()
				reconcile(snapshots[max(0, len(snapshots)-1-random.IntN(2))])
			}
		}
		for _, n := range mine {
			add(n)
		}
		snapshot()
		reconcile(snapshots[len(snapshots)-1])
		require.Equal(t, numbers(snapshots[len(snapshots)-1].Entries), numbers(o.entries), "seed %d", seed)
		for n, times := range told {
			require.Equal(t, 1, times, "seed %d: entry %d", seed, n)
		}
	}
}
