package order

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// few is how much of a scenario is searched with -short.
const few = 5_000

// TestOrderHolds searches every scenario whole.
func TestOrderHolds(t *testing.T) {
	total := 0
	for _, s := range scenarios {
		if testing.Short() {
			s.most = few
		}
		got := explore(s, everything)
		require.Empty(t, got.violation, "%s: %s", s.name, got)
		t.Logf("%s: %s", s.name, got)
		total += got.states
	}
	t.Logf("%d states in all", total)
}

// notNeeded is what can be left out, given the other rules. Slots that nobody owns have no key: the intent sees to what a
// transaction left that never came to its end, the sweep to what a power cut did. Overwriting them all the same when they are
// taken costs nothing, since they are written side by side with the keys.
const notNeeded = cleanTaken

// TestNotNeeded searches the power cuts whole without it, and the rest as far as it goes quickly.
func TestNotNeeded(t *testing.T) {
	for _, s := range scenarios {
		if testing.Short() && s.cuts == 0 {
			continue
		}
		if s.cuts == 0 {
			s.most = few
		}
		got := explore(s, everything&^notNeeded)
		require.Empty(t, got.violation, "%s: %s", s.name, got)
	}
}
