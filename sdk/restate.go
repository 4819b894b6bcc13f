package sdk

import (
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// told is what the server tells of the user's ledgers and read marks while this device asks for all rows, by conversationID.
type told map[string]*ledger.Book

func (t told) of(conversationID string) *ledger.Book {
	b := t[conversationID]
	if b == nil {
		b = &ledger.Book{}
		t[conversationID] = b
	}
	return b
}

func (t told) add(rows *wire.Rows) {
	for i := range rows.Ledgers {
		r := &rows.Ledgers[i]
		switch r.Surface {
		case wire.SurfaceHistory:
			t.of(r.ConversationID).History.Join(r.Ledger)
		case wire.SurfaceDevices:
			t.of(r.ConversationID).Devices.Join(r.Ledger)
		}
	}
	for _, r := range rows.Reads {
		b := t.of(r.ConversationID)
		b.ServerRead = max(b.ServerRead, r.UpTo)
	}
	for i := range rows.Spans {
		t.of(rows.Spans[i].ConversationID)
	}
}

// restate tells a server that was restored from a backup what it has forgotten, before it is asked for heads: what it knew to
// be deleted must not come back, here or on the user's other devices.
func (a *account) restate(c *connection, t told) error {
	if !a.vault.Device().Restate {
		return nil
	}
	a.mu.Lock()
	welcome := a.welcome
	a.revoked = map[string]uint64{}
	a.mu.Unlock()
	scope := wire.ScopeRemote
	if welcome.DeliveryOnly { // which refuses that scope
		scope = wire.ScopeBoth
		if welcome.SyncDeletions {
			scope = 0
		}
	}
	entries, err := a.vault.Restate(a.ctx, t, scope)
	if err != nil {
		return err
	}
	a.enqueue(a.ctx, nil, entries...)
	a.flush(c)
	return nil
}
