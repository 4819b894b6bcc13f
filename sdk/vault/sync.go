package vault

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Change is what rows from the server did to one conversation on this device.
type Change struct {
	ConversationID string
	Settled        Settled
}

// ApplyRows joins the user's rows from the server, another device's deletions among them, and moves the cursor in the same
// transaction. Rows of a new epoch replace what the server had sent before.
func (v *Vault) ApplyRows(ctx context.Context, rows *wire.Rows) ([]Change, error) {
	out, err := v.applyRows(ctx, kv.Relaxed, rows) // as a rule they tell of what this device has done itself
	if errors.Is(err, errStrict) {
		out, err = v.applyRows(ctx, kv.Strict, rows)
	}
	return out, err
}

func (v *Vault) applyRows(ctx context.Context, d kv.Durability, rows *wire.Rows) ([]Change, error) {
	var out []Change
	err := v.update(ctx, d, deleteTables, func(t *tx) error {
		out = make([]Change, 0, len(rows.Ledgers)+len(rows.Reads)+len(rows.Spans)) // never moved: settle keeps where to tell
		before := map[string]ledger.Book{}
		touch := func(id string) (*conv, error) {
			cs, err := t.load(id)
			if err != nil {
				return nil, err
			}
			if _, ok := before[id]; !ok {
				before[id] = cs[0].book().Clone()
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
			switch r.Surface {
			case wire.SurfaceHistory:
				c.ledgerChange = c.book().History.Join(r.Ledger) || c.ledgerChange
			case wire.SurfaceDevices:
				if c.book().Devices.Join(r.Ledger) {
					c.changeBook()
				}
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
		for id, b := range before {
			out = append(out, Change{ConversationID: id})
			if err := t.settle(t.convs[id], &b, &out[len(out)-1].Settled); err != nil {
				return err
			}
		}
		t.dev.Epoch, t.dev.N, t.devNew = rows.Epoch, rows.N, true
		return nil
	})
	return out, err
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
	c.Record.Left = s.Left != 0
	if s.Name != "" {
		c.Record.Name = s.Name
	}
	c.change()
	return nil
}

// ApplyHeads takes over what the server says of conversations that have moved. It returns those that changed.
func (v *Vault) ApplyHeads(ctx context.Context, states []wire.HeadState) ([]string, error) {
	var out []string
	err := v.update(ctx, kv.Relaxed, deleteTables, func(t *tx) error {
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
			if err := t.head(cs[i], &states[i]); err != nil {
				return err
			}
			out = append(out, ids[i])
		}
		return nil
	})
	return out, err
}

func (t *tx) head(c *conv, s *wire.HeadState) error {
	book := c.book()
	book.Raise(s.Head)
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
	if m := s.Last; m != nil && !book.Hides(m.Seq, m.Time) {
		c.showLast(Row{Message: *m, Slot: uint32(m.Seq)})
	}
	c.change()
	err := t.settleLast(c)
	r.Stale = false // this was the answer; what is still missing comes with a page
	return err
}
