package kvtest

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
)

// The cases about records: reading, writing, keys and values.

func text(k kv.Key) string { return strconv.FormatUint(uint64(k), 10) }

func span(from, to kv.Key) kv.Span { return kv.Span{From: from, To: to} }

func get(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1, 2, 300)...)
	require.Equal(t, [][]byte{[]byte("300"), nil, []byte("1"), []byte("300")}, read(t, store, A, 300, 7, 1, 300))
	require.Empty(t, read(t, store, A))
	require.Equal(t, [][]byte{nil}, read(t, store, B, 1), "tables are apart")
	put(t, store, A, kv.Entry{Key: 2, Value: []byte("new")})
	require.Equal(t, [][]byte{[]byte("new")}, read(t, store, A, 2))
}

// ask: a hint changes no answer, whatever becomes of what was asked for.
func ask(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1, 2, 3)...)
	put(t, store, B, numbered(1, 2)...)
	is := func(tx kv.Tx, table kv.Table, key kv.Key, want string) {
		got, err := tx.Get(table, key)
		require.NoError(t, err)
		require.Equal(t, want, string(got[0]), "%s %d", table, key)
	}
	require.NoError(t, store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
		tx.Ask(A, 1, 2, 1)
		tx.Ask(A)
		tx.Ask(B, 1, 2)
		tx.Ask(A, kv.MaxKey+1)
		tx.Ask("none", 1)
		is(tx, B, 1, "1")
		got, err := tx.Get(A, 2, 7, 1, 2)
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("2"), nil, []byte("1"), []byte("2")}, got)
		is(tx, A, 2, "2")
		_, err = tx.Get(A, kv.MaxKey+1)
		require.ErrorIs(t, err, kv.ErrKey)
		_, err = tx.Get("none", 1)
		require.ErrorIs(t, err, kv.ErrTable)

		tx.Ask(A, 1, 2, 3)
		require.NoError(t, tx.Put(A, 1, []byte("new")))
		is(tx, A, 1, "new")
		tx.Ask(A, 1, 2, 3)
		tx.Ask(B, 2)
		require.NoError(t, tx.Delete(A, span(2, 2)))
		is(tx, B, 2, "2")
		is(tx, A, 3, "3")
		is(tx, A, 2, "")
		return nil
	}))
	require.NoError(t, store.View(background, Tables, func(tx kv.Tx) error {
		tx.Ask(A, 1, 3)
		got, err := tx.Scan(B, kv.All, 0, false)
		require.NoError(t, err)
		require.Len(t, got, 2)
		is(tx, A, 1, "new")
		is(tx, A, 3, "3")
		return nil
	}))
	require.NoError(t, store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
		tx.Ask(A, 1) // and never wants it
		return tx.Put(B, 3, nil)
	}))
	require.Equal(t, 3, size(t, store, B, kv.All))
}

func scans(t *testing.T, store kv.Store) {
	require.Empty(t, scan(t, store, A, kv.All, 0, false))
	require.Empty(t, scan(t, store, A, kv.All, 3, true))
	all := numbered(0, 1, 5, 9, 1<<40, kv.MaxKey)
	put(t, store, A, numbered(9, kv.MaxKey, 1, 0, 1<<40, 5)...)
	spans := []kv.Span{kv.All, span(0, 0), span(1, 9), span(2, 8), span(6, 8), span(9, 1), span(5, 5),
		span(10, kv.MaxKey), span(kv.MaxKey, kv.MaxKey), span(2, 1<<64-1), span(1<<64-2, 1<<64-1)}
	for _, within := range spans {
		var want []kv.Entry
		for _, e := range all {
			if e.Key >= within.From && e.Key <= within.To {
				want = append(want, e)
			}
		}
		for _, limit := range []int{0, 1, 2, 5, 100} {
			rising, falling := slices.Clone(want), slices.Clone(want)
			slices.Reverse(falling)
			if limit > 0 && len(want) > limit {
				rising, falling = rising[:limit], falling[:limit]
			}
			same(t, rising, scan(t, store, A, within, limit, false), "%v limit %d", within, limit)
			same(t, falling, scan(t, store, A, within, limit, true), "%v limit %d reverse", within, limit)
		}
		require.Equal(t, len(want), size(t, store, A, within), "%v", within)
	}
}

func same(t *testing.T, want, got []kv.Entry, format string, args ...any) {
	t.Helper()
	require.Len(t, got, len(want), append([]any{format}, args...)...)
	for i := range want {
		require.Equal(t, want[i], got[i], append([]any{format}, args...)...)
	}
}

// longScan is longer than any slice in which a store may read.
func longScan(t *testing.T, store kv.Store) {
	var all []kv.Entry
	for k := kv.Key(0); k < 5000; k++ {
		all = append(all, kv.Entry{Key: k * 3, Value: []byte(text(k))})
	}
	put(t, store, A, all...)
	same(t, all, scan(t, store, A, kv.All, 0, false), "whole")
	same(t, all[1:4097], scan(t, store, A, span(1, 1<<40), 4096, false), "limited")
	slices.Reverse(all)
	same(t, all, scan(t, store, A, kv.All, 0, true), "whole, reverse")
	same(t, all[:4096], scan(t, store, A, kv.All, 4096, true), "limited, reverse")
	require.Equal(t, 5000, size(t, store, A, kv.All))
}

func count(t *testing.T, store kv.Store) {
	require.Equal(t, 0, size(t, store, A, kv.All))
	put(t, store, A, numbered(1, 2, 3)...)
	require.Equal(t, 3, size(t, store, A, kv.All))
	require.Equal(t, 2, size(t, store, A, span(2, 3)))
	require.Equal(t, 0, size(t, store, B, kv.All))
}

func deletes(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, kv.MaxKey)...)
	put(t, store, B, numbered(1)...)
	remove(t, store, A)
	remove(t, store, A, span(20, 30), span(9, 1))
	require.Equal(t, 11, size(t, store, A, kv.All))
	remove(t, store, A, span(1, 2), span(2, 3), span(9, 9))
	same(t, numbered(0, 4, 5, 6, 7, 8, kv.MaxKey), scan(t, store, A, kv.All, 0, false), "spans")
	remove(t, store, A, span(7, 1<<64-1))
	same(t, numbered(0, 4, 5, 6), scan(t, store, A, kv.All, 0, false), "to the end")
	remove(t, store, A, kv.All)
	require.Equal(t, 0, size(t, store, A, kv.All))
	require.Equal(t, 1, size(t, store, B, kv.All), "the other table is untouched")
}

func keyRange(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(0, 1<<32, 1<<53-2, kv.MaxKey)...)
	require.Equal(t, [][]byte{[]byte(text(kv.MaxKey)), []byte(text(kv.MaxKey - 1)), []byte("0")},
		read(t, store, A, kv.MaxKey, kv.MaxKey-1, 0))
	for _, key := range []kv.Key{kv.MaxKey + 1, kv.MaxKey + 2, 1<<64 - 1} {
		require.ErrorIs(t, store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
			return tx.Put(A, key, nil)
		}), kv.ErrKey)
		require.ErrorIs(t, store.View(background, Tables, func(tx kv.Tx) error {
			_, err := tx.Get(A, 0, key)
			return err
		}), kv.ErrKey)
	}
	require.Equal(t, 4, size(t, store, A, kv.All))
}

func values(t *testing.T, store kv.Store) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	put(t, store, A, kv.Entry{Key: 1}, kv.Entry{Key: 2, Value: []byte{}}, kv.Entry{Key: 3, Value: every})
	got := read(t, store, A, 1, 2, 3, 4)
	require.NotNil(t, got[0], "an empty value is not an absent one")
	require.Empty(t, got[0])
	require.NotNil(t, got[1])
	require.Empty(t, got[1])
	require.Equal(t, every, got[2])
	require.Nil(t, got[3])
	entries := scan(t, store, A, kv.All, 0, false)
	require.Len(t, entries, 3)
	require.NotNil(t, entries[0].Value)

	// What was read is the caller's to change.
	for i := range got[2] {
		got[2][i] = 0
	}
	for i := range entries[2].Value {
		entries[2].Value[i] = 0
	}
	require.Equal(t, every, read(t, store, A, 3)[0])
	_ = append(got[2], 1)
	same(t, []kv.Entry{{Key: 3, Value: every}}, scan(t, store, A, span(3, 3), 0, false), "kept")
}

func bigValues(t *testing.T, store kv.Store) {
	rng := rand.NewChaCha8([32]byte{1})
	var all []kv.Entry
	for i, n := range []int{1 << 20, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 3 << 20} {
		value := make([]byte, n)
		_, err := rng.Read(value)
		require.NoError(t, err)
		all = append(all, kv.Entry{Key: kv.Key(i), Value: value})
	}
	put(t, store, A, all...)
	for i, e := range scan(t, store, A, kv.All, 0, false) {
		require.True(t, bytes.Equal(all[i].Value, e.Value))
	}
	got := read(t, store, A, 5, 0)
	require.True(t, bytes.Equal(all[5].Value, got[0]) && bytes.Equal(all[0].Value, got[1]))
	remove(t, store, A, kv.All)
	require.Empty(t, scan(t, store, A, kv.All, 0, false))
}

func readYourWrites(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1, 2, 3, 4)...)
	require.NoError(t, store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
		require.NoError(t, tx.Put(A, 2, []byte("two")))
		require.NoError(t, tx.Put(A, 9, []byte("nine")))
		require.NoError(t, tx.Delete(A, span(3, 4)))
		got, err := tx.Get(A, 1, 2, 3, 9)
		require.NoError(t, err)
		require.Equal(t, [][]byte{[]byte("1"), []byte("two"), nil, []byte("nine")}, got)
		entries, err := tx.Scan(A, kv.All, 2, true)
		require.NoError(t, err)
		require.Equal(t, []kv.Entry{{Key: 9, Value: []byte("nine")}, {Key: 2, Value: []byte("two")}}, entries)
		n, err := tx.Count(A, kv.All)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.NoError(t, tx.Put(A, 3, []byte("again")))
		require.NoError(t, tx.Delete(A, span(9, 9)))
		return nil
	}))
	require.Equal(t, [][]byte{[]byte("1"), []byte("two"), []byte("again"), nil, nil}, read(t, store, A, 1, 2, 3, 4, 9))
}

// longTransaction reads, computes and writes by turns: the transaction must stay alive between.
func longTransaction(t *testing.T, store kv.Store) {
	put(t, store, A, kv.Entry{Key: 1, Value: make([]byte, 64<<10)})
	require.NoError(t, store.Update(background, kv.Strict, Tables, func(tx kv.Tx) error {
		for i := range kv.Key(20) {
			got, err := tx.Get(A, i+1)
			if err != nil {
				return err
			}
			value := got[0]
			for range 20 { // some milliseconds of work, with garbage
				value = bytes.Clone(value)
				for j := range value {
					value[j] = value[j]*31 + byte(i)
				}
			}
			if err := tx.Put(A, i+2, value); err != nil {
				return err
			}
			if _, err := tx.Count(B, kv.All); err != nil {
				return err
			}
		}
		return nil
	}))
	require.Equal(t, 21, size(t, store, A, kv.All))
}
