package kvtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
)

// The cases about endings: contexts that end, stores that close and databases that go.

func cancelledBefore(t *testing.T, store kv.Store) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	never := func(kv.Tx) error { t.Error("fn must not run"); return nil }
	err := store.Update(ctx, kv.Strict, Tables, never)
	require.ErrorIs(t, err, kv.ErrUnknown)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, store.View(ctx, Tables, never), kv.ErrUnknown)
	require.Equal(t, 0, size(t, store, A, kv.All))
}

func cancelledInside(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1)...)
	ctx, cancel := context.WithCancel(background)
	err := store.Update(ctx, kv.Strict, Tables, func(tx kv.Tx) error {
		require.NoError(t, tx.Put(A, 2, []byte("2")))
		cancel()
		return nil
	})
	if err != nil {
		require.ErrorIs(t, err, kv.ErrUnknown)
	}
	there := read(t, store, A, 2)[0] != nil
	require.True(t, there || err != nil, "a false nil")

	ctx, cancel = context.WithCancel(background)
	err = store.View(ctx, Tables, func(tx kv.Tx) error {
		cancel()
		got, err := tx.Get(A, 1)
		if err == nil {
			require.Equal(t, [][]byte{[]byte("1")}, got)
		}
		return err
	})
	if err != nil {
		require.ErrorIs(t, err, kv.ErrUnknown)
	}
	put(t, store, A, numbered(3)...) // nothing hangs behind it
}

// cancelledAnywhere ends the context at many moments: a nil error always means that it is there, and an error that fn
// returned means that it is not.
func cancelledAnywhere(t *testing.T, store kv.Store) {
	succeeded, failed := 0, 0
	for i := range kv.Key(120) {
		ctx, cancel := context.WithTimeout(background, time.Duration(i)*40*time.Microsecond)
		fromFn := false
		err := store.Update(ctx, kv.Strict, Tables, func(tx kv.Tx) error {
			for range 3 {
				if _, err := tx.Get(A, i); err != nil {
					fromFn = true
					return err
				}
			}
			return tx.Put(A, i, []byte("x"))
		})
		cancel()
		there := read(t, store, A, i)[0] != nil
		switch {
		case err == nil:
			succeeded++
			require.True(t, there, "a false nil")
		case fromFn:
			failed++
			require.False(t, there, "fn failed, and yet it is there")
			require.ErrorIs(t, err, kv.ErrUnknown)
		default:
			failed++
			require.ErrorIs(t, err, kv.ErrUnknown)
		}
	}
	require.NotZero(t, failed)
	t.Logf("%d succeeded, %d ended first", succeeded, failed)
}

func closes(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1)...)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
	never := func(kv.Tx) error { t.Error("fn must not run"); return nil }
	require.ErrorIs(t, store.View(background, Tables, never), kv.ErrClosed)
	require.ErrorIs(t, store.Update(background, kv.Strict, Tables, never), kv.ErrClosed)
}

func closeUnderWay(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1)...)
	inside, results := make(chan struct{}), make(chan error, 1)
	go func() {
		results <- store.Update(background, kv.Relaxed, Tables, func(tx kv.Tx) error {
			close(inside)
			for range 50 {
				if _, err := tx.Get(A, 1); err != nil {
					return err
				}
			}
			return tx.Put(A, 2, nil)
		})
	}()
	<-inside
	require.NoError(t, store.Close())
	if err := <-results; err != nil {
		require.ErrorIs(t, err, kv.ErrClosed)
	}
}

func destroys(t *testing.T, store kv.Store) {
	put(t, store, A, numbered(1)...)
	require.NoError(t, store.Destroy(background))
	require.NoError(t, store.Destroy(background), "again")
	require.NoError(t, store.Close(), "and closed")
	err := store.View(background, Tables, func(kv.Tx) error { return errors.New("fn must not run") })
	require.ErrorIs(t, err, kv.ErrClosed)
}
