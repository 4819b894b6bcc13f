package kvtest

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
)

// The cases about transactions: all or nothing, one after the other, and only where they are allowed.

func abort(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1, 2)...)
	mine := errors.New("mine")
	for _, readFirst := range []bool{true, false} {
		err := store.Update(background, kv.Strict, Tables, func(tx kv.Tx) error {
			if readFirst {
				_, err := tx.Get(A, 1)
				require.NoError(t, err)
			}
			require.NoError(t, tx.Put(A, 1, []byte("changed")))
			require.NoError(t, tx.Put(B, 3, []byte("new")))
			require.NoError(t, tx.Delete(A, kv.Span{From: 2, To: 2}))
			return mine
		})
		require.True(t, err == mine, "the error comes back as it is, not %v", err)
		same(t, numbered(1, 2), scan(t, store, A, kv.All, 0, false), "unchanged")
		require.Equal(t, 0, size(t, store, B, kv.All))
	}
	require.True(t, store.View(background, Tables, func(kv.Tx) error { return mine }) == mine)
	require.NoError(t, store.Update(background, kv.Strict, Tables, func(kv.Tx) error { return nil }))
	put(t, store, A, numbered(3)...)
}

func panics(t *testing.T, store kv.Store) {
	require.PanicsWithValue(t, "oops", func() {
		_ = store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
			require.NoError(t, tx.Put(A, 1, nil))
			panic("oops")
		})
	})
	require.PanicsWithValue(t, "oops", func() {
		_ = store.View(background, Tables, func(kv.Tx) error { panic("oops") })
	})
	put(t, store, B, numbered(1)...)
	require.Equal(t, 0, size(t, store, A, kv.All), "a panic aborts")
}

func tables(t *testing.T, store kv.Store) {
	none := func(kv.Tx) error { t.Error("fn must not run"); return nil }
	for _, wrong := range [][]kv.Table{nil, {"c"}, {A, "c"}} {
		require.ErrorIs(t, store.View(background, wrong, none), kv.ErrTable)
		require.ErrorIs(t, store.Update(background, kv.Relaxed, wrong, none), kv.ErrTable)
	}
	ran := 0
	use := func(tx kv.Tx) error {
		ran++
		_, err := tx.Get(B, 1)
		require.ErrorIs(t, err, kv.ErrTable)
		_, err = tx.Scan(B, kv.All, 0, false)
		require.ErrorIs(t, err, kv.ErrTable)
		_, err = tx.Count(B, kv.All)
		require.ErrorIs(t, err, kv.ErrTable)
		return nil
	}
	require.NoError(t, store.View(background, []kv.Table{A}, use))
	require.NoError(t, store.Update(background, kv.Relaxed, []kv.Table{A, A}, func(tx kv.Tx) error {
		require.ErrorIs(t, tx.Put(B, 1, nil), kv.ErrTable)
		require.ErrorIs(t, tx.Delete(B, kv.All), kv.ErrTable)
		return use(tx)
	}))
	require.Equal(t, 2, ran)
}

func readOnly(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1)...)
	require.NoError(t, store.View(background, Tables, func(tx kv.Tx) error {
		require.ErrorIs(t, tx.Put(A, 2, nil), kv.ErrReadOnly)
		require.ErrorIs(t, tx.Delete(A, kv.All), kv.ErrReadOnly)
		n, err := tx.Count(A, kv.All)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return nil
	}))
	require.Equal(t, 1, size(t, store, A, kv.All))
}

func over(t *testing.T, store kv.Store) {
	mine := errors.New("mine")
	for _, result := range []error{nil, mine} {
		var kept []kv.Tx
		keep := func(tx kv.Tx) error { kept = append(kept, tx); return result }
		require.Equal(t, result, store.View(background, Tables, keep))
		require.Equal(t, result, store.Update(background, kv.Relaxed, Tables, keep))
		for _, tx := range kept {
			tx.Ask(A, 1)
			_, err := tx.Get(A, 1)
			require.ErrorIs(t, err, kv.ErrOver)
			_, err = tx.Scan(A, kv.All, 0, false)
			require.ErrorIs(t, err, kv.ErrOver)
			_, err = tx.Count(A, kv.All)
			require.ErrorIs(t, err, kv.ErrOver)
			require.ErrorIs(t, tx.Put(A, 1, nil), kv.ErrOver)
			require.ErrorIs(t, tx.Delete(A, kv.All), kv.ErrOver)
		}
	}
}

// increment adds one to the number under the key.
func increment(tx kv.Tx, table kv.Table, key kv.Key) error {
	got, err := tx.Get(table, key)
	if err != nil {
		return err
	}
	n := uint64(0)
	if got[0] != nil {
		n = binary.BigEndian.Uint64(got[0])
	}
	return tx.Put(table, key, binary.BigEndian.AppendUint64(nil, n+1))
}

func number(t *testing.T, store kv.Store, table kv.Table, key kv.Key) uint64 {
	t.Helper()
	value := read(t, store, table, key)[0]
	require.NotNil(t, value)
	return binary.BigEndian.Uint64(value)
}

// together runs fn on n goroutines and waits for them.
func together(n int, fn func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { fn(i) })
	}
	group.Wait()
}

func counter(t *testing.T, store kv.Store) {
	const workers, times = 16, 15
	mine := errors.New("mine")
	together(workers, func(i int) {
		for j := range times {
			failing := (i+j)%5 == 0
			err := store.Update(background, kv.Relaxed, []kv.Table{A}, func(tx kv.Tx) error {
				if err := increment(tx, A, 1); err != nil || !failing {
					return err
				}
				return mine
			})
			if failing != (err == mine) || !failing && err != nil {
				t.Errorf("update %d of %d: %v", j, i, err)
			}
		}
	})
	require.EqualValues(t, workers*times*4/5, number(t, store, A, 1))
}

func disjoint(t *testing.T, store kv.Store) {
	together(8, func(i int) {
		table := Tables[i%2]
		for range 10 {
			err := store.Update(background, kv.Relaxed, []kv.Table{table}, func(tx kv.Tx) error {
				return increment(tx, table, 7)
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	require.EqualValues(t, 40, number(t, store, A, 7))
	require.EqualValues(t, 40, number(t, store, B, 7))
}

// pair keeps two numbers in two tables equal: no reader may ever see them differ.
func pair(t *testing.T, store kv.Store) {
	put(t, store, A, kv.Entry{Key: 1, Value: make([]byte, 8)})
	put(t, store, B, kv.Entry{Key: 1, Value: make([]byte, 8)})
	together(8, func(i int) {
		for range 15 {
			var err error
			if i%2 == 0 {
				err = store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
					return errors.Join(increment(tx, A, 1), increment(tx, B, 1))
				})
			} else {
				err = store.View(background, Tables, func(tx kv.Tx) error {
					a, errA := tx.Get(A, 1)
					b, errB := tx.Scan(B, kv.All, 0, false)
					if err := errors.Join(errA, errB); err != nil {
						return err
					}
					if string(a[0]) != string(b[0].Value) {
						return errors.New("half an update is visible")
					}
					return nil
				})
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	require.EqualValues(t, 60, number(t, store, A, 1))
}

func unchangingView(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1, 2, 3)...)
	started, written := make(chan struct{}), make(chan error, 1)
	go func() {
		<-started
		written <- store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
			return errors.Join(tx.Put(A, 2, []byte("changed")), tx.Put(A, 4, nil), tx.Delete(A, kv.Span{From: 1, To: 1}))
		})
	}()
	require.NoError(t, store.View(background, Tables, func(tx kv.Tx) error {
		close(started)
		for range 200 {
			entries, err := tx.Scan(A, kv.All, 0, false)
			require.NoError(t, err)
			require.Equal(t, numbered(1, 2, 3), entries)
		}
		return nil
	}))
	require.NoError(t, <-written)
	require.Equal(t, [][]byte{nil, []byte("changed"), []byte("3"), {}}, read(t, store, A, 1, 2, 3, 4))
}

func manyReaders(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1, 2, 3, 4, 5)...)
	together(64, func(i int) {
		err := store.View(background, Tables, func(tx kv.Tx) error {
			for range 5 {
				got, err := tx.Get(A, kv.Key(i%5+1))
				if err != nil {
					return err
				}
				if string(got[0]) != text(kv.Key(i%5+1)) {
					return errors.New("another key's value")
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
