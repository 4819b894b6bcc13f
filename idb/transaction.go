//go:build js && wasm

package idb

import (
	"context"
	"fmt"
	"syscall/js"

	"github.com/lethe-im/lethe/sdk/kv"
)

// transaction is one IDBTransaction. It stays alive because Go runs everything that can run before it returns to the
// browser: between the answer to a read and the next request nothing else gets in.
type transaction struct {
	ctx      context.Context
	conn     *connection
	write    bool
	object   js.Value // IDBTransaction
	listener int
	tables   map[kv.Table]js.Value            // IDBObjectStore
	over     bool                             // fn has returned
	broken   error                            // a read was given up: its answer may still come, so no other can be asked for
	asked    map[kv.Table]map[kv.Key]js.Value // IDBRequests whose answers nobody has fetched …
	last     js.Value                         // … the last of them, while it has no answer

	answered chan struct{} // a read has its answer
	ended    chan struct{} // closed when the transaction has ended
	failure  error         // why it was aborted; nil if it is complete. Set before ended is closed
}

func newTransaction(ctx context.Context, conn *connection, write bool, durability kv.Durability, tables []kv.Table) (*transaction, error) {
	t := &transaction{ctx: ctx, conn: conn, write: write, tables: make(map[kv.Table]js.Value, len(tables)),
		asked: map[kv.Table]map[kv.Key]js.Value{}, answered: make(chan struct{}, 1), ended: make(chan struct{})}
	names := make([]any, len(tables))
	for i, table := range tables {
		names[i] = string(table)
	}
	err := try(func() {
		if write {
			t.object = conn.Call("transaction", names, "readwrite", map[string]any{"durability": hint(durability)})
		} else {
			t.object = conn.Call("transaction", names, "readonly")
		}
		for _, table := range tables {
			t.tables[table] = t.object.Call("objectStore", string(table))
		}
	})
	if err != nil {
		return nil, err
	}
	t.listener = listen(t.object, t.hear, "complete", "abort")
	return t, nil
}

func hint(durability kv.Durability) string {
	if durability == kv.Strict {
		return "strict"
	}
	return "relaxed"
}

// hear is called for the events of the transaction and of its reads.
func (t *transaction) hear(event string) {
	switch event {
	case "success":
		t.answered <- struct{}{}
		return
	case "abort":
		t.failure = t.abortion()
	}
	unlisten(t.object)
	close(t.ended)
}

// abortion is why the transaction was aborted. Without a reason of its own, and when we did not ask for it, it is the
// connection that was lost.
func (t *transaction) abortion() error {
	exception := t.object.Get("error")
	if exception.IsNull() {
		return fmt.Errorf("%w: %w", kv.ErrBroken, kv.ErrLost)
	}
	err := thrown(exception)
	if isNamed(err, aborted) || isNamed(err, invalidState) {
		return fmt.Errorf("%w: %w: %w", kv.ErrBroken, kv.ErrLost, err)
	}
	return err
}

// abort takes everything back; false if it is too late.
func (t *transaction) abort() bool {
	t.over = true
	return try(func() { t.object.Call("abort") }) == nil
}

// fail aborts because of fn's error and waits until that is done.
func (t *transaction) fail(err error) error {
	inTime := t.abort()
	select {
	case <-t.ended:
	case <-t.conn.gone:
	case <-t.ctx.Done():
	}
	if !inTime && t.complete() {
		// fn waited for something else, and the browser committed meanwhile.
		return fmt.Errorf("%w (and the writes before it stand: %w)", err, kv.ErrOver)
	}
	return err
}

func (t *transaction) complete() bool {
	select {
	case <-t.ended:
		return t.failure == nil
	default:
		return false
	}
}

// hasCommit: commit() saves the browser a round trip; without it a transaction commits when it has no more requests.
var hasCommit = js.Global().Get("IDBTransaction").Truthy() &&
	js.Global().Get("IDBTransaction").Get("prototype").Get("commit").Truthy()

// commit commits and waits until that is done: only complete proves it.
func (t *transaction) commit() error {
	t.over = true
	if hasCommit {
		// It throws when the transaction has ended already; how, is seen below.
		_ = try(func() { t.object.Call("commit") })
	}
	select {
	case <-t.ended:
		return t.failure
	case <-t.conn.gone: // it may have been committed before
		return fmt.Errorf("%w: %w", kv.ErrUnknown, kv.ErrLost)
	case <-t.ctx.Done():
		return unknown(t.ctx)
	}
}

// table is the IDBObjectStore for one call.
func (t *transaction) table(name kv.Table) (js.Value, error) {
	if t.over {
		return js.Value{}, kv.ErrOver
	}
	if t.broken != nil {
		return js.Value{}, t.broken
	}
	object, ok := t.tables[name]
	if !ok {
		return js.Value{}, fmt.Errorf("%w: %s", kv.ErrTable, name)
	}
	return object, nil
}

// wait waits for the answer to the last of the reads asked for; requests are answered in order, so the others have
// theirs by then.
func (t *transaction) wait(request js.Value) error {
	request.Set(listenerNumber, t.listener)
	request.Set("onsuccess", dispatch)
	t.last = js.Undefined()
	return t.waitAgain()
}

// waitAgain waits for the next answer to the same request: a cursor's.
func (t *transaction) waitAgain() error {
	select {
	case <-t.answered:
		return nil
	case <-t.ended:
		if t.failure == nil {
			return kv.ErrOver
		}
		return t.failure
	case <-t.conn.gone:
		t.broken = fmt.Errorf("%w: %w", kv.ErrBroken, kv.ErrLost)
		return t.broken
	case <-t.ctx.Done():
		t.broken = unknown(t.ctx)
		return t.broken
	}
}
