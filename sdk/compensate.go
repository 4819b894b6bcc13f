package sdk

import (
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// compensate fetches, once in a device's life, the recent messages that a new device is given, so that it shows them
// without asking and without a network. The history on the server may hold less: a deletion there by time may leave them
// (DESIGN §2 rule 3). It may be broken off at any point and is done again then.
func (a *account) compensate(c *connection, days uint16) error {
	if a.vault.Device().Compensated {
		return nil
	}
	if days > 0 {
		for _, conv := range a.vault.All() {
			parsed, err := wire.ParseConversation(conv.ID)
			if err != nil || parsed.Kind == wire.RoomKind || conv.Record.Log == 0 {
				continue
			}
			if err := a.compensateOne(c, conv.ID); err != nil {
				return err
			}
		}
	}
	return a.vault.Compensated(a.ctx)
}

func (a *account) compensateOne(c *connection, conversationID string) error {
	below := uint64(0)
	for {
		request := &wire.PageRequest{ConversationID: conversationID, Below: below, Limit: wire.MaxPage, Compensation: true}
		var page wire.Page
		if err := c.request(a.ctx, wire.OpPage, request.MarshalMsg, page.UnmarshalMsg); err != nil {
			return err
		}
		if page.From > page.To {
			return nil
		}
		if err := a.vault.Ingest(a.ctx, conversationID, &vault.Page{Page: &page, Compensation: true}); err != nil {
			return err
		}
		if err := a.tellArrived(); err != nil {
			return err
		}
		if len(page.Batches) > 0 {
			a.changed(conversationID)
		}
		if page.First || page.From <= 1 {
			return nil
		}
		below = page.From
	}
}

// takeDelivery fetches, where the server keeps no history, everything that waits there for this device, and says so: the
// server drops it then.
func (a *account) takeDelivery(c *connection, conversationIDs ...string) error {
	var have []wire.Head
	for _, id := range conversationIDs {
		complete, err := a.fill(c, id)
		if err != nil {
			return err
		}
		conv, ok := a.vault.Find(id)
		if complete && ok && conv.Ledger.Book.Head > 0 {
			have = append(have, wire.Head{ConversationID: id, Head: conv.Ledger.Book.Head})
		}
	}
	for len(have) > 0 {
		n := min(len(have), wire.MaxHeads)
		if err := c.request(a.ctx, wire.OpHave, (&wire.Have{Heads: have[:n]}).MarshalMsg, (&wire.HaveAck{}).UnmarshalMsg); err != nil {
			return err
		}
		have = have[n:]
	}
	return nil
}

// fill fetches every gap of a conversation; true when there is none left.
func (a *account) fill(c *connection, conversationID string) (bool, error) {
	for {
		view, err := a.vault.Page(a.ctx, vault.Query{ConversationID: conversationID, Count: 1 << 20, GapOnly: true})
		if err != nil || view.Gap == nil {
			return err == nil, err
		}
		if err := a.fetch(c, conversationID, *view.Gap, wire.MaxPage); err != nil {
			return false, err
		}
	}
}
