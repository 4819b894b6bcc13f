package sdk

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
)

// late grants the lead when it is told to, and counts the leads that are given back and those that are stolen.
type late struct {
	tabs.Alone
	grant        chan struct{}
	back, stolen int
}

func (l *late) Lock(ctx context.Context, _ string, mode tabs.Mode) (*tabs.Lease, error) {
	lease := &tabs.Lease{Release: func() { l.back++ }}
	if mode == tabs.Steal {
		l.stolen++
		return lease, nil
	}
	select {
	case <-l.grant:
		return lease, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// owing is an account that owes something, of which its vault does not know yet.
func owing(t *testing.T, lead *late) *account {
	t.Helper()
	a := loggedIn(t, Options{Tabs: lead})
	t.Cleanup(a.cancel)
	a.outbox.entries = []vault.Entry{{N: 1 << 40}}
	return a
}

// Connection and lead may both have come while the tab was at something else: one that has ended does not lead, each time, and the
// lead goes on to another tab.
func TestAnEndedConnectionDoesNotLead(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := &connection{ended: make(chan struct{})}
			lead := &late{grant: make(chan struct{})}
			a := owing(t, lead)
			a.poke = func(tabs.Poke) { // asks who leads
				close(lead.grant)
				synctest.Wait() // until the lead has come
				close(c.ended)
			}
			require.Nil(t, a.follow(c))
			require.Equal(t, 1, lead.back)
		})
	}
}

// looked is a store that is told when something is read.
type looked struct {
	kv.Store
	reads func()
}

func (l looked) View(ctx context.Context, tables []kv.Table, fn func(kv.Tx) error) error {
	l.reads()
	return l.Store.View(ctx, tables, fn)
}

// Where nobody answers who leads, a tab looks once more before it takes the lead: a connection that ends meanwhile takes none.
func TestAnEndedConnectionDoesNotSteal(t *testing.T) {
	for _, ends := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c := &connection{ended: make(chan struct{})}
			lead := &late{}
			a := owing(t, lead)
			reads := func() {}
			var err error
			a.vault, err = vault.Open(t.Context(), looked{kv.NewMemory(vault.Tables...), func() { reads() }}, keyring.NewMemory(), "u")
			require.NoError(t, err)
			if ends {
				reads = sync.OnceFunc(func() { close(c.ended) })
			}
			lease := a.follow(c)
			require.Equal(t, !ends, lease != nil)
			require.Equal(t, !ends, lead.stolen == 1)
		})
	}
}
