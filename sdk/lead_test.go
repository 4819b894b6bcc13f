package sdk

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
)

// late grants the lead when it is told to, and counts the leads that are given back.
type late struct {
	tabs.Alone
	grant chan struct{}
	back  int
}

func (l *late) Lock(context.Context, string, tabs.Mode) (*tabs.Lease, error) {
	<-l.grant
	return &tabs.Lease{Release: func() { l.back++ }}, nil
}

// Connection and lead may both have come while the tab was at something else: one that has ended does not lead, each time, and the
// lead goes on to another tab.
func TestAnEndedConnectionDoesNotLead(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := &connection{ended: make(chan struct{})}
			lead := &late{grant: make(chan struct{})}
			a := &account{ctx: t.Context(), tabs: lead, queued: make(chan struct{}, 1), outbox: newOutbox()}
			a.outbox.entries = []vault.Entry{{N: 1}}
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
