package vault

import (
	"context"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Deletion is one operation on one conversation.
type Deletion struct {
	ConversationID string
	OpID           wire.ID
	Scope          wire.Scope
	What           wire.What
	UpTo           uint64   // lowers the anchor; 0 = the head that this device knows
	Before         int64    // WhatTime
	Seqs           []uint64 // WhatMessages
	Slots          []uint32 // WhatMessages: provisional slots of unsent messages, or of ones sent since …
	Ordinal        uint64   // … of this ordinal
	Hide           bool
}

// Deleted is what became of one operation on this device.
type Deleted struct {
	ConversationID string
	OpID           wire.ID
	Err            error   // refused alone, nothing was changed for it
	Entries        []Entry // what the server is owed
	Settled        Settled
}

// Settled is what a change of ledgers did to this device beside what the books say.
type Settled struct {
	Slots   []uint32 // unsent messages that went
	Left    bool     // the device has left the room
	Garbage bool     // rows wait for reclaim …
	Ordinal uint64   // … of this ordinal
	Note    uint64   // … by this note
	Erased  bool     // their keys are destroyed already, so that nothing is left of them but bytes
}

var deleteTables = []kv.Table{tableSegments, tableTail, tableSent, tableOutbox, tableGarbage}

// Delete carries out deletions on this device and queues what the server is owed, in ONE strict transaction: all of it is
// durable when it returns nil, and nothing has happened otherwise. No view shows the rows from now on; the keys of whole
// deletions are destroyed by then too (Settled.Erased), and Reclaim does the rest.
func (v *Vault) Delete(ctx context.Context, deletions []Deletion) ([]Deleted, error) {
	var out []Deleted
	ids := make([]string, len(deletions))
	for i, d := range deletions {
		ids[i] = d.ConversationID
	}
	err := v.updateOf(ctx, ids, kv.Strict, deleteTables, func(t *tx) error {
		out = make([]Deleted, len(deletions))
		cs, err := t.load(ids...)
		if err != nil {
			return err
		}
		for i, d := range deletions {
			out[i] = Deleted{ConversationID: d.ConversationID, OpID: d.OpID}
			if err := t.delete(cs[i], d, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (t *tx) delete(c *conv, d Deletion, out *Deleted) error {
	book := c.book()
	if c.Record == nil && !c.known {
		out.Err = wire.Errorf(wire.ConversationNotFound, "no conversation %q", c.ID)
		return nil
	}
	anchor := book.Head
	if d.UpTo != 0 {
		anchor = min(anchor, d.UpTo)
	}
	seqs, slots, err := t.resolveSlots(c, d)
	if err != nil {
		return err
	}
	if len(d.Slots) > 0 && d.Scope.Remote() && !c.has(d.Ordinal) {
		out.Err = wire.Errorf(wire.MessageNotFound, "a message of %q that is named by its number was deleted here meanwhile", c.ID)
		return nil // nothing tells any more where it is on the server
	}
	for _, s := range seqs {
		if s > anchor {
			out.Err = wire.Errorf(wire.MessageNotFound, "no message %d in %q", s, c.ID)
			return nil
		}
	}
	if d.Scope.Local() {
		if err := t.deleteHere(c, d, anchor, seqs, slots, out); err != nil {
			return err
		}
		if !out.Settled.Garbage { // it was gone already, but maybe not all the way
			if err := t.stillErasing(c, &out.Settled); err != nil {
				return err
			}
		}
	}
	if !d.Scope.Remote() || d.What == wire.WhatMessages && len(seqs) == 0 {
		return nil
	}
	if book.Log == 0 && anchor == 0 {
		return nil // only unsent messages were here: the server has no such conversation of this user yet
	}
	e, err := t.enqueue(Entry{
		Kind: DeleteEntry, ConversationID: c.ID, OpID: d.OpID, Scope: d.Scope, What: d.What, Anchor: anchor,
		Before: d.Before, Ranges: wire.RangesOf(seqs...), Hide: d.Hide,
	})
	out.Entries = append(out.Entries, e)
	return err
}

// has tells whether the conversation's rows are under an ordinal. It has another one since it was emptied.
func (c *conv) has(ordinal uint64) bool { return c.Record != nil && c.Record.Ordinal == ordinal }

// resolveSlots finds what has become of provisional slots: sent since (a seq), still unsent, or neither with their ordinal.
func (t *tx) resolveSlots(c *conv, d Deletion) (seqs []uint64, slots []uint32, err error) {
	seqs = append(seqs, d.Seqs...)
	if len(d.Slots) == 0 || !c.has(d.Ordinal) {
		return seqs, nil, nil
	}
	keys := make([]kv.Key, len(d.Slots))
	for i, s := range d.Slots {
		keys[i] = place(c.Record.Ordinal, uint64(s))
	}
	values, err := t.Get(tableSent, keys...)
	if err != nil {
		return nil, nil, err
	}
	for i, value := range values {
		if value == nil {
			slots = append(slots, d.Slots[i])
			continue
		}
		var s Sent
		if _, err := t.decode(tableSent, value, &s); err != nil {
			return nil, nil, err
		}
		seqs = append(seqs, s.Seq)
	}
	return seqs, slots, nil
}

func (t *tx) deleteHere(c *conv, d Deletion, anchor uint64, seqs []uint64, slots []uint32, out *Deleted) error {
	book := c.book()
	before := book.Clone()
	whole := d.What == wire.WhatConversation && d.UpTo == 0
	if whole && c.Record != nil {
		// Unsent messages belong to the conversation that goes.
		pending, err := t.pending(c.Record)
		if err != nil {
			return err
		}
		for _, row := range pending {
			slots = append(slots, row.Slot)
		}
	}
	if whole && c.Record != nil && c.Record.Draft != "" {
		c.Record.Draft, c.stained = "", true // so does what was typed, also where no message is left to delete
		c.change()
	}
	if err := t.takeBack(c, d, slots, out); err != nil {
		return err
	}
	join := wire.Ledger{Ranges: wire.RangesOf(seqs...)}
	bounded := false // a new deletion by time whose seq is not known yet
	switch d.What {
	case wire.WhatConversation:
		join.Through = anchor
	case wire.WhatTime:
		if c.Record == nil {
			break // nothing is held
		}
		through, resolved, err := t.seqBefore(c, d.Before, anchor)
		if err != nil {
			return err
		}
		if resolved {
			join.Through = through
		} else {
			bounded = book.JoinBound(ledger.Bound{Before: d.Before, Anchor: anchor})
		}
	}
	if d.Hide {
		join.HiddenAt = anchor + 1
	}
	joined := book.Local.Join(join)
	out.Settled.Slots = slots
	if !joined && !bounded && len(slots) == 0 && !c.stained {
		return nil
	}
	c.changeBook()
	return t.settle(c, &before, &out.Settled)
}

// takeBack removes unsent messages; whatever may have left is cancelled at the server.
func (t *tx) takeBack(c *conv, d Deletion, slots []uint32, out *Deleted) error {
	if len(slots) == 0 {
		return nil
	}
	entries, err := t.Scan(tableOutbox, kv.All, 0, false)
	if err != nil {
		return err
	}
	gone := make(map[uint32]bool, len(slots))
	for _, s := range slots {
		gone[s] = true
		p := place(c.Record.Ordinal, uint64(s))
		if err := t.Tx.Delete(tableTail, kv.Span{From: p, To: p}); err != nil {
			return err
		}
	}
	var cancelled []uint64
	for _, x := range entries {
		var e Entry
		if _, err := t.decode(tableOutbox, x.Value, &e); err != nil {
			return err
		}
		if e.Kind != SendEntry || e.Ordinal != c.Record.Ordinal || !gone[e.Slot] {
			continue
		}
		if err := t.Tx.Delete(tableOutbox, kv.Span{From: x.Key, To: x.Key}); err != nil {
			return err
		}
		cancelled = append(cancelled, uint64(x.Key))
		cancel, err := t.enqueue(Entry{
			Kind: CancelEntry, ConversationID: c.ID, OpID: opID(d.OpID, len(out.Entries)+1), SendID: e.SendID,
			Scope: d.Scope, Hide: d.Hide,
		})
		if err != nil {
			return err
		}
		out.Entries = append(out.Entries, cancel)
	}
	return t.refuse(wire.SendCancelled, cancelled...)
}

// opID derives the names of the operations that belong to one deletion.
func opID(base wire.ID, i int) wire.ID {
	base[14] ^= byte(i >> 8)
	base[15] ^= byte(i)
	return base
}
