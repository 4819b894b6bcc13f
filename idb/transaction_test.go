//go:build js && wasm

package idb

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/hack-pad/go-indexeddb/idb"
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

func domException(name, message string) js.Value {
	return js.Global().Get("DOMException").New(message, name)
}

func TestErrorsByName(t *testing.T) {
	for name, want := range map[string]error{
		"QuotaExceededError":       kv.ErrFull,
		"VersionError":             kv.ErrNewer,
		"NotFoundError":            kv.ErrTable,
		"TransactionInactiveError": kv.ErrOver,
		"ConstraintError":          nil,
	} {
		err := thrown(domException(name, "why"))
		require.ErrorIs(t, err, idb.NewDOMException(name))
		require.ErrorContains(t, err, "why")
		if want != nil {
			require.ErrorIs(t, err, want)
		}
	}
	require.ErrorIs(t, thrown(domException("InvalidStateError",
		"A mutation operation was attempted on a database that did not allow mutations.")), kv.ErrFull)
	require.ErrorContains(t, thrown(js.Global().Get("TypeError").New("wrong")), "TypeError: wrong")
	require.ErrorContains(t, thrown(js.ValueOf("a string")), "a string")
}

// replace gives a method of the browser's another body for this test.
func replace(t *testing.T, class, method string, body func(this js.Value, args []js.Value, original js.Value) any) {
	prototype := js.Global().Get(class).Get("prototype")
	original := prototype.Get(method)
	fn := js.FuncOf(func(this js.Value, args []js.Value) any { return body(this, args, original) })
	prototype.Set(method, fn)
	t.Cleanup(func() {
		prototype.Set(method, original)
		fn.Release()
	})
}

// TestAbortedByTheBrowser: the requests were taken, and then the browser takes everything back.
func TestAbortedByTheBrowser(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	require.NoError(t, put(s, 1))
	err := s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		require.NoError(t, tx.Put(kvtest.A, 2, nil))
		tx.(*transaction).tables[kvtest.A].Call("add", 0, 1) // the key is there: the request fails, and with it all
		return nil
	})
	require.ErrorIs(t, err, idb.NewDOMException("ConstraintError"))
	require.Equal(t, 1, count(t, s))

	// A read then does not wait for ever.
	err = s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		tx.(*transaction).tables[kvtest.A].Call("add", 0, 1)
		for {
			if _, err := tx.Get(kvtest.A, 1); err != nil {
				return err
			}
		}
	})
	require.Error(t, err)
	require.Equal(t, 1, count(t, s))
}

// TestAbortReasons: Chromium cannot be brought to its quota or to a lost connection from a page, so the reason is put in
// the place where it would stand; the abort is real.
func TestAbortReasons(t *testing.T) {
	for name, want := range map[string]error{"QuotaExceededError": kv.ErrFull, "AbortError": kv.ErrLost, "": kv.ErrLost} {
		s := open(t, newName(), 1, Events{})
		err := s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
			object := tx.(*transaction).object
			reason := js.Null()
			if name != "" {
				reason = domException(name, "")
			}
			js.Global().Get("Object").Call("defineProperty", object, "error", map[string]any{"value": reason})
			require.NoError(t, tx.Put(kvtest.A, 1, nil))
			object.Call("abort")
			return nil
		})
		require.ErrorIs(t, err, want, name)
		require.Equal(t, 0, count(t, s))
	}
}

func TestPutThatThrows(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	require.NoError(t, s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		object := tx.(*transaction).tables[kvtest.A]
		require.NoError(t, tx.Put(kvtest.A, 1, nil))
		object.Set("put", js.Global().Get("Function")) // called with an array it throws a SyntaxError
		require.ErrorContains(t, tx.Put(kvtest.A, 2, []byte{1}), "SyntaxError")
		return nil
	}))
	require.Equal(t, 1, count(t, s))
}

func TestWaitingForSomethingElse(t *testing.T) {
	for name, wait := range map[string]func(){
		"a timer":   func() { time.Sleep(20 * time.Millisecond) },
		"a promise": func() { _, _ = settled(background, js.Global().Call("fetch", "data:,")) },
	} {
		s := open(t, newName(), 1, Events{})
		err := s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
			require.NoError(t, tx.Put(kvtest.A, 1, nil))
			wait()
			return tx.Put(kvtest.A, 2, nil)
		})
		require.ErrorIs(t, err, kv.ErrOver, name)
		stands := strings.Contains(err.Error(), "stand")
		require.Equal(t, stands, count(t, s) == 1, "the error tells whether the write before the wait is there")
		require.True(t, stands || name == "a promise")

		require.NoError(t, s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
			require.NoError(t, tx.Put(kvtest.A, 3, nil))
			wait()
			return nil
		}), "everything was asked for before the wait")
	}
}

// TestReadBehindAnotherTab: a read that has to wait for another connection's transaction can be given up.
func TestReadBehindAnotherTab(t *testing.T) {
	name := newName()
	one, other := open(t, name, 1, Events{}), open(t, name, 1, Events{})
	// The first write of a connection waits for more than its turn (renew.go).
	require.NoError(t, other.Update(background, kv.Relaxed, kvtest.Tables, func(tx kv.Tx) error { return tx.Put(kvtest.A, 3, nil) }))
	inside, done := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- one.Update(background, kv.Relaxed, kvtest.Tables, func(tx kv.Tx) error {
			close(inside)
			for {
				if _, err := tx.Get(kvtest.A, 1); err != nil {
					return err
				}
				select {
				case <-done:
					return tx.Put(kvtest.A, 1, nil)
				default:
				}
			}
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	err := other.View(ctx, kvtest.Tables, func(tx kv.Tx) error {
		_, err := tx.Count(kvtest.A, kv.All)
		_, again := tx.Count(kvtest.A, kv.All)
		require.Equal(t, err, again, "no answer to an older question")
		return err
	})
	require.ErrorIs(t, err, kv.ErrUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel = context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, other.Update(ctx, kv.Relaxed, kvtest.Tables, func(tx kv.Tx) error {
		return tx.Put(kvtest.A, 2, nil)
	}), kv.ErrUnknown)
	close(done)
	require.NoError(t, <-result)
	require.Equal(t, 3, count(t, other), "unknown, and in truth written")
}

func TestTwoTabsCount(t *testing.T) {
	name := newName()
	tabs := []kv.Store{open(t, name, 1, Events{}), open(t, name, 1, Events{}), open(t, name, 1, Events{})}
	results := make(chan error)
	const each = 30
	for _, tab := range tabs {
		go func() {
			var failed error
			for range each {
				failed = errors.Join(failed, tab.Update(background, kv.Relaxed, kvtest.Tables, func(tx kv.Tx) error {
					got, err := tx.Get(kvtest.A, 1)
					if err != nil {
						return err
					}
					n := byte(0)
					if got[0] != nil {
						n = got[0][0]
					}
					return tx.Put(kvtest.A, 1, []byte{n + 1})
				}))
			}
			results <- failed
		}()
	}
	for range tabs {
		require.NoError(t, <-results)
	}
	require.NoError(t, tabs[0].View(background, kvtest.Tables, func(tx kv.Tx) error {
		got, err := tx.Get(kvtest.A, 1)
		require.EqualValues(t, each*len(tabs), got[0][0])
		return err
	}))
}

func TestDurabilityIsAskedFor(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	for durability, want := range map[kv.Durability]string{kv.Strict: "strict", kv.Relaxed: "relaxed"} {
		require.NoError(t, s.Update(background, durability, kvtest.Tables, func(tx kv.Tx) error {
			require.Equal(t, want, tx.(*transaction).object.Get("durability").String())
			return nil
		}))
	}
}

// TestStoredForm: number keys and Uint8Array values in tables without index or key path.
func TestStoredForm(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	require.NoError(t, s.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
		return tx.Put(kvtest.A, 7, binary.BigEndian.AppendUint64(nil, 7))
	}))
	require.NoError(t, s.View(background, kvtest.Tables, func(tx kv.Tx) error {
		object := tx.(*transaction).tables[kvtest.A]
		require.True(t, object.Get("keyPath").IsNull())
		require.Zero(t, object.Get("indexNames").Length())
		request := object.Call("openCursor")
		require.NoError(t, tx.(*transaction).wait(request))
		cursor := request.Get("result")
		require.Equal(t, js.TypeNumber, cursor.Get("key").Type())
		require.True(t, cursor.Get("value").InstanceOf(uint8Array))
		require.Equal(t, 8, cursor.Get("value").Get("buffer").Get("byteLength").Int())
		return nil
	}))
}

// TestWithoutCommit: older browsers have no commit().
func TestWithoutCommit(t *testing.T) {
	require.True(t, hasCommit)
	hasCommit = false
	defer func() { hasCommit = true }()
	kvtest.Contract(t, func(t *testing.T) kv.Store { return open(t, newName(), 1, Events{}) })
}

// TestCommitIsAskedFor saves a round trip.
func TestCommitIsAskedFor(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	commits := 0
	replace(t, "IDBTransaction", "commit", func(this js.Value, _ []js.Value, original js.Value) any {
		commits++
		return original.Call("call", this)
	})
	require.NoError(t, put(s, 1))
	require.Equal(t, 1, commits)
}

// TestWhatWasAskedForIsThere: Get then goes back to the browser neither for the answer nor with another request.
func TestWhatWasAskedForIsThere(t *testing.T) {
	s := open(t, newName(), 1, Events{})
	require.NoError(t, put(s, 1))
	requests := 0
	replace(t, "IDBObjectStore", "get", func(this js.Value, args []js.Value, original js.Value) any {
		requests++
		return original.Call("call", this, args[0])
	})
	left := false // Go has returned to the browser, which runs microtasks then
	leaves := js.FuncOf(func(js.Value, []js.Value) any { left = true; return nil })
	defer leaves.Release()
	require.NoError(t, s.View(background, kvtest.Tables, func(tx kv.Tx) error {
		tx.Ask(kvtest.A, 1, 2)
		_, err := tx.Get(kvtest.B, 1)
		require.NoError(t, err)
		for _, keys := range [][]kv.Key{{1, 2}, {1}} {
			left = false
			js.Global().Call("queueMicrotask", leaves)
			values, err := tx.Get(kvtest.A, keys...)
			require.NoError(t, err)
			require.NotNil(t, values[0])
			require.Equal(t, len(keys) == 1, left, "only what was not asked for is waited for")
		}
		return nil
	}))
	require.Equal(t, 4, requests)
}
