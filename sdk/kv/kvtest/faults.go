package kvtest

import (
	"context"
	"sync"

	"github.com/lethe-im/lethe/sdk/kv"
)

// Fault says what goes wrong. Steps are counted from 1 and are: the begin of a transaction, each call on it, the commit
// of an update (an aborted one has none), and a Destroy.
type Fault struct {
	Step  int
	Err   error // what the step returns
	After bool  // the step takes effect first; a commit then is in truth done
	Stays bool  // every later step fails too, as on a full or dead disk
}

// Faults is a store that fails where it is told to.
type Faults struct {
	store kv.Store

	mu    sync.Mutex
	fault Fault
	steps int
	bit   bool
}

// NewFaults wraps a store; nothing fails until Arm.
func NewFaults(store kv.Store) *Faults { return &Faults{store: store} }

// Arm sets the fault (the zero Fault: none) and counts steps from 0 again.
func (f *Faults) Arm(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.steps, f.bit = fault, 0, false
}

// Steps is how many steps were taken since Arm.
func (f *Faults) Steps() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.steps
}

// Bit tells whether the fault has struck. A test whose fault never bites proves nothing.
func (f *Faults) Bit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bit
}

// step counts one step and returns what it fails with before and after it takes effect.
func (f *Faults) step() (before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps++
	hit := f.fault.Step > 0 && (f.steps == f.fault.Step || f.fault.Stays && f.steps > f.fault.Step)
	switch {
	case !hit:
		return nil, nil
	case f.fault.After:
		f.bit = true
		return nil, f.fault.Err
	}
	f.bit = true
	return f.fault.Err, nil
}

// around runs one step.
func (f *Faults) around(do func() error) error {
	before, after := f.step()
	if before != nil {
		return before
	}
	if err := do(); err != nil {
		return err
	}
	return after
}

// View implements kv.Store.
func (f *Faults) View(ctx context.Context, tables []kv.Table, fn func(kv.Tx) error) error {
	before, after := f.step()
	if before != nil {
		return before
	}
	return f.store.View(ctx, tables, func(tx kv.Tx) error {
		if after != nil {
			return after
		}
		return fn(&faultyTx{f, tx})
	})
}

// Update implements kv.Store.
func (f *Faults) Update(ctx context.Context, durability kv.Durability, tables []kv.Table, fn func(kv.Tx) error) error {
	before, after := f.step()
	if before != nil {
		return before
	}
	var afterCommit error
	err := f.store.Update(ctx, durability, tables, func(tx kv.Tx) error {
		if after != nil {
			return after
		}
		if err := fn(&faultyTx{f, tx}); err != nil {
			return err
		}
		before, after := f.step()
		afterCommit = after
		return before
	})
	if err != nil {
		return err
	}
	return afterCommit
}

// Close implements kv.Store.
func (f *Faults) Close() error { return f.store.Close() }

// Destroy implements kv.Store.
func (f *Faults) Destroy(ctx context.Context) error {
	return f.around(func() error { return f.store.Destroy(ctx) })
}

type faultyTx struct {
	faults *Faults
	tx     kv.Tx
}

func (t *faultyTx) Get(table kv.Table, keys ...kv.Key) (values [][]byte, err error) {
	err = t.faults.around(func() error { values, err = t.tx.Get(table, keys...); return err })
	if err != nil {
		return nil, err
	}
	return values, nil
}

func (t *faultyTx) Scan(table kv.Table, span kv.Span, limit int, reverse bool) (entries []kv.Entry, err error) {
	err = t.faults.around(func() error { entries, err = t.tx.Scan(table, span, limit, reverse); return err })
	if err != nil {
		return nil, err
	}
	return entries, nil
}

func (t *faultyTx) Count(table kv.Table, span kv.Span) (n int, err error) {
	err = t.faults.around(func() error { n, err = t.tx.Count(table, span); return err })
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (t *faultyTx) Put(table kv.Table, key kv.Key, value []byte) error {
	return t.faults.around(func() error { return t.tx.Put(table, key, value) })
}

func (t *faultyTx) Delete(table kv.Table, spans ...kv.Span) error {
	return t.faults.around(func() error { return t.tx.Delete(table, spans...) })
}
