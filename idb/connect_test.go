//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"syscall/js"
	"testing"
	"time"

	"github.com/hack-pad/go-indexeddb/idb"
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/e2e/jsfuncs"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

// put writes an empty record.
func put(store kv.Store, key kv.Key) error {
	return store.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error { return tx.Put(kvtest.A, key, nil) })
}

func count(t *testing.T, store kv.Store) (n int) {
	t.Helper()
	require.NoError(t, store.View(background, kvtest.Tables, func(tx kv.Tx) (err error) {
		n, err = tx.Count(kvtest.A, kv.All)
		return err
	}))
	return n
}

// stubborn opens a connection that does not let go, as a page of somebody else's would.
func stubborn(t *testing.T, name string, version int) js.Value {
	t.Helper()
	request := js.Global().Get("indexedDB").Call("open", name, version)
	ended := make(chan string, 1)
	listen(request, func(event string) { ended <- event }, "success", "error")
	require.Equal(t, "success", <-ended)
	unlisten(request)
	t.Cleanup(func() { request.Get("result").Call("close") })
	return request.Get("result")
}

// version is the database's version, 0 where there is none.
func version(t *testing.T, name string) int {
	t.Helper()
	all, err := settled(background, js.Global().Get("indexedDB").Call("databases"))
	require.NoError(t, err)
	for i := range all.Length() {
		if all.Index(i).Get("name").String() == name {
			return all.Index(i).Get("version").Int()
		}
	}
	return 0
}

// signal is an event's function and what tells that it was called.
func signal() (fn func(), called chan struct{}) {
	called = make(chan struct{}, 10)
	return func() { called <- struct{}{} }, called
}

func happens(t *testing.T, called chan struct{}) {
	t.Helper()
	select {
	case <-called:
	case <-time.After(2 * time.Second):
		require.Fail(t, "it did not happen")
	}
}

func TestReopen(t *testing.T) {
	name := newName()
	first := open(t, name, 1, Events{})
	require.NoError(t, put(first, 1))
	require.NoError(t, first.Close())
	require.Equal(t, 1, count(t, open(t, name, 1, Events{})))
}

func TestUpgradeAddsTables(t *testing.T) {
	name := newName()
	old, err := Open(background, name, 1, kvtest.Tables[:1], Events{})
	require.NoError(t, err)
	require.NoError(t, old.Update(background, kv.Strict, kvtest.Tables[:1], func(tx kv.Tx) error {
		return tx.Put(kvtest.A, 1, []byte("kept"))
	}))
	require.NoError(t, old.Close())

	_, err = Open(background, name, 1, kvtest.Tables, Events{})
	require.ErrorIs(t, err, kv.ErrTable, "tables come with a version")

	upgraded := open(t, name, 2, Events{})
	require.NoError(t, upgraded.View(background, kvtest.Tables, func(tx kv.Tx) error {
		got, err := tx.Get(kvtest.A, 1)
		require.Equal(t, [][]byte{[]byte("kept")}, got)
		return err
	}))
}

func TestNewer(t *testing.T) {
	name := newName()
	require.NoError(t, put(open(t, name, 5, Events{}), 1))
	_, err := Open(background, name, 4, kvtest.Tables, Events{})
	require.ErrorIs(t, err, kv.ErrNewer)
	require.Equal(t, 5, version(t, name))
	require.Equal(t, 1, count(t, open(t, name, 5, Events{})), "left as it is")
}

func TestBlocked(t *testing.T) {
	t.Parallel()
	name := newName()
	require.NoError(t, open(t, name, 1, Events{}).Close())
	old := stubborn(t, name, 1)
	blocked, called := signal()
	started := time.Now()
	_, err := Open(background, name, 2, kvtest.Tables, Events{Blocked: blocked})
	require.ErrorIs(t, err, kv.ErrBlocked)
	require.InDelta(t, blockedPatience.Seconds(), time.Since(started).Seconds(), 1)
	happens(t, called)

	// The request lives on in the browser. When it gets its turn it must neither upgrade nor stay open.
	old.Call("close")
	require.NoError(t, put(open(t, name, 1, Events{}), 1))
	require.Equal(t, 1, version(t, name))
	require.NoError(t, put(open(t, name, 2, Events{}), 2), "nothing is left open")
}

func TestBlockedForAMoment(t *testing.T) {
	name := newName()
	require.NoError(t, open(t, name, 1, Events{}).Close())
	old := stubborn(t, name, 1)
	tell, called := signal()
	blocked := func() {
		tell()
		time.AfterFunc(300*time.Millisecond, func() { old.Call("close") })
	}
	require.NoError(t, put(open(t, name, 2, Events{Blocked: blocked}), 1))
	happens(t, called)
}

func TestOpenGivenUp(t *testing.T) {
	name := newName()
	ctx, cancel := context.WithCancel(background)
	cancel()
	_, err := Open(ctx, name, 1, kvtest.Tables, Events{})
	require.ErrorIs(t, err, kv.ErrUnknown)
	require.Equal(t, 0, version(t, name))

	opened, given := 0, 0
	for i := range 40 {
		name := newName()
		ctx, cancel := context.WithTimeout(background, time.Duration(i)*100*time.Microsecond)
		store, err := Open(ctx, name, 1, kvtest.Tables, Events{})
		if err == nil {
			opened++
			require.NoError(t, store.Close())
		} else {
			given++
			require.ErrorIs(t, err, kv.ErrUnknown)
		}
		cancel()
		// Were its tables missing now, the database would be spoilt for good.
		require.NoError(t, put(open(t, name, 1, Events{}), 1))
		require.NoError(t, put(open(t, name, 2, Events{}), 1), "nothing is left open")
	}
	require.NotZero(t, given)
	t.Logf("%d opened, %d given up", opened, given)
}

func TestFailedUpgrade(t *testing.T) {
	name := newName()
	_, err := Open(background, name, 1, []kv.Table{"a", "a"}, Events{})
	require.ErrorContains(t, err, "already exists")
	require.Equal(t, 0, version(t, name), "nothing was made")
	require.NoError(t, put(open(t, name, 1, Events{}), 1))
}

func TestVersionChange(t *testing.T) {
	name := newName()
	changed, called := signal()
	old := open(t, name, 1, Events{VersionChange: changed})
	require.NoError(t, put(old, 1))

	// A transaction under way finishes; the other tab waits for it.
	inside, result := make(chan struct{}), make(chan error, 1)
	go func() {
		result <- old.Update(background, kv.Strict, kvtest.Tables, func(tx kv.Tx) error {
			close(inside)
			for range 100 {
				if _, err := tx.Get(kvtest.A, 1); err != nil {
					return err
				}
			}
			return tx.Put(kvtest.A, 2, nil)
		})
	}()
	<-inside
	blocked, stuck := signal()
	upgraded := open(t, name, 2, Events{Blocked: blocked})
	require.NoError(t, <-result)
	happens(t, called)
	require.Empty(t, stuck)
	require.Equal(t, 2, count(t, upgraded))
	require.ErrorIs(t, put(old, 3), kv.ErrNewer)
	require.ErrorIs(t, put(old, 3), kv.ErrNewer, "for good")
	require.NoError(t, old.Close())
	require.ErrorIs(t, put(old, 3), kv.ErrClosed)
	require.NoError(t, put(upgraded, 3))
}

func TestDestroyedByAnotherTab(t *testing.T) {
	name := newName()
	changed, called := signal()
	one, other := open(t, name, 1, Events{VersionChange: changed}), open(t, name, 1, Events{})
	require.NoError(t, put(one, 1))
	require.NoError(t, other.Destroy(background))
	happens(t, called)
	require.ErrorIs(t, put(one, 1), kv.ErrLost)
	require.Equal(t, 0, version(t, name))
	require.Equal(t, 0, count(t, open(t, name, 1, Events{})))
}

func TestDestroyBlocked(t *testing.T) {
	t.Parallel()
	name := newName()
	store := open(t, name, 1, Events{})
	require.NoError(t, put(store, 1))
	other := stubborn(t, name, 1)
	ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, store.Destroy(ctx), kv.ErrUnknown)
	require.ErrorIs(t, store.Destroy(background), kv.ErrBlocked)
	time.AfterFunc(100*time.Millisecond, func() { other.Call("close") })
	require.NoError(t, store.Destroy(background))
	require.Equal(t, 0, version(t, name))
}

// kill does what the browser does when it closes a database by itself: the connection is dead and has a close event.
func kill(s kv.Store, withEvent bool) {
	conn := *s.(*store).conn
	conn.Call("close")
	if withEvent {
		conn.Call("dispatchEvent", js.Global().Get("Event").New("close"))
	}
}

func TestClosedByTheBrowser(t *testing.T) {
	for _, withEvent := range []bool{true, false} {
		closed, called := signal()
		name := newName()
		s := open(t, name, 1, Events{Closed: closed})
		require.NoError(t, put(s, 1))
		kill(s, withEvent)
		if withEvent {
			happens(t, called)
		}
		results := make(chan error, 20)
		for i := range cap(results) {
			go func() { results <- put(s, kv.Key(i)) }()
		}
		for range cap(results) {
			require.NoError(t, <-results, "opened again")
		}
		require.Equal(t, cap(results), count(t, s))
		require.NoError(t, put(open(t, name, 2, Events{}), 2), "once")

		// Where the database is gone it is not made anew: what the core knows of it is void.
		name = newName()
		s = open(t, name, 1, Events{})
		require.NoError(t, put(s, 1))
		kill(s, withEvent)
		_, err := settledDelete(name)
		require.NoError(t, err)
		require.ErrorIs(t, put(s, 2), kv.ErrLost)
		require.Equal(t, 0, version(t, name))
		require.ErrorIs(t, put(s, 2), kv.ErrLost)
		require.NoError(t, s.Close())
	}
}

func settledDelete(name string) (js.Value, error) {
	request, err := idb.Global().DeleteDatabase(name)
	if err != nil {
		return js.Value{}, err
	}
	return js.Value{}, request.Await(background)
}

func TestEventsMayPanic(t *testing.T) {
	name := newName()
	old := open(t, name, 1, Events{VersionChange: func() { panic(errors.New("this panic is part of the test")) }})
	require.NoError(t, put(open(t, name, 2, Events{}), 1))
	time.Sleep(20 * time.Millisecond)
	require.ErrorIs(t, put(old, 1), kv.ErrNewer)
}

func TestFuncsAreReleased(t *testing.T) {
	before := len(listeners)
	left := jsfuncs.Left(func() {
		name := newName()
		s, err := Open(background, name, 1, kvtest.Tables, Events{})
		require.NoError(t, err)
		for i := range kv.Key(50) {
			require.NoError(t, put(s, i))
			require.Error(t, s.Update(background, kv.Relaxed, kvtest.Tables, func(tx kv.Tx) error {
				_, err := tx.Scan(kvtest.A, kv.All, 3, true)
				return errors.Join(err, errors.New("mine"))
			}))
		}
		_, err = Open(background, newName(), 1, []kv.Table{"a", "a"}, Events{})
		require.Error(t, err)
		other, err := Open(background, name, 2, kvtest.Tables, Events{})
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.NoError(t, other.Destroy(background))
	})
	settle(t, before)
	require.Zero(t, left())
}
