// Package kvtest holds what tests of stores, and tests on stores, share: the contract suite of kv and a fault injector.
package kvtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
)

// The tables of a store under test.
const (
	A kv.Table = "a"
	B kv.Table = "b"
)

// Tables are the tables that Contract wants.
var Tables = []kv.Table{A, B}

// Contract checks every sentence of kv's contract. open gives a new, empty store with Tables.
func Contract(t *testing.T, open func(t *testing.T) kv.Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, store kv.Store)
	}{
		{"get", get},
		{"ask", ask},
		{"scan", scans},
		{"count", count},
		{"delete", deletes},
		{"longest scan", longScan},
		{"keys", keyRange},
		{"values", values},
		{"big values", bigValues},
		{"read your writes", readYourWrites},
		{"long transaction", longTransaction},

		{"abort", abort},
		{"panic", panics},
		{"tables", tables},
		{"read-only", readOnly},
		{"over", over},
		{"counter", counter},
		{"disjoint", disjoint},
		{"pair", pair},
		{"unchanging view", unchangingView},
		{"many readers", manyReaders},

		{"cancelled before", cancelledBefore},
		{"cancelled inside", cancelledInside},
		{"cancelled anywhere", cancelledAnywhere},
		{"close", closes},
		{"close under way", closeUnderWay},
		{"destroy", destroys},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() { require.NoError(t, store.Destroy(context.Background())) })
			c.run(t, store)
		})
	}
}

var background = context.Background()

// put writes entries in one transaction.
func put(t *testing.T, store kv.Store, table kv.Table, entries ...kv.Entry) {
	t.Helper()
	require.NoError(t, store.Update(background, kv.Relaxed, []kv.Table{table}, func(tx kv.Tx) error {
		for _, e := range entries {
			if err := tx.Put(table, e.Key, e.Value); err != nil {
				return err
			}
		}
		return nil
	}))
}

// remove deletes spans in one transaction.
func remove(t *testing.T, store kv.Store, table kv.Table, spans ...kv.Span) {
	t.Helper()
	require.NoError(t, store.Update(background, kv.Strict, []kv.Table{table}, func(tx kv.Tx) error {
		return tx.Delete(table, spans...)
	}))
}

func scan(t *testing.T, store kv.Store, table kv.Table, span kv.Span, limit int, reverse bool) (entries []kv.Entry) {
	t.Helper()
	require.NoError(t, store.View(background, []kv.Table{table}, func(tx kv.Tx) (err error) {
		entries, err = tx.Scan(table, span, limit, reverse)
		return err
	}))
	return entries
}

func read(t *testing.T, store kv.Store, table kv.Table, keys ...kv.Key) (values [][]byte) {
	t.Helper()
	require.NoError(t, store.View(background, []kv.Table{table}, func(tx kv.Tx) (err error) {
		values, err = tx.Get(table, keys...)
		return err
	}))
	return values
}

func size(t *testing.T, store kv.Store, table kv.Table, span kv.Span) (n int) {
	t.Helper()
	require.NoError(t, store.View(background, []kv.Table{table}, func(tx kv.Tx) (err error) {
		n, err = tx.Count(table, span)
		return err
	}))
	return n
}

// numbered makes entries whose value is their key's decimal text.
func numbered(keys ...kv.Key) (entries []kv.Entry) {
	for _, k := range keys {
		entries = append(entries, kv.Entry{Key: k, Value: []byte(text(k))})
	}
	return entries
}
