package vault

import (
	"context"
	"crypto/rand"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Restate queues what a server that was restored from a backup has forgotten: the deletions and read marks that the server had
// told this device of, or acknowledged to it. told is what it tells now, of every conversation that it knows of the user, by
// conversationID: their names, too, since a deleted conversation's is not kept here. historyScope is the scope of deletions that
// are not all devices', 0 where the server takes none. Once it returns, Device.Restate is false, and the entries stand in the outbox.
func (v *Vault) Restate(ctx context.Context, told map[string]*ledger.Book, historyScope wire.Scope) ([]Entry, error) {
	var out []Entry
	err := v.update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(t *tx) error {
		out = nil
		if !t.dev.Restate {
			return nil // another tab has done it
		}
		ids := make([]string, 0, len(told))
		for id := range told {
			ids = append(ids, id)
		}
		cs, err := t.load(ids...)
		if err != nil {
			return err
		}
		for _, c := range cs {
			if c.book().UnnumberRecalls() {
				c.changeBook()
			}
			lacks := c.book().Lacks(told[c.ID])
			if err := t.restate(c.ID, wire.ScopeBoth, &lacks.Devices, &out); err != nil {
				return err
			}
			if historyScope != 0 {
				if err := t.restate(c.ID, historyScope, &lacks.History, &out); err != nil {
					return err
				}
			}
			if lacks.Read != 0 {
				if err := t.owe(&Entry{Kind: ReadEntry, ConversationID: c.ID, Anchor: lacks.Read}, &out); err != nil {
					return err
				}
			}
		}
		t.dev.Restate, t.devNew = false, true
		return nil
	})
	return out, err
}

// restate queues what brings the server's ledger up to what it lacks.
func (t *tx) restate(conversationID string, scope wire.Scope, l *wire.Ledger, out *[]Entry) error {
	e := Entry{Kind: DeleteEntry, ConversationID: conversationID, Scope: scope}
	if l.Through != 0 {
		e.What, e.Anchor, e.Hide = wire.WhatConversation, l.Through, l.HiddenAt == l.Through+1
		if err := t.owe(&e, out); err != nil {
			return err
		}
	}
	if l.HiddenAt > 1 && l.HiddenAt != l.Through+1 {
		e.What, e.Anchor, e.Hide = wire.WhatNothing, l.HiddenAt-1, true
		if err := t.owe(&e, out); err != nil {
			return err
		}
	}
	for seqs := l.Ranges.Seqs(); len(seqs) > 0; {
		n := min(len(seqs), wire.MaxMessages)
		e.What, e.Hide, e.Ranges, e.Anchor = wire.WhatMessages, false, wire.RangesOf(seqs[:n]...), seqs[n-1]
		if err := t.owe(&e, out); err != nil {
			return err
		}
		seqs = seqs[n:]
	}
	return nil
}

// owe queues one entry under a name of its own.
func (t *tx) owe(e *Entry, out *[]Entry) error {
	if _, err := rand.Read(e.OpID[:]); err != nil {
		return err
	}
	queued, err := t.enqueue(*e)
	*out = append(*out, queued)
	return err
}
