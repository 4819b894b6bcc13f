package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Sending is an unsent message and its outbox entry.
type Sending struct {
	Ordinal uint64
	Row     Row
	Entry   Entry
	// Gone: it was deleted before its place was known here. Settled says what that did.
	Gone    bool
	Settled Settled
}

// Append stores a message to be sent together with its outbox entry, durably. m has the device's time and a new SendID.
func (v *Vault) Append(ctx context.Context, conversationID string, m wire.Message) (Sending, error) {
	var out Sending
	ctx, err := v.takeIn(ctx)
	if err != nil {
		return out, err
	}
	err = v.updateOf(ctx, []string{conversationID}, kv.Strict, []kv.Table{tableTail, tableOutbox}, func(t *tx) error {
		out = Sending{}
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if err := t.begin(c, 0); err != nil {
			return err
		}
		slot := uint64(FirstSlot) + uint64(c.Record.NextSlot)
		if slot > 1<<32-1 {
			return wire.Errorf(wire.StorageFull, "conversation has used all slots for unsent messages")
		}
		c.Record.NextSlot++
		c.Record.Time = max(c.Record.Time, m.Time)
		out.Ordinal = c.Record.Ordinal
		out.Row = Row{Message: m, Status: Unsent, Slot: uint32(slot)}
		c.showLast(out.Row)
		c.change()
		if err := t.putUnder(c, tableTail, place(out.Ordinal, slot), &out.Row); err != nil {
			return err
		}
		out.Entry, err = t.enqueue(Entry{
			Kind: SendEntry, ConversationID: conversationID, SendID: m.SendID, Ordinal: out.Ordinal, Slot: out.Row.Slot,
		})
		return err
	})
	return out, err
}

// Pending reads the message of a SendEntry; false if it is gone.
func (v *Vault) Pending(ctx context.Context, e Entry) (row Row, ok bool, err error) {
	err = v.view(ctx, func(t *tx) error {
		values, err := t.Get(tableTail, place(e.Ordinal, uint64(e.Slot)))
		if err != nil || values[0] == nil {
			return err
		}
		ok, row.Slot = true, e.Slot
		if _, err = t.decode(tableTail, values[0], &row); errors.Is(err, ErrUnreadable) {
			ok, err = false, nil
		}
		return err
	})
	return row, ok, err
}

// FirstAttempt keeps when a send was first tried, before it is.
func (v *Vault) FirstAttempt(ctx context.Context, e Entry, serverTime int64) error {
	return v.update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(t *tx) error {
		if here, err := t.entryHere(&e); err != nil || !here {
			return err
		}
		e.FirstAttempt = serverTime
		return t.put(tableOutbox, kv.Key(e.N), &e)
	})
}

// Sent gives an acknowledged message its lasting place, unless the book hides that place. ok is false if it was deleted here
// meanwhile: its cancel decides then.
func (v *Vault) Sent(ctx context.Context, e Entry, ack wire.SendAck) (out Sending, ok bool, err error) {
	err = v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {
		out = Sending{}
		ok, err = t.sent(e, ack.Log, wire.Message{Seq: ack.Seq, Time: ack.Time}, &out)
		return err
	})
	return out, ok, err
}

// sent gives a message its lasting place; at is the message as the server has it, of which the answer to a send tells the place
// alone. ok is false if there is no such send any more.
func (t *tx) sent(e Entry, log uint64, at wire.Message, out *Sending) (ok bool, err error) {
	row, c, err := t.settled(e)
	if err != nil || c == nil {
		return false, err
	}
	if at.Type != "" {
		row.Message = at
	}
	row.Message.Seq, row.Message.Time = at.Seq, at.Time
	row.Status, row.Slot = Success, uint32(at.Seq)
	recallInto(c.book(), &row.Message)
	if err := t.begin(c, log); err != nil {
		return false, err
	}
	if row.Message.Type == wire.TypeRecalled { // before this device knew where it stands
		if err := t.noteRecalled(c); err != nil {
			return false, err
		}
	}
	c.raiseBy(at.Seq)
	here := c.Record.Covered.Has(at.Seq) // its push or page was faster
	c.Record.Covered = c.Record.Covered.Add(ledger.Interval{From: at.Seq, To: at.Seq})
	c.Record.Time = max(c.Record.Time, at.Time)
	c.change()
	*out = Sending{Ordinal: c.Record.Ordinal, Row: row, Entry: e}
	if err := t.put(tableSent, place(e.Ordinal, uint64(e.Slot)), &Sent{Seq: at.Seq}); err != nil {
		return false, err
	}
	if c.book().Hides(at.Seq, at.Time) { // deleted, as by another device, before this one knew where it stands
		before := c.book().Clone()
		out.Gone, out.Settled.Slots = true, []uint32{e.Slot}
		return true, t.settle(c, &before, &out.Settled)
	}
	if c.Record.LastSlot == e.Slot {
		c.Record.Last, c.Record.LastSlot = &row, row.Slot
		pending, err := t.pending(c.Record)
		if err != nil {
			return false, err
		}
		newer, _, err := t.rowsBelow(c.Record.Ordinal, c.book(), c.book().Head+1, at.Seq+1, 1)
		if err != nil {
			return false, err
		}
		for _, r := range append(newer, pending[:min(1, len(pending))]...) { // what was faster than the answer; one that failed, or overtook
			c.showLast(r)
		}
	}
	if here {
		return true, nil
	}
	return true, t.putUnder(c, tableTail, place(e.Ordinal, at.Seq), &row)
}

// arrived gives messages their lasting places whose sends nobody has answered yet: in another tab a push, a page or a head may be
// faster than the answer. A deletion that covers the place must not leave them among the unsent.
func (t *tx) arrived(c *conv, log uint64, messages []wire.Message) error {
	own := func(m wire.Message) bool { return m.From == t.v.user }
	if !slices.ContainsFunc(messages, own) {
		return nil
	}
	entries, err := t.allEntries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Kind != SendEntry || e.ConversationID != c.ID {
			continue
		}
		for _, m := range messages {
			if !own(m) || m.SendID != e.SendID {
				continue
			}
			ok, err := t.sent(e, log, m, &Sending{})
			if err != nil {
				return err
			}
			t.arrivals = t.arrivals || ok
		}
	}
	return nil
}

// arrivedIn is arrived for a page that is stored. v.write is held.
func (v *Vault) arrivedIn(ctx context.Context, conversationID string, page *Page) error {
	return v.asNeeded(func(d kv.Durability) error {
		return v.updateLocked(ctx, d, deleteTables, func(t *tx) error {
			cs, err := t.load(conversationID)
			if err != nil || cs[0].Record == nil {
				return err
			}
			for i := range page.Batches {
				messages, err := page.Batches[i].Messages()
				if err != nil {
					continue // a block that is broken becomes a gap
				}
				if err := t.arrived(cs[0], page.Log, messages); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Arrived tells, once, whether sends have got their places otherwise than by their answers: what is owed is less than before.
func (v *Vault) Arrived() bool { return v.arrivals.Swap(false) }

// Refused marks a message as failed for good and drops its outbox entry. ok is false if it was deleted meanwhile.
func (v *Vault) Refused(ctx context.Context, e Entry, code wire.Code) (out Sending, ok bool, err error) {
	err = v.update(ctx, kv.Relaxed, []kv.Table{tableTail, tableOutbox}, func(t *tx) error {
		out, ok = Sending{}, false
		row, c, err := t.settled(e)
		if err != nil || c == nil {
			return err
		}
		row.Status, row.Slot = Failed, e.Slot
		if c.Record.LastSlot == e.Slot {
			c.Record.Last = &row
		}
		c.change()
		out, ok = Sending{Ordinal: c.Record.Ordinal, Row: row, Entry: e}, true
		if err := t.refuse(code, e.N); err != nil {
			return err
		}
		return t.putUnder(c, tableTail, place(e.Ordinal, uint64(e.Slot)), &row)
	})
	return out, ok, err
}

// settled takes a send's entry and provisional row away; no conv if there is none any more.
func (t *tx) settled(e Entry) (row Row, c *conv, err error) {
	here, err := t.entryHere(&e)
	if err != nil || !here {
		return row, nil, err
	}
	values, err := t.Get(tableTail, place(e.Ordinal, uint64(e.Slot)))
	if err != nil {
		return row, nil, err
	}
	cs, err := t.load(e.ConversationID)
	if err != nil {
		return row, nil, err
	}
	if err := t.Tx.Delete(tableOutbox, kv.Span{From: kv.Key(e.N), To: kv.Key(e.N)}); err != nil {
		return row, nil, err
	}
	if values[0] == nil || cs[0].Record == nil || cs[0].Record.Ordinal != e.Ordinal {
		return row, nil, nil
	}
	if _, err := t.decode(tableTail, values[0], &row); err != nil {
		return row, nil, err
	}
	p := place(e.Ordinal, uint64(e.Slot))
	return row, cs[0], t.Tx.Delete(tableTail, kv.Span{From: p, To: p})
}

// FindSent finds the row that a provisional slot led to; false if it has been deleted since.
func (v *Vault) FindSent(ctx context.Context, conversationID string, ordinal uint64, slot uint32) (row Row, now uint64, ok bool, err error) {
	err = v.view(ctx, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		values, err := t.Get(tableSent, place(ordinal, uint64(slot)))
		if err != nil || values[0] == nil || !cs[0].has(ordinal) {
			return err
		}
		var s Sent
		if _, err := t.decode(tableSent, values[0], &s); errors.Is(err, ErrUnreadable) {
			return nil
		} else if err != nil {
			return err
		}
		rows, _, err := t.rowsBelow(ordinal, cs[0].book(), s.Seq+1, s.Seq, 1)
		if err != nil || len(rows) == 0 {
			return err
		}
		row, now, ok = rows[0], ordinal, true
		return nil
	})
	return row, now, ok, err
}

// SentSeq is the seq that a provisional slot of an ordinal led to; false while it is unsent, and once the ordinal has gone.
func (v *Vault) SentSeq(ctx context.Context, conversationID string, ordinal uint64, slot uint32) (seq uint64, ok bool, err error) {
	err = v.view(ctx, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		seqs, _, err := t.resolveSlots(cs[0], Deletion{Slots: []uint32{slot}, Ordinal: ordinal})
		if err == nil && len(seqs) == 1 {
			seq, ok = seqs[0], true
		}
		return err
	})
	return seq, ok, err
}
