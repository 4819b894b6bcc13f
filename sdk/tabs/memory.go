package tabs

import (
	"context"
	"slices"
	"sync"
)

// Memory is the tabs of one device in one process, for tests, simulations and native programs.
type Memory struct {
	mu      sync.Mutex
	locks   map[string]*lock
	members []*member
	steals  int
}

// NewMemory makes a device without tabs.
func NewMemory() *Memory { return &Memory{locks: map[string]*lock{}} }

// Tab is one tab of a Memory.
type Tab struct {
	device *Memory
	// These are guarded by the Memory's mutex.
	frozen bool
	mute   bool
	dead   bool
}

// Steals is how many locks were taken from another tab so far.
func (m *Memory) Steals() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.steals
}

// Tab opens another tab.
func (m *Memory) Tab() *Tab { return &Tab{device: m} }

// member is a tab that has joined a name.
type member struct {
	tab   *Tab
	name  string
	heard func(Poke)
	late  []Poke // what a frozen tab has not heard yet
	left  bool
}

// lock is one name: who holds it, and who waits, in order.
type lock struct {
	held  []*claim
	queue []*claim
}

// claim is one tab's wish for a name. granted and over are closed when it comes true, and when it has ended.
type claim struct {
	tab     *Tab
	name    string
	alone   bool
	granted chan struct{}
	over    chan struct{}
}

// Join implements Tabs. What is poked is heard before poke returns, unless the other tab is frozen.
func (t *Tab) Join(name string, heard func(Poke)) (poke func(Poke), leave func()) {
	d := t.device
	me := &member{tab: t, name: name, heard: heard}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.members = append(d.members, me)
	poke = func(p Poke) {
		for _, other := range d.hearers(me, p) {
			other.heard(p)
		}
	}
	leave = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.remove(me)
	}
	return poke, leave
}

// hearers are those who hear a poke now. Frozen ones hear it later.
func (m *Memory) hearers(from *member, p Poke) (now []*member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if from.left || from.tab.mute {
		return nil
	}
	for _, other := range m.members {
		switch {
		case other == from || other.name != from.name:
		case other.tab.frozen:
			other.late = append(other.late, p)
		default:
			now = append(now, other)
		}
	}
	return now
}

func (m *Memory) remove(gone *member) {
	gone.left = true
	m.members = slices.DeleteFunc(m.members, func(x *member) bool { return x == gone })
}

// Freeze stops a tab from hearing anything; it keeps what it holds. Thaw lets it hear what it has missed.
func (t *Tab) Freeze() {
	t.device.mu.Lock()
	defer t.device.mu.Unlock()
	t.frozen = true
}

// Thaw is the end of Freeze.
func (t *Tab) Thaw() {
	d := t.device
	d.mu.Lock()
	t.frozen = false
	var missed []func()
	for _, x := range d.members {
		if x.tab == t {
			for _, p := range x.late {
				missed = append(missed, func() { x.heard(p) })
			}
			x.late = nil
		}
	}
	d.mu.Unlock()
	for _, hear := range missed {
		hear()
	}
}

// Mute has the tab's pokes get lost, or no longer.
func (t *Tab) Mute(on bool) {
	t.device.mu.Lock()
	defer t.device.mu.Unlock()
	t.mute = on
}

// Kill ends a tab as its death does: it hears nothing more, and what it held is free.
func (t *Tab) Kill() {
	d := t.device
	d.mu.Lock()
	defer d.mu.Unlock()
	t.dead = true
	for _, x := range slices.Clone(d.members) {
		if x.tab == t {
			d.remove(x)
		}
	}
	for _, l := range d.locks {
		for _, c := range slices.Concat(l.held, l.queue) {
			if c.tab == t {
				d.end(c)
			}
		}
	}
}

// Hold implements Tabs.
func (t *Tab) Hold(ctx context.Context, name string) (release func(), err error) {
	c, err := t.claim(ctx, name, false, Wait)
	if err != nil {
		return nil, err
	}
	return func() { t.device.giveBack(c) }, nil
}

// Held implements Tabs.
func (t *Tab) Held(_ context.Context, name string) (bool, error) {
	t.device.mu.Lock()
	defer t.device.mu.Unlock()
	l := t.device.locks[name]
	return l != nil && len(l.held) > 0, nil
}

// Lock implements Tabs.
func (t *Tab) Lock(ctx context.Context, name string, mode Mode) (*Lease, error) {
	c, err := t.claim(ctx, name, true, mode)
	if err != nil {
		return nil, err
	}
	return &Lease{Over: c.over, Release: func() { t.device.giveBack(c) }}, nil
}

func (t *Tab) claim(ctx context.Context, name string, alone bool, mode Mode) (*claim, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	d := t.device
	c := &claim{tab: t, name: name, alone: alone, granted: make(chan struct{}), over: make(chan struct{})}
	d.mu.Lock()
	l := d.locks[name]
	if l == nil {
		l = &lock{}
		d.locks[name] = l
	}
	if mode == IfFree && len(l.held)+len(l.queue) > 0 {
		d.mu.Unlock()
		return nil, ErrTaken
	}
	if mode == Steal {
		d.steals += len(l.held)
		for _, holder := range l.held {
			close(holder.over)
		}
		l.held = nil
		l.queue = append([]*claim{c}, l.queue...)
	} else {
		l.queue = append(l.queue, c)
	}
	if t.dead {
		d.end(c)
	}
	l.grant()
	d.mu.Unlock()
	select {
	case <-c.granted:
		return c, nil
	case <-ctx.Done():
		d.giveBack(c)
		return nil, context.Cause(ctx)
	}
}

// grant gives the lock to those in front of the queue who may have it.
func (l *lock) grant() {
	for len(l.queue) > 0 {
		next := l.queue[0]
		if len(l.held) > 0 && (next.alone || l.held[0].alone) {
			return
		}
		l.queue = l.queue[1:]
		l.held = append(l.held, next)
		close(next.granted)
	}
}

func (m *Memory) giveBack(c *claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(c)
}

// end takes a claim away. m.mu is held.
func (m *Memory) end(c *claim) {
	select {
	case <-c.over:
		return
	default:
	}
	close(c.over)
	l := m.locks[c.name]
	gone := func(x *claim) bool { return x == c }
	l.held, l.queue = slices.DeleteFunc(l.held, gone), slices.DeleteFunc(l.queue, gone)
	l.grant()
}
