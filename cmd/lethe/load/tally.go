package load

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// times are how long operations took.
type times struct {
	mu sync.Mutex
	// across are those that waited for a connection that was lost.
	took, across []time.Duration
}

func (t *times) add(d time.Duration, across bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if across {
		t.across = append(t.across, d)
	} else {
		t.took = append(t.took, d)
	}
}

func (t *times) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took, t.across = nil, nil
}

// tally counts what happens.
type tally struct {
	sends, deletions times
	gathered         time.Duration

	mu     sync.Mutex
	up     int
	away   []time.Duration // of those that came back
	errors map[string]int
}

func (t *tally) cameBack(away time.Duration, again bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.up++
	if again {
		t.away = append(t.away, away)
	}
}

func (t *tally) wentAway() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.up--
}

// failed counts an error under its code's name, or under what it says.
func (t *tally) failed(err error) {
	name := err.Error()
	if code := wire.CodeOf(err); code != wire.Internal {
		name = code.Name()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errors[name]++
}

// connected is how many are connected, and the most frequent error if there is one.
func (t *tally) connected() (up int, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.errors) > 0 {
		names := slices.SortedFunc(maps.Keys(t.errors), func(a, b string) int { return cmp.Compare(t.errors[b], t.errors[a]) })
		why = fmt.Sprintf(" (%d times: %s)", t.errors[names[0]], names[0])
	}
	return t.up, why
}

func (t *tally) reset() {
	t.sends.reset()
	t.deletions.reset()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.away, t.errors = nil, map[string]int{}
}
