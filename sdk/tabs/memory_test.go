package tabs_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/tabs/tabstest"
)

func TestMemory(t *testing.T) {
	device := tabs.NewMemory()
	tabstest.Contract(t, func() tabs.Tabs { return device.Tab() })
}

func TestKillFreesWhatTheTabHeld(t *testing.T) {
	device := tabs.NewMemory()
	one, other := device.Tab(), device.Tab()
	_, leave := one.Join("x", func(tabs.Poke) { t.Error("the dead hear nothing") })
	defer leave()
	poke, leaveOther := other.Join("x", func(tabs.Poke) {})
	defer leaveOther()
	_, err := one.Lock(context.Background(), "x", tabs.Wait)
	require.NoError(t, err)
	one.Kill()
	poke(tabs.Changed)
	lease, err := other.Lock(context.Background(), "x", tabs.IfFree)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	lease.Release()
	_, err = one.Lock(ctx, "x", tabs.Wait)
	require.ErrorIs(t, err, context.DeadlineExceeded, "the dead are given nothing")
	lease, err = other.Lock(context.Background(), "x", tabs.IfFree)
	require.NoError(t, err)
	lease.Release()
}

func TestFrozenHearsLater(t *testing.T) {
	device := tabs.NewMemory()
	one, other := device.Tab(), device.Tab()
	var heard []tabs.Poke
	_, leave := one.Join("x", func(p tabs.Poke) { heard = append(heard, p) })
	defer leave()
	poke, leaveOther := other.Join("x", func(tabs.Poke) {})
	defer leaveOther()
	one.Freeze()
	poke(tabs.Changed)
	poke(tabs.Outbox)
	require.Empty(t, heard)
	one.Thaw()
	require.Equal(t, []tabs.Poke{tabs.Changed, tabs.Outbox}, heard)
	poke(tabs.Here)
	require.Len(t, heard, 3)
}
