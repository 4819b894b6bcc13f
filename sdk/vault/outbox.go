package vault

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Owed is what this device owes the server.
type Owed struct {
	Entries []Entry // oldest first
	// Next is the number of the next entry: what is below it and not among Entries has been settled …
	Next uint64
	// … well, unless it is here.
	Refused map[uint64]wire.Code
	// Behind: other tabs have committed since this one read the whole database. It shows in the device's record, in which every
	// deletion of what is shown counts a note or an entry.
	Behind bool
}

// Owed reads what this device still owes the server. With reload it reads again into memory, in the same transaction, what other
// tabs may have changed; Behind is as it was before.
func (v *Vault) Owed(ctx context.Context, reload bool) (out Owed, err error) {
	if reload {
		v.write.Lock()
		defer v.write.Unlock()
	}
	err = v.view(ctx, func(t *tx) error {
		if err := t.readDevice(); err != nil {
			return err
		}
		entries, err := t.allEntries()
		if err != nil {
			return err
		}
		r, err := t.refusals()
		if err != nil {
			return err
		}
		out.Entries, out.Next, out.Refused = entries, t.dev.NextEntry, map[uint64]wire.Code{}
		out.Behind = out.Behind || v.isBehind(t.dev) // a second look finds what the first has taken
		for i, n := range r.Entries {
			out.Refused[n] = wire.Code(r.Codes[i])
		}
		if !reload {
			return nil
		}
		records, err := t.allRecords()
		if err != nil {
			return err
		}
		ledgers, err := t.allLedgers()
		if err == nil {
			v.take(t.dev, records, ledgers)
		}
		return err
	})
	return out, err
}

// allEntries reads every entry; those that cannot be read are noted as spoilt, and Open says so.
func (t *tx) allEntries() (entries []Entry, err error) {
	err = t.each(tableOutbox, func(e kv.Entry) error {
		entry := Entry{N: uint64(e.Key)}
		_, err := t.decode(tableOutbox, e.Value, &entry)
		if err == nil {
			entries = append(entries, entry)
		}
		return err
	})
	return entries, err
}

// keptRefusals is how many refusals are remembered: more than one call can bring.
const keptRefusals = 256

func (t *tx) refusals() (r Refusals, err error) {
	values, err := t.Get(tableDevice, 2)
	if err != nil || values[0] == nil {
		return r, err
	}
	_, err = t.decode(tableDevice, values[0], &r)
	if errors.Is(err, ErrUnreadable) || len(r.Codes) != len(r.Entries) {
		return Refusals{}, nil // what cannot be read says nothing
	}
	return r, err
}

// refuse remembers that entries did not end well.
func (t *tx) refuse(code wire.Code, entries ...uint64) error {
	if len(entries) == 0 {
		return nil
	}
	r, err := t.refusals()
	if err != nil {
		return err
	}
	for _, n := range entries {
		r.Entries, r.Codes = append(r.Entries, n), append(r.Codes, int32(code))
	}
	more := max(0, len(r.Entries)-keptRefusals)
	r.Entries, r.Codes = r.Entries[more:], r.Codes[more:]
	return t.put(tableDevice, 2, &r)
}

// takeEntry drops an entry. It is not here if another tab has settled it, or a deletion has replaced it.
func (t *tx) takeEntry(e *Entry) (here bool, err error) {
	if here, err = t.entryHere(e); err != nil || !here {
		return false, err
	}
	return true, t.Delete(tableOutbox, kv.Span{From: kv.Key(e.N), To: kv.Key(e.N)})
}

// entryHere tells whether an entry still stands. Its number is not enough: a device that was begun anew counts from the start.
func (t *tx) entryHere(e *Entry) (bool, error) {
	values, err := t.Get(tableOutbox, kv.Key(e.N))
	if err != nil || values[0] == nil {
		return false, err
	}
	var stored Entry
	if _, err := t.decode(tableOutbox, values[0], &stored); err != nil {
		return false, err
	}
	return stored.OpID == e.OpID && stored.SendID == e.SendID, nil
}

// Settle drops an outbox entry that needs nothing more here: it was acknowledged (code OK), or refused for good. It is not here
// if another tab was faster.
func (v *Vault) Settle(ctx context.Context, e Entry, code wire.Code) (here bool, err error) {
	if code != wire.OK {
		err = v.update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(t *tx) error {
			if here, err = t.takeEntry(&e); err != nil || !here {
				return err
			}
			return t.refuse(code, e.N)
		})
		return here, err
	}
	v.enter()
	defer v.leave()
	// It writes no key and reads nothing but what the device's opens, so it needs no lock.
	err = v.persist(ctx, func() error {
		t := v.newTx(keys{known: map[uint32]secret{deviceSlot: v.key}})
		return v.store.Update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(x kv.Tx) (err error) {
			t.Tx = x
			here, err = t.takeEntry(&e)
			return err
		})
	})
	return here, err
}

// Acknowledged drops a deletion's entry and, where it was by time, replaces the time by the seq that the server resolved. What the
// server's ledgers have now joins the book, though its rows will tell (ApplyRows): if it is restored from a backup before they
// do, nothing else would say what to restate. synced: deletions reach all of the user's devices.
func (v *Vault) Acknowledged(ctx context.Context, e Entry, ack *wire.DeleteAck, synced bool) (out Settled, here bool, err error) {
	add := wire.Ledger{Through: ack.Through, Ranges: e.Ranges}
	if e.Hide {
		add.HiddenAt = e.Anchor + 1
	}
	return v.settleEntry(ctx, e, add, synced, func(c *conv) {
		if e.What == wire.WhatTime && e.Scope.Local() {
			c.book().Resolve(ledger.Bound{Before: e.Before, Anchor: e.Anchor}, ack.Through)
			c.changeBook()
		}
	})
}

// Cancelled drops a cancel's entry. Had the message arrived, its seq joins the ledger that the deletion named, and the server's as
// in Acknowledged.
func (v *Vault) Cancelled(ctx context.Context, e Entry, ack *wire.CancelAck, synced bool) (out Settled, here bool, err error) {
	if ack.Never {
		here, err = v.Settle(ctx, e, wire.OK)
		return out, here, err
	}
	add := wire.Ledger{Ranges: wire.RangesOf(ack.Seq)}
	if e.Hide {
		add.HiddenAt = ack.Seq + 1
	}
	return v.settleEntry(ctx, e, add, synced, func(c *conv) {
		if e.Scope.Local() {
			c.raiseBy(ack.Seq)
			c.book().Local.Join(add)
			c.changeBook()
		}
	})
}

// settleEntry drops an entry together with what its answer does to the conversation's book: what it does here, and what the
// server's ledgers have of it.
func (v *Vault) settleEntry(ctx context.Context, e Entry, add wire.Ledger, synced bool, here func(*conv)) (out Settled, stood bool, err error) {
	err = v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {
		out = Settled{}
		if stood, err = t.takeEntry(&e); err != nil || !stood {
			return err
		}
		cs, err := t.load(e.ConversationID)
		if err != nil {
			return err
		}
		c, cleared := cs[0], false
		before := c.book().Clone()
		here(c)
		if e.Scope.Remote() {
			cleared = c.joinServer(wire.SurfaceHistory, add)
			if synced && e.Scope.Local() {
				c.joinServer(wire.SurfaceDevices, add)
			}
		}
		if err := t.settle(c, &before, &out); err != nil || !cleared {
			return err
		}
		return t.settleHistory(c)
	})
	return out, stood, err
}

// MarkRead moves this user's read mark to the newest message and queues it. No entry: it was there already.
func (v *Vault) MarkRead(ctx context.Context, conversationID string) (*Entry, error) {
	var out *Entry
	err := v.updateOf(ctx, []string{conversationID}, kv.Relaxed, []kv.Table{tableOutbox}, func(t *tx) error {
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
	ctx, err := v.takeIn(ctx)
	if err != nil {
		return err
	}
	return v.updateOf(ctx, []string{conversationID}, kv.Relaxed, nil, func(t *tx) error {
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
