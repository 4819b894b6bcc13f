//go:build js && wasm

package idb

import (
	"context"
	"syscall/js"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/e2e/jsfuncs"
	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/tabs/tabstest"
)

// alone is a lock as long as a test needs it.
func alone(t *testing.T, name string) (release func()) {
	t.Helper()
	lease, err := Tabs{}.Lock(background, name, tabs.Wait)
	require.NoError(t, err)
	return lease.Release
}

func TestTabs(t *testing.T) {
	left := jsfuncs.Left(func() {
		tabstest.Contract(t, func() tabs.Tabs { return Tabs{} })
		time.Sleep(50 * time.Millisecond)
	})
	require.Zero(t, left())
}

func TestTabsOfBeforePokeWithoutSayingWhat(t *testing.T) {
	name := newName()
	heard := make(chan tabs.Poke, 1)
	_, leave := Tabs{}.Join(name, func(p tabs.Poke) { heard <- p })
	defer leave()
	before := js.Global().Get("BroadcastChannel").New(name)
	defer before.Call("close")
	before.Call("postMessage", js.Null())
	require.Equal(t, tabs.Changed, <-heard)
}

func TestLockRefused(t *testing.T) {
	for _, mode := range []tabs.Mode{tabs.Wait, tabs.IfFree, tabs.Steal} {
		_, err := Tabs{}.Lock(background, "-reserved", mode)
		require.ErrorContains(t, err, "NotSupportedError")
	}
}

// TestLockGivenUpWhenGranted: whoever gives up at the very moment leaves nothing locked.
func TestLockGivenUpWhenGranted(t *testing.T) {
	name := newName()
	for i := range 60 {
		ctx, cancel := context.WithTimeout(background, time.Duration(i)*20*time.Microsecond)
		if lease, err := (Tabs{}).Lock(ctx, name, tabs.Wait); err == nil {
			lease.Release()
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(background, 2*time.Second)
	defer cancel()
	lease, err := Tabs{}.Lock(ctx, name, tabs.Wait)
	require.NoError(t, err)
	lease.Release()
}

func TestWithoutWebLocks(t *testing.T) {
	navigator := js.Global().Get("navigator")
	js.Global().Get("Object").Call("defineProperty", navigator, "locks", map[string]any{"value": js.Undefined(), "configurable": true})
	defer navigator.Delete("locks")
	for _, mode := range []tabs.Mode{tabs.Wait, tabs.IfFree, tabs.Steal} {
		one, err := Tabs{}.Lock(background, "x", mode)
		require.NoError(t, err)
		two, err := Tabs{}.Lock(background, "x", mode)
		require.NoError(t, err)
		select {
		case <-one.Over:
			require.Fail(t, "nobody takes it")
		default:
		}
		one.Release()
		two.Release()
	}
	release, err := Tabs{}.Hold(background, "x")
	require.NoError(t, err)
	held, err := Tabs{}.Held(background, "x")
	require.NoError(t, err)
	require.False(t, held)
	release()
}
