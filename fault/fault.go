// Package fault counts the steps that tests take on a store and has one of them fail. All injectors count by it: those of
// kvtest, keyringtest and storetest. Two that have the same Counter are counted together, so that one number runs through all
// that happens.
package fault

import "sync"

// Fault says what goes wrong. Steps are counted from 1; what they are says the injector.
type Fault struct {
	Step  int
	Err   error // what the step returns
	After bool  // the step takes effect first
	Torn  bool  // a step that can take effect by half does so first; others do not take effect
	Stays bool  // every later step fails too, as on a full or dead disk
}

// Counter counts steps, and says when the fault strikes. The zero Counter has none.
type Counter struct {
	mu    sync.Mutex
	fault Fault
	steps int
	bit   bool
}

// Arm sets the fault (the zero Fault: none) and counts steps from 0 again.
func (c *Counter) Arm(fault Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault, c.steps, c.bit = fault, 0, false
}

// Steps is how many steps were taken since Arm.
func (c *Counter) Steps() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steps
}

// Bit tells whether the fault has struck. A test whose fault never bites proves nothing.
func (c *Counter) Bit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bit
}

// next counts one step and returns the fault if it strikes, else the zero one.
func (c *Counter) next() Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps++
	if c.fault.Step == 0 || c.steps < c.fault.Step || c.steps > c.fault.Step && !c.fault.Stays {
		return Fault{}
	}
	c.bit = true
	return c.fault
}

// Next counts one step and returns what it fails with before and after it takes effect.
func (c *Counter) Next() (before, after error) {
	fault := c.next()
	if fault.After {
		return nil, fault.Err
	}
	return fault.Err, nil
}

// Around runs one step.
func (c *Counter) Around(do func() error) error { return c.Tear(do, func() error { return nil }) }

// Tear runs one step that can take effect by half.
func (c *Counter) Tear(do, half func() error) error {
	fault := c.next()
	switch {
	case fault.Err == nil:
		return do()
	case fault.After:
		if err := do(); err != nil {
			return err
		}
	case fault.Torn:
		if err := half(); err != nil {
			return err
		}
	}
	return fault.Err
}
