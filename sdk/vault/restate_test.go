package vault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// A server is restored from a backup of before a deletion that it had acknowledged and not told of in its rows yet: this device
// says it again, on the surfaces that it was on.
func TestWhatWasAcknowledgedIsRestated(t *testing.T) {
	for name, c := range map[string]struct {
		scope  wire.Scope
		synced bool
		want   wire.Scope
	}{
		"both, on all devices": {wire.ScopeBoth, true, wire.ScopeBoth},
		"both, on this device": {wire.ScopeBoth, false, wire.ScopeRemote},
		"remote":               {wire.ScopeRemote, true, wire.ScopeRemote},
	} {
		for what, deletion := range map[string]Deletion{
			"conversation": {What: wire.WhatConversation, Hide: true},
			"messages":     {What: wire.WhatMessages, Seqs: []uint64{3, 5}},
			"time":         {What: wire.WhatTime, Before: 105},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				b := newBench(t)
				b.fill(10)
				b.heard(1)
				deletion.Scope, deletion.OpID = c.scope, wire.ID{9}
				e := b.delete(deletion).Entries[0]
				ack := wire.DeleteAck{N: 2}
				switch e.What {
				case wire.WhatConversation:
					ack.Through = e.Anchor
				case wire.WhatTime:
					ack.Through = 4
				}
				_, here, err := b.v.Acknowledged(b.ctx, e, &ack, c.synced)
				require.NoError(t, err)
				require.True(t, here)
				require.Empty(t, b.kinds())

				b.heard(2)
				require.True(t, b.v.Device().Restate)
				entries, err := b.v.Restate(b.ctx, map[string]*ledger.Book{conversation: {}}, wire.ScopeRemote)
				require.NoError(t, err)
				require.Len(t, entries, 1)
				again := entries[0]
				require.Equal(t, c.want, again.Scope)
				if e.What == wire.WhatMessages {
					require.Equal(t, e.Ranges, again.Ranges)
				} else {
					require.Equal(t, ack.Through, again.Anchor)
					require.Equal(t, e.Hide, again.Hide)
				}
			})
		}
	}
}

// heard takes in what a server of that epoch tells when it has nothing to tell.
func (b *bench) heard(epoch uint32) {
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{Epoch: epoch, N: 1})
	require.NoError(b.t, err)
}
