package vault

import (
	"context"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Entries returns everything this device still owes the server, oldest first.
func (v *Vault) Entries(ctx context.Context) ([]Entry, error) {
	var out []Entry
	err := v.view(ctx, func(t *tx) error {
		entries, err := t.Scan(tableOutbox, kv.All, 0, false)
		if err != nil {
			return err
		}
		out = make([]Entry, len(entries))
		for i, e := range entries {
			if _, err := t.decode(tableOutbox, e.Value, &out[i]); err != nil {
				return err
			}
			out[i].N = uint64(e.Key)
		}
		return nil
	})
	return out, err
}

// Settle drops an outbox entry that needs nothing more here: acknowledged, or refused for good. It reads nothing and writes no
// key, so it needs no lock.
func (v *Vault) Settle(ctx context.Context, e Entry) error {
	v.enter()
	defer v.leave()
	return v.store.Update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(x kv.Tx) error {
		return x.Delete(tableOutbox, kv.Span{From: kv.Key(e.N), To: kv.Key(e.N)})
	})
}

// Acknowledged drops a deletion's entry and, where it was by time, replaces the time by the seq that the server resolved.
func (v *Vault) Acknowledged(ctx context.Context, e Entry, ack *wire.DeleteAck) (Settled, error) {
	if e.What != wire.WhatTime || !e.Scope.Local() {
		return Settled{}, v.Settle(ctx, e)
	}
	return v.settleEntry(ctx, e, func(b *ledger.Book) {
		b.Resolve(ledger.Bound{Before: e.Before, Anchor: e.Anchor}, ack.Through)
	})
}

// Cancelled drops a cancel's entry. Had the message arrived, its seq joins the ledger that the deletion named.
func (v *Vault) Cancelled(ctx context.Context, e Entry, ack *wire.CancelAck) (Settled, error) {
	if ack.Never || !e.Scope.Local() {
		return Settled{}, v.Settle(ctx, e)
	}
	return v.settleEntry(ctx, e, func(b *ledger.Book) {
		join := wire.Ledger{Ranges: wire.RangesOf(ack.Seq)}
		if e.Hide {
			join.HiddenAt = ack.Seq + 1
		}
		b.Raise(ack.Seq)
		b.Local.Join(join)
	})
}

// settleEntry drops an entry together with what its answer does to the conversation's book.
func (v *Vault) settleEntry(ctx context.Context, e Entry, join func(*ledger.Book)) (Settled, error) {
	var out Settled
	err := v.update(ctx, kv.Strict, deleteTables, func(t *tx) error {
		out = Settled{}
		if err := t.Delete(tableOutbox, kv.Span{From: kv.Key(e.N), To: kv.Key(e.N)}); err != nil {
			return err
		}
		cs, err := t.load(e.ConversationID)
		if err != nil {
			return err
		}
		before := cs[0].book().Clone()
		join(cs[0].book())
		cs[0].changeBook()
		return t.settle(cs[0], &before, &out)
	})
	return out, err
}

// MarkRead moves this user's read mark to the newest message and queues it. No entry: it was there already.
func (v *Vault) MarkRead(ctx context.Context, conversationID string) (*Entry, error) {
	var out *Entry
	err := v.update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(t *tx) error {
		out = nil
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if c.Record != nil && c.Record.Unread > 0 {
			c.Record.Unread = 0
			c.change()
		}
		if c.book().ReadUpTo() >= c.book().Head {
			return nil
		}
		c.book().Read = c.book().Head
		c.changeBook()
		e, err := t.enqueue(Entry{Kind: ReadEntry, ConversationID: conversationID, Anchor: c.book().Head})
		out = &e
		return err
	})
	return out, err
}

// SetDraft keeps what the user has typed.
func (v *Vault) SetDraft(ctx context.Context, conversationID, draft string) error {
	return v.update(ctx, kv.Relaxed, nil, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		if err := t.begin(cs[0], 0); err != nil {
			return err
		}
		cs[0].Record.Draft = draft
		cs[0].change()
		return nil
	})
}
