package order

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRandomPrograms searches programs that nobody thought of.
func TestRandomPrograms(t *testing.T) {
	states, seeds := 0, uint64(40)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		s := randomScenario(rand.New(rand.NewPCG(seed, 5)))
		got := explore(s, everything)
		require.Empty(t, got.violation, "seed %d, %s: %s", seed, s.name, got)
		states += got.states
	}
	t.Logf("%d states", states)
}

func randomScenario(r *rand.Rand) scenario {
	firsts := []func(*world){nil, settled, tailed, cutInTwo, long, tight, fresh, bare}
	sets := []mask{a, b, c, d, a | b, c | d, a | c, a | b | c}
	tasks := []func(mask) task{ingests, folds, deletes, deletesWhole, clears}
	var name []string
	program := func(n int) (out []task) {
		for range n {
			switch m := sets[r.IntN(len(sets))]; r.IntN(8) {
			case 0:
				out = append(out, receives(m.newest()))
			case 1, 2:
				out = append(out, reclaims)
			case 3:
				out = append(out, others)
			case 4:
				out = append(out, deletesUpTo(m.newest()))
			default:
				out = append(out, tasks[r.IntN(len(tasks))](m))
			}
		}
		for _, f := range out {
			name = append(name, f(everything)[0].of)
		}
		return append(out, reclaims)
	}
	first := r.IntN(len(firsts))
	s := scenario{first: firsts[first], most: 15_000, fails: uint8(r.IntN(2)), deaths: uint8(r.IntN(2))}
	if r.IntN(3) == 0 {
		s.cuts, s.deaths = 1, 0
	}
	s.scripts = scripts{script(program(2)...), script(program(2)...)}
	if r.IntN(2) == 0 {
		s.after = program(1)
	}
	s.name = fmt.Sprintf("from %d: %s", first, strings.Join(name, "; "))
	return s
}
