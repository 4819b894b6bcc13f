package vault

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Sending is an unsent message and its outbox entry.
type Sending struct {
	Ordinal uint64
	Row     Row
	Entry   Entry
}

// Append stores a message to be sent together with its outbox entry, durably. m has the device's time and a new SendID.
func (v *Vault) Append(ctx context.Context, conversationID string, m wire.Message) (Sending, error) {
	var out Sending
	err := v.update(ctx, kv.Strict, []kv.Table{tableTail, tableOutbox}, func(t *tx) error {
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
		if _, err = t.decode(tableTail, values[0], &row); errors.Is(err, errUnreadable) {
			ok, err = false, nil
		}
		return err
	})
	return row, ok, err
}

// FirstAttempt keeps when a send was first tried, before it is.
func (v *Vault) FirstAttempt(ctx context.Context, e Entry, serverTime int64) error {
	return v.update(ctx, kv.Relaxed, []kv.Table{tableOutbox}, func(t *tx) error {
		if here, err := t.entryHere(e.N); err != nil || !here {
			return err
		}
		e.FirstAttempt = serverTime
		return t.put(tableOutbox, kv.Key(e.N), &e)
	})
}

func (t *tx) entryHere(n uint64) (bool, error) {
	values, err := t.Get(tableOutbox, kv.Key(n))
	return err == nil && values[0] != nil, err
}

// Sent gives an acknowledged message its lasting place. ok is false if it was deleted meanwhile: its cancel decides then.
func (v *Vault) Sent(ctx context.Context, e Entry, ack wire.SendAck) (out Sending, ok bool, err error) {
	err = v.update(ctx, kv.Relaxed, []kv.Table{tableTail, tableSent, tableOutbox}, func(t *tx) error {
		out, ok = Sending{}, false
		row, c, err := t.settled(e)
		if err != nil || c == nil {
			return err
		}
		book := c.book()
		row.Status, row.Slot = Success, uint32(ack.Seq)
		row.Message.Seq, row.Message.Time = ack.Seq, ack.Time
		if err := t.begin(c, ack.Log); err != nil {
			return err
		}
		if ack.Seq > book.Head+1 {
			c.Record.Stale = true
		}
		if book.Raise(ack.Seq) {
			c.ledgerChange = true
		}
		here := c.Record.Covered.Has(ack.Seq) // its push or page was faster
		c.Record.Covered = c.Record.Covered.Add(ledger.Interval{From: ack.Seq, To: ack.Seq})
		c.Record.Time = max(c.Record.Time, ack.Time)
		if c.Record.LastSlot == e.Slot {
			c.Record.Last, c.Record.LastSlot = &row, row.Slot
		}
		c.change()
		out, ok = Sending{Ordinal: c.Record.Ordinal, Row: row, Entry: e}, true
		if err := t.put(tableSent, place(e.Ordinal, uint64(e.Slot)), &Sent{Seq: ack.Seq}); err != nil || here {
			return err
		}
		return t.putUnder(c, tableTail, place(e.Ordinal, ack.Seq), &row)
	})
	return out, ok, err
}

// Refused marks a message as failed for good and drops its outbox entry. ok is false if it was deleted meanwhile.
func (v *Vault) Refused(ctx context.Context, e Entry) (out Sending, ok bool, err error) {
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
		return t.putUnder(c, tableTail, place(e.Ordinal, uint64(e.Slot)), &row)
	})
	return out, ok, err
}

// settled takes a send's entry and provisional row away; no conv if there is none any more.
func (t *tx) settled(e Entry) (row Row, c *conv, err error) {
	here, err := t.entryHere(e.N)
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
		if err != nil || values[0] == nil || cs[0].Record == nil || cs[0].Record.Ordinal != ordinal {
			return err
		}
		var s Sent
		if _, err := t.decode(tableSent, values[0], &s); err != nil {
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

// SentSeq is the seq that a provisional slot led to; false while it is unsent.
func (v *Vault) SentSeq(ctx context.Context, conversationID string, slot uint32) (seq uint64, ok bool, err error) {
	err = v.view(ctx, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		seqs, _, err := t.resolveSlots(cs[0], Deletion{Slots: []uint32{slot}})
		if err == nil && len(seqs) == 1 {
			seq, ok = seqs[0], true
		}
		return err
	})
	return seq, ok, err
}
