package kvtest

import (
	"context"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/sdk/kv"
)

// Fault says what goes wrong. Steps are: the begin of a transaction, each call on it, the commit of an update (an aborted one
// has none), and a Destroy. A commit that fails after it took effect is in truth done.
type Fault = fault.Fault

// Faults is a store that fails where its Counter is told to. Another injector may have the same Counter.
type Faults struct {
	*fault.Counter
	store kv.Store
}

// NewFaults wraps a store; nothing fails until Arm.
func NewFaults(store kv.Store) *Faults { return &Faults{&fault.Counter{}, store} }

// View implements kv.Store.
func (f *Faults) View(ctx context.Context, tables []kv.Table, fn func(kv.Tx) error) error {
	before, after := f.Next()
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
	before, after := f.Next()
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
		before, after := f.Next()
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
	return f.Around(func() error { return f.store.Destroy(ctx) })
}

type faultyTx struct {
	faults *Faults
	tx     kv.Tx
}

func (t *faultyTx) Get(table kv.Table, keys ...kv.Key) (values [][]byte, err error) {
	err = t.faults.Around(func() error { values, err = t.tx.Get(table, keys...); return err })
	if err != nil {
		return nil, err
	}
	return values, nil
}

// Ask is no step: it answers nothing.
func (t *faultyTx) Ask(table kv.Table, keys ...kv.Key) { t.tx.Ask(table, keys...) }

func (t *faultyTx) Scan(table kv.Table, span kv.Span, limit int, reverse bool) (entries []kv.Entry, err error) {
	err = t.faults.Around(func() error { entries, err = t.tx.Scan(table, span, limit, reverse); return err })
	if err != nil {
		return nil, err
	}
	return entries, nil
}

func (t *faultyTx) Count(table kv.Table, span kv.Span) (n int, err error) {
	err = t.faults.Around(func() error { n, err = t.tx.Count(table, span); return err })
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (t *faultyTx) Put(table kv.Table, key kv.Key, value []byte) error {
	return t.faults.Around(func() error { return t.tx.Put(table, key, value) })
}

func (t *faultyTx) Delete(table kv.Table, spans ...kv.Span) error {
	return t.faults.Around(func() error { return t.tx.Delete(table, spans...) })
}
