package sim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing/synctest"
	"time"
)

// world is one history as it runs: what may happen next stands in waiting, and the seed decides what does. Everything runs in
// one bubble of fake time; the goroutine of run alone lets the others on, one step of one of them at a time.
type world struct {
	plan *Plan
	rng  *rand.Rand

	mu      sync.Mutex
	waiting []*event
	stir    chan struct{}
	trace   uint64
	log     []string // what happened, in words; only when it is to be told
	notes   []string // that of it which is the same whenever the history is run
	telling bool

	store   *shared
	bus     bus
	hosts   []*host // by node, nil while it is down
	devices []*device
	links   []*link
	linkN   int
	model   *model
	calls   []*call
	bites   map[string]int // how often each fault struck and each call succeeded
	failed  []string
	since   time.Time

	// books guards what calls, events and the store's answers note for the checks: the model, what devices know, the lots that are
	// drawn. The scheduler lets one goroutine on at a time, but several that were woken by it run at once, and on a busy machine the
	// runtime interrupts one where it will: two of them in one map end the process. It is never held where anything waits.
	books sync.Mutex
	steps atomic.Int64

	watched   int64 // real time of the last step, ns
	disturbed bool
}

// event is something that may happen next.
type event struct {
	name  string      // where and what; several of a name happen in the order of their coming
	ready func() bool // nil: at any time
	fire  func()
}

// skew is how far a clock is from the time, in ns. Timers, which look at it, go on without the scheduler.
type skew struct{ ns atomic.Int64 }

func (s *skew) now() time.Duration  { return time.Duration(s.ns.Load()) }
func (s *skew) set(d time.Duration) { s.ns.Store(int64(d)) }

// process is what a crash ends: a tab or a node. What it waits for never happens then, and it can do nothing any more.
type process struct {
	w    *world
	name string
	dead atomic.Bool
}

// pass waits until the scheduler lets the process go on; false: it has died meanwhile. take is done at that moment, so that
// nobody else comes between.
func (p *process) pass(what string, ready func() bool, take func()) bool {
	w := p.w
	open := make(chan struct{})
	w.mu.Lock()
	if p.dead.Load() {
		w.mu.Unlock()
		return false
	}
	w.waiting = append(w.waiting, &event{
		name:  p.name + " " + what,
		ready: func() bool { return p.dead.Load() || ready == nil || ready() },
		fire: func() {
			if !p.dead.Load() && take != nil {
				take()
			}
			close(open)
		},
	})
	w.mu.Unlock()
	w.nudge()
	<-open
	w.mu.Lock()
	defer w.mu.Unlock()
	return !p.dead.Load()
}

// nudge wakes the scheduler where it lets time pass.
func (w *world) nudge() {
	select {
	case w.stir <- struct{}{}:
	default:
	}
}

// later has something happen that belongs to no goroutine.
func (w *world) later(name string, ready func() bool, fire func()) {
	w.mu.Lock()
	w.waiting = append(w.waiting, &event{name: name, ready: ready, fire: fire})
	w.mu.Unlock()
	w.nudge()
}

// kill ends a process. Whatever it waited for fails at once, and what it still does has no effect.
func (w *world) kill(p *process) {
	w.mu.Lock()
	p.dead.Store(true)
	var gone []*event
	w.waiting = slices.DeleteFunc(w.waiting, func(e *event) bool {
		if strings.HasPrefix(e.name, p.name+" ") {
			gone = append(gone, e)
			return true
		}
		return false
	})
	w.mu.Unlock()
	for _, e := range gone {
		e.fire()
	}
	synctest.Wait()
}

// next lets one thing happen that is ready; false if nothing is.
func (w *world) next() bool {
	synctest.Wait()
	w.mu.Lock()
	var ready []*event
	for _, e := range w.waiting {
		if e.ready == nil || e.ready() {
			ready = append(ready, e)
		}
	}
	w.mu.Unlock()
	for _, l := range w.links {
		ready = append(ready, l.deliveries()...)
	}
	if len(ready) == 0 {
		return false
	}
	sort.SliceStable(ready, func(i, j int) bool { return ready[i].name < ready[j].name })
	e := ready[w.rng.IntN(len(ready))]
	w.watch()
	w.mu.Lock()
	if at := slices.Index(w.waiting, e); at >= 0 {
		w.waiting = slices.Delete(w.waiting, at, at+1)
	}
	w.mu.Unlock()
	w.note(e.name)
	e.fire()
	// The bubble draws lots among timers of the same moment, not by the seed. So no two steps begin timers at one.
	time.Sleep(time.Nanosecond)
	return true
}

// watch notes when a step has taken so long that the runtime may have interrupted a goroutine in it: then the order in which
// several went on was not the seed's alone, and the trace may differ.
func (w *world) watch() {
	var now syscall.Timeval // time.Now is the bubble's
	if err := syscall.Gettimeofday(&now); err != nil {
		w.disturbed = true
		return
	}
	at := now.Nano()
	w.disturbed = w.disturbed || w.watched != 0 && at-w.watched > slice
	w.watched = at
}

// slice is how long a goroutine may run before the runtime interrupts it, ns, with some room.
const slice = 8_000_000

// note adds a line to the trace.
func (w *world) note(line string) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%x %s", w.trace, line)
	w.trace = h.Sum64()
	w.steps.Add(1)
	if w.telling {
		w.notes = append(w.notes, line)
		w.log = append(w.log, fmt.Sprintf("%9.3f %s", time.Since(w.since).Seconds(), line))
	}
}

// let lets up to n things happen.
func (w *world) let(n int) {
	for range n {
		if !w.next() {
			return
		}
	}
}

// elapse lets time pass, and everything happen that comes in that time.
func (w *world) elapse(d time.Duration) {
	deadline := time.Now().Add(d)
	for {
		for w.next() {
		}
		timer := time.NewTimer(time.Until(deadline))
		select {
		case <-timer.C:
		case <-w.stir:
		}
		timer.Stop()
		if !time.Now().Before(deadline) {
			for w.next() {
			}
			return
		}
	}
}

// step is how many things have happened.
func (w *world) step() int { return int(w.steps.Load()) }

// stall lets time pass in which nothing happens.
func (w *world) stall(d time.Duration) {
	synctest.Wait()
	time.Sleep(d)
}

// fail notes what is wrong.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if w.telling {
		w.log = append(w.log, "FAILED "+text)
	}
	w.failed = append(w.failed, text)
}

// bite counts a fault that struck or a call that succeeded.
func (w *world) bite(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bites[what]++
}

// tell writes a remark into the log, where there is one.
func (w *world) tell(format string, args ...any) {
	if w.telling {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.log = append(w.log, fmt.Sprintf("%9.3f   ", time.Since(w.since).Seconds())+fmt.Sprintf(format, args...))
	}
}
