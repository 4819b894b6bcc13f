package kv_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

func TestMemory(t *testing.T) {
	kvtest.Contract(t, func(*testing.T) kv.Store { return kv.NewMemory(kvtest.Tables...) })
}

func TestMemoryReopen(t *testing.T) {
	ctx := context.Background()
	first := kv.NewMemory("a")
	write := func(s kv.Store, key kv.Key) error {
		return s.Update(ctx, kv.Strict, []kv.Table{"a"}, func(tx kv.Tx) error { return tx.Put("a", key, nil) })
	}
	count := func(s kv.Store) (n int) {
		require.NoError(t, s.View(ctx, []kv.Table{"a"}, func(tx kv.Tx) (err error) {
			n, err = tx.Count("a", kv.All)
			return err
		}))
		return n
	}
	require.NoError(t, write(first, 1))
	second := first.Reopen()
	require.NoError(t, write(second, 2))
	require.Equal(t, 2, count(first), "two tabs, one database")

	require.NoError(t, first.Close())
	third := first.Reopen()
	require.Equal(t, 2, count(third), "a later page load")

	require.NoError(t, second.Destroy(ctx))
	require.ErrorIs(t, write(third, 3), kv.ErrLost)
	require.Equal(t, 0, count(third.Reopen()))
}

func TestMemoryDestroyedUnderAnUpdate(t *testing.T) {
	ctx := context.Background()
	store := kv.NewMemory("a")
	inside, destroyed := make(chan struct{}), make(chan error, 1)
	go func() {
		<-inside
		destroyed <- store.Reopen().Destroy(ctx)
	}()
	require.NoError(t, store.Update(ctx, kv.Strict, []kv.Table{"a"}, func(tx kv.Tx) error {
		close(inside)
		return tx.Put("a", 1, nil)
	}))
	require.NoError(t, <-destroyed)
	require.ErrorIs(t, store.View(ctx, []kv.Table{"a"}, func(kv.Tx) error { return nil }), kv.ErrLost)
}

func TestMemoryCopy(t *testing.T) {
	ctx := context.Background()
	first := kv.NewMemory("a")
	put := func(s kv.Store, key kv.Key) {
		require.NoError(t, s.Update(ctx, kv.Strict, []kv.Table{"a"}, func(tx kv.Tx) error { return tx.Put("a", key, nil) }))
	}
	keys := func(s kv.Store) (keys []kv.Key) {
		require.NoError(t, s.View(ctx, []kv.Table{"a"}, func(tx kv.Tx) error {
			entries, err := tx.Scan("a", kv.All, 0, false)
			for _, e := range entries {
				keys = append(keys, e.Key)
			}
			return err
		}))
		return keys
	}
	put(first, 1)
	second := first.Copy()
	put(first, 2)
	put(second, 3)
	require.Equal(t, []kv.Key{1, 2}, keys(first))
	require.Equal(t, []kv.Key{1, 3}, keys(second))
}
