package vault

import (
	"context"

	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Received is what new messages did to a conversation.
type Received struct {
	Ordinal uint64
	Rows    []Row // the visible ones, oldest first, also where a page was faster to bring them
	Fold    bool  // a segment is full: fold the tail
}

// Receive stores pushed messages in the tail. What is here already, or hidden, is not stored; a newer message brings a hidden
// conversation back with what its ledgers leave.
func (v *Vault) Receive(ctx context.Context, e *wire.MessagesEvent) (Received, error) {
	var out Received
	ctx, err := v.takeIn(ctx)
	if err != nil {
		return out, err
	}
	err = v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {
		out = Received{}
		cs, err := t.load(e.ConversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if c.Record == nil && isRoom(c.ID) {
			return nil // left meanwhile
		}
		if err := t.begin(c, e.Log); err != nil {
			return err
		}
		out.Ordinal = c.Record.Ordinal
		if err := t.hideCancelled(c, e.Messages); err != nil {
			return err
		}
		for i := range e.Messages {
			m := &e.Messages[i]
			recallInto(c.book(), m)
			if c.Record.Covered.Has(m.Seq) && !c.book().Hides(m.Seq, m.Time) {
				out.Rows = append(out.Rows, Row{Message: *m, Slot: uint32(m.Seq)})
			}
			if c.Record.Covered.Has(m.Seq) || m.Seq <= c.book().Through() {
				continue
			}
			if err := t.receive(c, m, &out); err != nil {
				return err
			}
		}
		c.change()
		if err := t.recountCovered(c); err != nil {
			return err
		}
		return t.arrived(c, e.Log, e.Messages)
	})
	return out, err
}

func isRoom(conversationID string) bool {
	c, err := wire.ParseConversation(conversationID)
	return err == nil && c.Kind == wire.RoomKind
}

func (t *tx) receive(c *conv, m *wire.Message, out *Received) error {
	book := c.book()
	fresh := c.raiseBy(m.Seq)
	c.Record.Covered = c.Record.Covered.Add(ledger.Interval{From: m.Seq, To: m.Seq})
	c.Record.Time = max(c.Record.Time, m.Time)
	if book.Hides(m.Seq, m.Time) {
		return nil
	}
	row := Row{Message: *m, Slot: uint32(m.Seq)}
	out.Rows = append(out.Rows, row)
	out.Fold = out.Fold || m.Seq%wire.SegmentSize == wire.SegmentSize-1
	if fresh && m.From != t.v.user && m.Seq > book.ReadUpTo() {
		c.Record.Unread++
	}
	c.showLast(row)
	return t.putUnder(c, tableTail, place(c.Record.Ordinal, m.Seq), &row)
}

// raise joins a head that was heard of without the messages below it: only the server can count those.
func (c *conv) raise(head uint64) {
	if !c.book().Raise(head) {
		return
	}
	c.ledgerChange = true
	if c.Record != nil {
		c.Record.Stale = true
		c.change()
	}
}

// raiseBy joins the head that a message brings which the caller counts, and tells whether it is a new one: those between, if any,
// were missed.
func (c *conv) raiseBy(seq uint64) (fresh bool) {
	c.raise(max(seq, 1) - 1)
	fresh = c.book().Raise(seq)
	c.ledgerChange = c.ledgerChange || fresh
	return fresh
}

// showLast makes the row the preview if it is newer; unsent messages are the newest.
func (c *conv) showLast(row Row) {
	if c.Record.Last == nil || row.Slot > c.Record.LastSlot {
		c.Record.Last, c.Record.LastSlot = &row, row.Slot
	}
}
