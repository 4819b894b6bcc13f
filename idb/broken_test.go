//go:build js && wasm

package idb

import (
	"syscall/js"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

// breaking aborts the transaction as if the browser had, for that reason; the abort is real.
func breaking(tx kv.Tx, name, message string) {
	object := tx.(*transaction).object
	js.Global().Get("Object").Call("defineProperty", object, "error", map[string]any{"value": domException(name, message)})
	object.Call("abort")
}

// A connection on which the browser fails for reasons of its own is not used again: the next transaction has another, and finds
// all that was committed.
func TestBrokenConnections(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	require.NoError(t, put(s, 1))
	first, err := s.(*store).current()
	require.NoError(t, err)
	err = s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		require.NoError(t, tx.Put(kvtest.A, 2, nil))
		breaking(tx, unknownError, "Internal error.")
		return nil
	})
	require.ErrorIs(t, err, kv.ErrBroken)
	require.NotErrorIs(t, err, kv.ErrFull)
	require.NoError(t, put(s, 3))
	second, err := s.(*store).current()
	require.NoError(t, err)
	require.False(t, first.Equal(second.Value))
	require.Equal(t, 2, count(t, s))

	// A view is read again by itself, up to three times.
	for _, times := range []int{reopens, reopens + 1} {
		failed := 0
		err = s.View(background, kvtest.Tables, func(tx kv.Tx) error {
			if failed < times {
				failed++
				return thrown(domException(unknownError, "Internal error."))
			}
			_, err := tx.Count(kvtest.A, kv.All)
			return err
		})
		require.Equal(t, times, failed)
		if times > reopens {
			require.ErrorIs(t, err, kv.ErrBroken)
			continue
		}
		require.NoError(t, err)
	}
	require.Equal(t, 2, count(t, s))

	err = s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		breaking(tx, unknownError, "IO error: 000003.log: FILE_ERROR_NO_SPACE")
		return nil
	})
	require.ErrorIs(t, err, kv.ErrFull, "Chromium's word when the disk is full")
	require.ErrorIs(t, err, kv.ErrBroken)
	require.NoError(t, put(s, 4))
}

// When a connection is closed under it, Chromium may leave a transaction without a word.
func TestTransactionsOfClosedConnectionsEnd(t *testing.T) {
	closed := make(chan struct{}, 2)
	s := open(t, newName(), 1, Events{Closed: func() { closed <- struct{}{} }})
	require.NoError(t, put(s, 1))
	silence := func(tx kv.Tx) {
		unlisten(tx.(*transaction).object)
		tx.(*transaction).conn.Call("dispatchEvent", js.Global().Get("Event").New("close"))
		<-closed
	}

	err := s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		tx.(*transaction).object.Call("abort")
		silence(tx)
		return tx.(*transaction).waitAgain()
	})
	require.ErrorIs(t, err, kv.ErrLost)
	require.ErrorIs(t, err, kv.ErrBroken, "nothing was changed: it may be done again")
	require.NoError(t, put(s, 2), "on another connection")

	err = s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		require.NoError(t, tx.Put(kvtest.A, 3, nil))
		silence(tx)
		return nil
	})
	require.ErrorIs(t, err, kv.ErrLost)
	require.ErrorIs(t, err, kv.ErrUnknown)
	require.NotErrorIs(t, err, kv.ErrBroken, "it may have been committed")
	require.Equal(t, 3, count(t, s), "this one was")
}

// Who closes such a connection takes its listener away: what the browser then tells of it is not heard, and the transactions that it
// has left without a word end all the same.
func TestTransactionsOfConnectionsThatWeCloseEnd(t *testing.T) {
	for name, closes := range map[string]func(s kv.Store){
		"another breaks": func(s kv.Store) {
			err := s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
				breaking(tx, aborted, "Connection is closing.")
				return nil
			})
			require.ErrorIs(t, err, kv.ErrBroken)
		},
		"another fails": func(s kv.Store) {
			err := s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
				breaking(tx, unknownError, "Internal error.")
				return nil
			})
			require.ErrorIs(t, err, kv.ErrBroken)
		},
		"the store is closed": func(s kv.Store) { require.NoError(t, s.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, newName(), 1, Events{})
			begun, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
					unlisten(tx.(*transaction).object)
					tx.(*transaction).object.Call("abort")
					close(begun)
					return tx.(*transaction).waitAgain()
				})
			}()
			<-begun
			closes(s)
			select {
			case err := <-ended:
				require.ErrorIs(t, err, kv.ErrLost)
			case <-time.After(2 * finishing):
				require.Fail(t, "it waits without end")
			}
		})
	}
}
