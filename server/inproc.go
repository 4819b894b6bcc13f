package server

import "sync"

// inproc is the Bus of one process.
type inproc struct {
	mu   sync.RWMutex
	subs map[Topic]map[*subscriber]struct{}
}

type subscriber struct{ fn func(Poke) }

// NewBus makes a Bus for the connections of one process.
func NewBus() Bus { return &inproc{subs: map[Topic]map[*subscriber]struct{}{}} }

func (b *inproc) Publish(t Topic, p Poke) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.subs[t] {
		s.fn(p)
	}
}

func (b *inproc) Subscribe(t Topic, fn func(Poke)) (cancel func()) {
	s := &subscriber{fn}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs[t] == nil {
		b.subs[t] = map[*subscriber]struct{}{}
	}
	b.subs[t][s] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[t], s)
		if len(b.subs[t]) == 0 {
			delete(b.subs, t)
		}
	}
}
