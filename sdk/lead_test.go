package sdk

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
)

// counting counts the leads that are given back.
type counting struct {
	tabs.Alone
	back int
}

func (c *counting) Lock(context.Context, string, tabs.Mode) (*tabs.Lease, error) {
	return &tabs.Lease{Release: func() { c.back++ }}, nil
}

// Connection and lead may both have come while the tab was at something else: one that has ended does not lead, each time, and the
// lead goes on to another tab.
func TestAnEndedConnectionDoesNotLead(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := &connection{ended: make(chan struct{})}
			leads := &counting{}
			a := &account{ctx: t.Context(), tabs: leads, queued: make(chan struct{}, 1), outbox: newOutbox()}
			a.outbox.entries = []vault.Entry{{N: 1}}
			a.poke = func(tabs.Poke) { // asks who leads
				synctest.Wait() // until the lead is granted
				close(c.ended)
			}
			require.Nil(t, a.follow(c))
			require.Equal(t, 1, leads.back)
		})
	}
}
