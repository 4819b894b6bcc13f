package sim

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lethe-im/lethe/server"
)

// bus carries pokes between connections, of one node and of several: they come late, and may be lost.
type bus struct {
	w     *world
	loses int // how many of the next pokes are lost
	// Between nodes: nothing comes before down, and until lossy every second poke is lost.
	down, lossy time.Time
}

// ear is a node's end of the bus: its server.Bus.
type ear struct {
	h    *host
	subs []*subscriber
	n    int
}

type subscriber struct {
	n     int
	topic server.Topic
	fn    func(server.Poke)
	gone  atomic.Bool
}

// Publish implements server.Bus.
func (e *ear) Publish(t server.Topic, p server.Poke) {
	e.h.w.books.Lock()
	defer e.h.w.books.Unlock()
	for _, h := range e.h.w.live() {
		for _, s := range h.ear.subs {
			if s.topic == t && !s.gone.Load() {
				e.h.w.bus.carry(e.h, h, s, p)
			}
		}
	}
}

// carry brings a poke from a node to a subscriber on a node, or loses it.
func (b *bus) carry(from, to *host, s *subscriber, p server.Poke) {
	if b.loses > 0 {
		b.loses--
		b.w.bite("lost poke")
		return
	}
	late := b.w.rng.IntN(8) == 0
	if from != to {
		now := time.Now()
		if now.Before(b.down) || now.Before(b.lossy) && b.w.rng.IntN(2) == 0 {
			b.w.bite("lost poke between nodes")
			return
		}
		if late = late || b.w.rng.IntN(2) == 0; late {
			b.w.bite("late poke between nodes")
		} else {
			b.w.bite("poke between nodes")
		}
	}
	var due time.Time
	if late {
		due = time.Now().Add(time.Duration(1+b.w.rng.IntN(3000)) * time.Millisecond)
	}
	b.w.later(fmt.Sprintf("%s poke %d", to.name, s.n), func() bool { return !time.Now().Before(due) }, func() {
		if !s.gone.Load() && !to.dead.Load() {
			s.fn(p)
		}
	})
}

// look tells all connections that something may have been missed, as a bus does that is back.
func (b *bus) look() {
	for _, h := range b.w.live() {
		for _, s := range slices.Clone(h.ear.subs) {
			if !s.gone.Load() {
				s.fn(server.Poke{})
				b.w.bite("look of a bus that is back")
			}
		}
	}
}

// Subscribe implements server.Bus.
func (e *ear) Subscribe(t server.Topic, fn func(server.Poke)) (cancel func()) {
	e.h.w.books.Lock()
	defer e.h.w.books.Unlock()
	e.n++
	s := &subscriber{n: e.n, topic: t, fn: fn}
	e.subs = append(e.subs, s)
	return func() {
		e.h.w.books.Lock()
		defer e.h.w.books.Unlock()
		s.gone.Store(true)
		e.subs = slices.DeleteFunc(slices.Clone(e.subs), func(o *subscriber) bool { return o == s })
	}
}

// busDown has no poke come from one node to another for a time. At its end the bus says so, or does not know itself.
func busDown(w *world, s Step) bool {
	if w.plan.Nodes < 2 {
		return false
	}
	w.bus.down = time.Now().Add(time.Duration(1+s.B%60) * time.Second)
	if end := w.bus.down; s.A%2 == 0 {
		w.later("bus is back", func() bool { return !time.Now().Before(end) || w.bus.down.IsZero() }, w.bus.look)
	}
	return true
}

// busLossy has pokes from one node to another get lost for a time.
func busLossy(w *world, s Step) bool {
	if w.plan.Nodes < 2 {
		return false
	}
	w.bus.lossy = time.Now().Add(time.Duration(1+s.B%60) * time.Second)
	return true
}

// heal ends what is wrong between nodes; false if nothing is.
func (b *bus) heal() bool {
	now := time.Now()
	some := now.Before(b.down) || now.Before(b.lossy)
	b.down, b.lossy = time.Time{}, time.Time{}
	return some
}

// losePokes has connections not hear of what the next operations change.
func losePokes(w *world, s Step) bool {
	w.bus.loses += 1 + s.A%4
	return true
}
