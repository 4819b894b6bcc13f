// Package tabstest holds the contract of tabs.
package tabstest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/tabs"
)

// short is how long a test waits for what must not happen.
const short = 50 * time.Millisecond

var lastName atomic.Int64

// Contract checks every sentence of tabs' contract. open gives another tab of the same device.
func Contract(t *testing.T, open func() tabs.Tabs) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, name string, one, other tabs.Tabs)
	}{
		{"pokes are heard by the others, in order", pokes},
		{"who has left hears nothing", leaves},
		{"hold together", holdTogether},
		{"locked alone", lockedAlone},
		{"if free", ifFree},
		{"in order", inOrder},
		{"steal", steals},
		{"given up", givenUp},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, fmt.Sprintf("tabstest %d %d", time.Now().UnixNano(), lastName.Add(1)), open(), open())
		})
	}
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return c
}

func happens(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 5*time.Second, time.Millisecond, what)
}

func over(l *tabs.Lease) bool {
	select {
	case <-l.Over:
		return true
	default:
		return false
	}
}

// listener counts what it hears.
type listener struct{ heard chan tabs.Poke }

func newListener() *listener { return &listener{make(chan tabs.Poke, 100)} }

func (l *listener) hear(p tabs.Poke) { l.heard <- p }

func pokes(t *testing.T, name string, one, other tabs.Tabs) {
	a, b, stranger := newListener(), newListener(), newListener()
	pokeA, leaveA := one.Join(name, a.hear)
	defer leaveA()
	_, leaveB := other.Join(name, b.hear)
	defer leaveB()
	_, leaveStranger := other.Join(name+"x", stranger.hear)
	defer leaveStranger()
	for _, p := range []tabs.Poke{tabs.Here, tabs.Changed, tabs.Outbox} {
		pokeA(p)
	}
	for _, p := range []tabs.Poke{tabs.Here, tabs.Changed, tabs.Outbox} {
		select {
		case got := <-b.heard:
			require.Equal(t, p, got)
		case <-time.After(5 * time.Second):
			require.Fail(t, "not heard")
		}
	}
	time.Sleep(short)
	require.Empty(t, a.heard, "one's own")
	require.Empty(t, stranger.heard, "another name's")
	require.Empty(t, b.heard)
}

func leaves(t *testing.T, name string, one, other tabs.Tabs) {
	a, b := newListener(), newListener()
	pokeA, leaveA := one.Join(name, a.hear)
	pokeB, leaveB := other.Join(name, b.hear)
	leaveB()
	leaveB()
	pokeA(tabs.Changed)
	pokeB(tabs.Changed)
	time.Sleep(short)
	require.Empty(t, a.heard)
	require.Empty(t, b.heard)
	leaveA()
}

func holdTogether(t *testing.T, name string, one, other tabs.Tabs) {
	held := func() bool {
		on, err := one.Held(ctx(t), name)
		require.NoError(t, err)
		return on
	}
	require.False(t, held())
	first, err := one.Hold(ctx(t), name)
	require.NoError(t, err)
	second, err := other.Hold(ctx(t), name)
	require.NoError(t, err, "others may hold it too")
	require.True(t, held())
	_, err = other.Lock(ctx(t), name, tabs.IfFree)
	require.ErrorIs(t, err, tabs.ErrTaken)
	first()
	require.True(t, held(), "the other one is still there")
	second()
	require.False(t, held(), "release has waited until it was let go")
	first()
}

func lockedAlone(t *testing.T, name string, one, other tabs.Tabs) {
	first, err := one.Lock(ctx(t), name, tabs.Wait)
	require.NoError(t, err)
	elsewhere, err := other.Lock(ctx(t), name+"x", tabs.Wait)
	require.NoError(t, err, "another name is another lock")
	elsewhere.Release()
	on, err := other.Held(ctx(t), name)
	require.NoError(t, err)
	require.True(t, on)

	got := make(chan *tabs.Lease, 1)
	go func() {
		lease, err := other.Lock(context.Background(), name, tabs.Wait)
		if err != nil {
			t.Error(err)
		}
		got <- lease
	}()
	select {
	case <-got:
		require.Fail(t, "two hold it")
	case <-time.After(short):
	}
	require.False(t, over(first))
	first.Release()
	second := <-got
	happens(t, "the first is over", func() bool { return over(first) })
	first.Release() // again: not the second's
	time.Sleep(short)
	require.False(t, over(second))
	_, err = one.Lock(ctx(t), name, tabs.IfFree)
	require.ErrorIs(t, err, tabs.ErrTaken)
	second.Release()
}

func ifFree(t *testing.T, name string, one, other tabs.Tabs) {
	lease, err := one.Lock(ctx(t), name, tabs.IfFree)
	require.NoError(t, err)
	_, err = other.Lock(ctx(t), name, tabs.IfFree)
	require.ErrorIs(t, err, tabs.ErrTaken)
	lease.Release()
	happens(t, "it is free", func() bool {
		lease, err = other.Lock(ctx(t), name, tabs.IfFree)
		return err == nil
	})
	lease.Release()
}

func inOrder(t *testing.T, name string, one, other tabs.Tabs) {
	lease, err := one.Lock(ctx(t), name, tabs.Wait)
	require.NoError(t, err)
	got := make(chan int, 3)
	for i := range 3 {
		go func() {
			l, err := other.Lock(context.Background(), name, tabs.Wait)
			if err != nil {
				t.Error(err)
				return
			}
			got <- i
			l.Release()
		}()
		time.Sleep(short) // until it waits
	}
	lease.Release()
	for i := range 3 {
		require.Equal(t, i, <-got)
	}
}

func steals(t *testing.T, name string, one, other tabs.Tabs) {
	robbed, err := one.Lock(ctx(t), name, tabs.Wait)
	require.NoError(t, err)
	got := make(chan *tabs.Lease, 1)
	go func() {
		lease, err := one.Lock(context.Background(), name, tabs.Wait)
		if err != nil {
			t.Error(err)
		}
		got <- lease
	}()
	time.Sleep(short)
	thief, err := other.Lock(ctx(t), name, tabs.Steal)
	require.NoError(t, err)
	happens(t, "the robbed one hears of it", func() bool { return over(robbed) })
	robbed.Release()
	select {
	case <-got:
		require.Fail(t, "two hold it")
	case <-time.After(short):
	}
	require.False(t, over(thief))
	thief.Release()
	(<-got).Release()
	free, err := other.Lock(ctx(t), name+"x", tabs.Steal)
	require.NoError(t, err, "nobody had it")
	free.Release()
}

func givenUp(t *testing.T, name string, one, other tabs.Tabs) {
	lease, err := one.Lock(ctx(t), name, tabs.Wait)
	require.NoError(t, err)
	for i := range 30 { // at the very moment, too
		brief, cancel := context.WithTimeout(context.Background(), time.Duration(i)*100*time.Microsecond)
		if i == 15 {
			go lease.Release()
		}
		if l, err := other.Lock(brief, name, tabs.Wait); err == nil {
			l.Release()
		}
		cancel()
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = other.Lock(cancelled, name, tabs.Wait)
	require.ErrorIs(t, err, context.Canceled)
	last, err := one.Lock(ctx(t), name, tabs.Wait)
	require.NoError(t, err, "whoever gave up left nothing locked")
	last.Release()
}
