package vault

import (
	"context"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// EnterRoom begins a room on this device. What was said before the device came in is not for it.
func (v *Vault) EnterRoom(ctx context.Context, conversationID string, ack *wire.JoinAck) error {
	return v.update(ctx, kv.Relaxed, nil, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if err := t.begin(c, ack.Log); err != nil {
			return err
		}
		c.book().Raise(ack.Head)
		c.ledgerChange = true
		if ack.From > 1 {
			c.Record.Covered = c.Record.Covered.Add(ledger.Interval{From: 1, To: ack.From - 1})
		}
		c.change()
		return nil
	})
}

// LeaveRoom takes a room's copy off this device: no view shows it any more, its rows wait for reclaim, and nothing of it is
// remembered. tell queues that the server hears of it; its closing is known there.
func (v *Vault) LeaveRoom(ctx context.Context, conversationID string, tell bool) (Deleted, error) {
	out := Deleted{ConversationID: conversationID}
	err := v.update(ctx, kv.Strict, deleteTables, func(t *tx) error {
		out = Deleted{ConversationID: conversationID}
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if c.Record == nil {
			return nil
		}
		pending, err := t.pending(c.Record)
		if err != nil {
			return err
		}
		slots := make([]uint32, len(pending))
		for i, row := range pending {
			slots[i] = row.Slot
		}
		if err := t.takeBack(c, Deletion{Scope: wire.ScopeLocal}, slots, &out); err != nil {
			return err
		}
		out.Settled = Settled{Left: true, Slots: slots}
		if err := t.retire(c, &out.Settled); err != nil {
			return err
		}
		c.Ledger.Book = ledger.Book{}
		if !tell {
			return nil
		}
		e, err := t.enqueue(Entry{Kind: LeaveEntry, ConversationID: conversationID})
		out.Entries = append(out.Entries, e)
		return err
	})
	return out, err
}

// Compensated remembers that this device has been given what a new device gets.
func (v *Vault) Compensated(ctx context.Context) error {
	return v.update(ctx, kv.Relaxed, nil, func(t *tx) error {
		t.dev.Compensated, t.devNew = true, true
		return nil
	})
}
