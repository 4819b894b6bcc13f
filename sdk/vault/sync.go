package vault

import (
	"context"

	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Change is what rows from the server did to one conversation on this device.
type Change struct {
	ConversationID string
	Settled        Settled
}

// ApplyRows joins the user's rows from the server, another device's deletions among them, and moves the cursor in the same
// transaction. Those of a new epoch, of a server that was restored, leave it to do to restate what it has forgotten.
func (v *Vault) ApplyRows(ctx context.Context, rows *wire.Rows) ([]Change, error) {
	var out []Change
	// As a rule they tell of what this device has done itself.
	err := v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {
		out = make([]Change, 0, len(rows.Ledgers)+len(rows.Reads)+len(rows.Spans)) // never moved: settle keeps where to tell
		before := map[string]ledger.Book{}
		var touched []string
		cleared := map[string]bool{} // whose history on the server has lost something
		touch := func(id string) (*conv, error) {
			cs, err := t.load(id)
			if err != nil {
				return nil, err
			}
			if _, ok := before[id]; !ok {
				before[id] = cs[0].book().Clone()
				touched = append(touched, id)
			}
			return cs[0], nil
		}
		if err := t.preload(rows); err != nil {
			return err
		}
		for i := range rows.Ledgers {
			r := &rows.Ledgers[i]
			c, err := touch(r.ConversationID)
			if err != nil {
				return err
			}
			if c.joinServer(r.Surface, r.Ledger) {
				cleared[r.ConversationID] = true
			}
		}
		for _, r := range rows.Reads {
			c, err := touch(r.ConversationID)
			if err != nil {
				return err
			}
			if r.UpTo > c.book().ServerRead {
				c.book().ServerRead = r.UpTo
				c.changeBook()
			}
		}
		for i := range rows.Spans {
			c, err := touch(rows.Spans[i].ConversationID)
			if err != nil {
				return err
			}
			if err := t.span(c, &rows.Spans[i]); err != nil {
				return err
			}
		}
		for _, id := range touched {
			b := before[id]
			out = append(out, Change{ConversationID: id})
			if err := t.settle(t.convs[id], &b, &out[len(out)-1].Settled); err != nil {
				return err
			}
			if cleared[id] {
				if err := t.settleHistory(t.convs[id]); err != nil {
					return err
				}
			}
		}
		if t.dev.Epoch != 0 && t.dev.Epoch != rows.Epoch {
			t.dev.Restate = true
		}
		t.dev.Epoch, t.dev.N, t.devNew = rows.Epoch, rows.N, true
		return nil
	})
	return out, err
}

// joinServer takes over what the server has deleted on a surface, and tells whether the history there has lost something.
func (c *conv) joinServer(surface wire.Surface, l wire.Ledger) (cleared bool) {
	c.hearOf(&l)
	switch surface {
	case wire.SurfaceHistory:
		if cleared = c.book().History.Join(l); cleared {
			c.ledgerChange = true
		}
	case wire.SurfaceDevices:
		if c.book().Devices.Join(l) {
			c.changeBook()
		}
	}
	return cleared
}

// hearOf takes from a ledger how far the log had come when it was made: of a conversation that another device has hidden the
// server says nothing else, and what this one was never given of it would count as if it were not there.
func (c *conv) hearOf(l *wire.Ledger) {
	head := max(l.Through, l.Ranges.Max())
	if l.HiddenAt > 0 {
		head = max(head, l.HiddenAt-1)
	}
	c.raise(head)
}

// preload loads all conversations that the rows name at once.
func (t *tx) preload(rows *wire.Rows) error {
	seen := map[string]bool{}
	var ids []string
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for i := range rows.Ledgers {
		add(rows.Ledgers[i].ConversationID)
	}
	for i := range rows.Reads {
		add(rows.Reads[i].ConversationID)
	}
	for i := range rows.Spans {
		add(rows.Spans[i].ConversationID)
	}
	_, err := t.load(ids...)
	return err
}

func (t *tx) span(c *conv, s *wire.SpanRow) error {
	if s.Left > 0 { // what came last before that is pushed to nobody any more: where it is hidden here, only this tells of it
		c.raise(s.Left - 1)
	}
	if c.Record == nil {
		hidden := c.book().HidesConversation() || c.book().History.Hides(c.book().Head)
		if hidden {
			return nil // a newer message brings it back
		}
		if err := t.begin(c, s.Log); err != nil {
			return err
		}
	}
	if c.Record.Log == 0 {
		if err := t.begin(c, s.Log); err != nil {
			return err
		}
	}
	if left := s.Left != 0; left != c.Record.Left {
		// The last messages before leaving, or the first after coming back, may never be pushed.
		c.Record.Left, c.Record.Stale = left, true
	}
	if s.Name != "" {
		c.Record.Name = s.Name
	}
	c.change()
	return nil
}

// ApplyHeads takes over what the server says of conversations that have moved, asked with these heads, if with any. It returns
// those that changed.
func (v *Vault) ApplyHeads(ctx context.Context, states []wire.HeadState, asked ...wire.Head) ([]string, error) {
	marks := make(map[string]uint64, len(asked)) // the server has counted what is unread above these
	for i := range asked {
		marks[asked[i].ConversationID] = asked[i].ReadUpTo
	}
	var out []string
	err := v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {
		out = nil
		ids := make([]string, len(states))
		for i := range states {
			ids[i] = states[i].ConversationID
		}
		cs, err := t.load(ids...)
		if err != nil {
			return err
		}
		for i := range states {
			if m := states[i].Last; m != nil {
				if err := t.hideCancelled(cs[i], []wire.Message{*m}); err != nil {
					return err
				}
			}
			if err := t.head(cs[i], &states[i], marks[ids[i]]); err != nil {
				return err
			}
			if m := states[i].Last; m != nil {
				if err := t.arrived(cs[i], states[i].Log, []wire.Message{*m}); err != nil {
					return err
				}
			}
			out = append(out, ids[i])
		}
		return nil
	})
	return out, err
}

func (t *tx) head(c *conv, s *wire.HeadState, asked uint64) error {
	book := c.book()
	book.Raise(s.Head) // what is above it came while this was asked
	book.ServerRead = max(book.ServerRead, s.ReadUpTo)
	book.Log = s.Log
	c.ledgerChange = true
	if c.Record == nil && (isRoom(c.ID) || book.HidesConversation() || s.Head == 0 && book.History.Hides(0)) {
		return nil
	}
	if err := t.begin(c, s.Log); err != nil {
		return err
	}
	r := c.Record
	r.Time = max(r.Time, s.Time)
	r.Unread = s.Unread
	r.Stale = false
	if book.ReadUpTo() >= book.Head {
		r.Unread = 0
	}
	hidden := hiddenUnread(book, s.Head)
	r.Unread -= min(hidden, r.Unread)
	whole, err := t.countAbove(c, s.Head)
	if err != nil {
		return err
	}
	r.Recount = hidden > 0 || len(book.Bounds) > 0
	if m := s.Last; m != nil && !book.Hides(m.Seq, m.Time) {
		if r.Last == nil { // what this device still has may be newer than what the history on the server has left
			newer, _, err := t.rowsBelow(r.Ordinal, book, book.Head+1, m.Seq+1, 1)
			if err != nil {
				return err
			}
			for _, row := range newer {
				c.showLast(row)
			}
		}
		c.showLast(Row{Message: *m, Slot: uint32(m.Seq)})
	}
	c.change()
	if err = t.recountCovered(c); err == nil {
		err = t.settleLast(c)
	}
	// This was the answer; what is still missing comes with a page. Where this device has read more than the server had heard, what
	// it counted has to be asked again.
	r.Stale = !whole || s.Unread > 0 && book.ReadUpTo() > max(s.ReadUpTo, asked)
	return err
}
