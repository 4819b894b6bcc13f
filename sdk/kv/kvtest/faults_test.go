package kvtest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
)

// move is a transaction of five steps: begin, Get, Put, Delete, commit.
func move(store kv.Store) error {
	return store.Update(context.Background(), kv.Strict, []kv.Table{A}, func(tx kv.Tx) error {
		v, err := tx.Get(A, 1)
		if err != nil {
			return err
		}
		if err := tx.Put(A, 2, v[0]); err != nil {
			return err
		}
		return tx.Delete(A, kv.Span{From: 1, To: 1})
	})
}

func keys(t *testing.T, store kv.Store) (keys []kv.Key) {
	t.Helper()
	for _, e := range scan(t, store, A, kv.All, 0, false) {
		keys = append(keys, e.Key)
	}
	return keys
}

func prepared(t *testing.T) (*kv.Memory, *Faults) {
	store := kv.NewMemory(Tables...)
	put(t, store, A, kv.Entry{Key: 1, Value: []byte("x")})
	return store, NewFaults(store)
}

func TestFaultsPassThroughAndCount(t *testing.T) {
	Contract(t, func(*testing.T) kv.Store { return NewFaults(kv.NewMemory(Tables...)) })
	store, faults := prepared(t)
	require.NoError(t, move(faults))
	require.Equal(t, 5, faults.Steps())
	require.False(t, faults.Bit())
	require.Equal(t, []kv.Key{2}, keys(t, store))
}

func TestFaultAtEveryStep(t *testing.T) {
	const steps = 5
	for step := 1; step <= steps; step++ {
		for _, after := range []bool{false, true} {
			store, faults := prepared(t)
			faults.Arm(Fault{Step: step, Err: kv.ErrFull, After: after})
			require.ErrorIs(t, move(faults), kv.ErrFull)
			require.True(t, faults.Bit())
			require.Equal(t, step, faults.Steps(), "nothing runs behind a failed step")
			want := kv.Key(1)
			if step == steps && after {
				want = 2 // the commit took effect although it said no
			}
			require.Equal(t, []kv.Key{want}, keys(t, store), "step %d after %v", step, after)
			if want == 1 {
				require.NoError(t, move(faults), "a fault strikes once")
			}
		}
	}
	_, faults := prepared(t)
	faults.Arm(Fault{Step: steps + 1, Err: kv.ErrFull})
	require.NoError(t, move(faults))
	require.False(t, faults.Bit())
}

func TestFaultThatStays(t *testing.T) {
	_, faults := prepared(t)
	faults.Arm(Fault{Step: 2, Err: kv.ErrFull, Stays: true})
	for range 3 {
		require.ErrorIs(t, move(faults), kv.ErrFull)
	}
	require.ErrorIs(t, faults.Destroy(context.Background()), kv.ErrFull)
	faults.Arm(Fault{})
	require.NoError(t, move(faults))
	require.NoError(t, faults.Destroy(context.Background()))
}

func TestFaultsInViews(t *testing.T) {
	for step := 1; step <= 3; step++ {
		for _, after := range []bool{false, true} {
			_, faults := prepared(t)
			faults.Arm(Fault{Step: step, Err: kv.ErrLost, After: after})
			ran := false
			err := faults.View(context.Background(), []kv.Table{A}, func(tx kv.Tx) error {
				ran = true
				entries, err := tx.Scan(A, kv.All, 0, false)
				if err != nil {
					require.Nil(t, entries)
					return err
				}
				n, err := tx.Count(A, kv.All)
				if err != nil {
					require.Zero(t, n)
				}
				return err
			})
			require.ErrorIs(t, err, kv.ErrLost)
			require.True(t, faults.Bit())
			require.Equal(t, step > 1, ran)
		}
	}
}

func TestFaultsKeepTheCallersError(t *testing.T) {
	_, faults := prepared(t)
	mine := errors.New("mine")
	err := faults.Update(context.Background(), kv.Relaxed, []kv.Table{A}, func(kv.Tx) error { return mine })
	require.True(t, err == mine)
	require.Equal(t, 1, faults.Steps(), "an aborted update has no commit")
}
