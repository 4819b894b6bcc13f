//go:build js && wasm

package idb

import (
	"context"
	"syscall/js"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/e2e/jsfuncs"
)

func TestChannel(t *testing.T) {
	left := jsfuncs.Left(func() {
		name := newName()
		one, other, stranger := NewChannel(name), NewChannel(name), NewChannel(name+"x")
		heardOne, calledOne := signal()
		heard, called := signal()
		heardStranger, calledStranger := signal()
		one.OnPoke(heardOne)
		other.OnPoke(func() { t.Error("replaced") })
		other.OnPoke(heard)
		stranger.OnPoke(heardStranger)
		one.Post()
		happens(t, called)
		other.Post()
		happens(t, calledOne)
		require.Empty(t, called)
		require.Empty(t, calledStranger)

		other.Close()
		other.Close()
		other.Post()
		other.OnPoke(heard)
		one.Post()
		time.Sleep(50 * time.Millisecond)
		require.Empty(t, called)
		require.Empty(t, calledOne)
		one.Close()
		stranger.Close()
	})
	require.Zero(t, left())
}

func TestLock(t *testing.T) {
	left := jsfuncs.Left(func() {
		name := newName()
		release, err := Lock(background, name)
		require.NoError(t, err)
		elsewhere, err := Lock(background, name+"x")
		require.NoError(t, err, "another name is another lock")
		elsewhere()

		ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
		_, err = Lock(ctx, name)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()
		_, err = Lock(ctx, name)
		require.Error(t, err)

		got := make(chan func())
		go func() {
			release, err := Lock(background, name)
			if err != nil {
				t.Error(err)
			}
			got <- release
		}()
		select {
		case <-got:
			require.Fail(t, "two hold it")
		case <-time.After(50 * time.Millisecond):
		}
		release()
		release()
		second := <-got
		release() // the first holder's, again: not the second's
		ctx, cancel = context.WithTimeout(background, 50*time.Millisecond)
		_, err = Lock(ctx, name)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()
		second()
		_, err = Lock(background, "-reserved")
		require.ErrorContains(t, err, "NotSupportedError")
		time.Sleep(20 * time.Millisecond)
	})
	require.Zero(t, left())
}

// TestLockGivenUpWhenGranted: whoever gives up at the very moment leaves nothing locked.
func TestLockGivenUpWhenGranted(t *testing.T) {
	name := newName()
	for i := range 60 {
		ctx, cancel := context.WithTimeout(background, time.Duration(i)*20*time.Microsecond)
		if release, err := Lock(ctx, name); err == nil {
			release()
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(background, 2*time.Second)
	defer cancel()
	release, err := Lock(ctx, name)
	require.NoError(t, err)
	release()
}

func TestWithoutWebLocks(t *testing.T) {
	navigator := js.Global().Get("navigator")
	js.Global().Get("Object").Call("defineProperty", navigator, "locks", map[string]any{"value": js.Undefined(), "configurable": true})
	defer navigator.Delete("locks")
	one, err := Lock(background, "x")
	require.NoError(t, err)
	two, err := Lock(background, "x")
	require.NoError(t, err)
	one()
	two()
}

func TestHoldTogether(t *testing.T) {
	left := jsfuncs.Left(func() {
		name := newName()
		held := func() bool {
			on, err := Held(background, name)
			require.NoError(t, err)
			return on
		}
		require.False(t, held())
		one, err := Hold(background, name)
		require.NoError(t, err)
		other, err := Hold(background, name)
		require.NoError(t, err, "others may hold it too")
		require.True(t, held())
		one()
		require.True(t, held(), "the other one is still there")
		other()
		require.False(t, held(), "release has waited until it was let go")
		one()
	})
	require.Zero(t, left())
}
