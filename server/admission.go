package server

import (
	"sync"

	"github.com/lethe-im/lethe/wire"
)

// admission counts connections: an address's, those of them that have not said hello, a user's, a device's.
type admission struct {
	addresses, fresh, users, devices *tally
}

func newAdmission(l Limits) admission {
	return admission{newTally(l.PerAddress), newTally(l.NewPerAddress), newTally(l.PerUser), newTally(l.PerDevice)}
}

// tally counts what is there under each name, up to a limit.
type tally struct {
	limit int

	mu sync.Mutex
	n  map[string]int
}

func newTally(limit int) *tally { return &tally{limit: limit, n: map[string]int{}} }

// add counts one in under a name, unless the limit is reached. The empty name has no limit. drop counts it out, once.
func (t *tally) add(name string) (drop func(), ok bool) {
	if name == "" {
		return func() {}, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n[name] >= t.limit {
		return nil, false
	}
	t.n[name]++
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.n[name]--; t.n[name] == 0 {
			delete(t.n, name)
		}
	}), true
}

// counts counts the connection in under a name until it ends.
func (c *connection) counts(t *tally, name string) (drop func(), err error) {
	drop, ok := t.add(name)
	if !ok {
		return nil, wire.Errorf(wire.TooManyConnections, "too many connections at once")
	}
	c.counted = append(c.counted, drop)
	return drop, nil
}

// countAddress counts a connection that has come from an address. Errors: TooManyConnections.
func (c *connection) countAddress() error {
	a := &c.server.admission
	if _, err := c.counts(a.addresses, c.address); err != nil {
		return err
	}
	greeted, err := c.counts(a.fresh, c.address)
	c.greeted = greeted
	return err
}

// countUser counts a connection whose user is known now. Errors: TooManyConnections.
func (c *connection) countUser() error {
	a := &c.server.admission
	user, device := c.who.App+"\x00"+c.who.User, ""
	if c.who.Device != "" {
		device = user + "\x00" + c.who.Device
	}
	if _, err := c.counts(a.users, user); err != nil {
		return err
	}
	if _, err := c.counts(a.devices, device); err != nil {
		return err
	}
	c.greeted()
	return nil
}

// uncount takes the connection out of all counts.
func (c *connection) uncount() {
	for _, drop := range c.counted {
		drop()
	}
}
