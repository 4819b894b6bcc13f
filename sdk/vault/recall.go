package vault

import (
	"context"
	"errors"
	"slices"
	"sort"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Recall takes messages away from this device that their log has taken away from everybody: their content goes at once, a
// notice stays in the place of those that this view shows. Recalls of what is not here are kept for when it comes.
// gap: an earlier recall is missing, so some were not taken: ask the server.
func (v *Vault) Recall(ctx context.Context, conversationID string, recalls []wire.Recalled) (gap bool, err error) {
	v.enter()
	defer v.leave()
	v.write.Lock()
	defer v.write.Unlock()
	if _, ok := v.Find(conversationID); !ok {
		return false, nil
	}
	segments := map[uint32]bool{}
	for _, r := range recalls {
		segments[uint32(r.Seq/wire.SegmentSize)] = true
	}
	var list []uint32
	for s := range segments {
		list = append(list, s)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	erase := &erasure{rekey: true, note: func(t *tx, ordinal uint64) (Note, error) {
		return t.note(Note{Ordinal: ordinal, ConversationID: conversationID, Quiet: true, Done: list})
	}}
	err = v.rewrite(ctx, conversationID, list, erase, func(w *rewriting) error {
		for _, r := range recalls {
			w.book.JoinRecall(r)
		}
		for _, s := range list {
			if err := w.join(s, nil); err != nil {
				return err
			}
		}
		return nil
	}, func(t *tx, c *conv) error {
		gap = false
		book := c.book()
		for _, r := range recalls {
			added, missing := book.JoinRecall(r)
			gap = gap || missing
			if added {
				c.changeBook()
			}
		}
		if c.Record == nil {
			return nil
		}
		if last := c.Record.Last; last != nil {
			replaced := *last
			recallInto(book, &replaced.Message)
			c.Record.Last = &replaced
		}
		c.change()
		return nil
	})
	return gap, err
}

// recallLast puts the notice in the place of a preview whose message was never here, where a page brings it recalled: the recall
// itself may come later, as it does to who has left the group. The record's key goes with the next sweep.
func (t *tx) recallLast(c *conv, page *Page) error {
	last := c.Record.Last
	if last == nil || c.Record.LastSlot >= FirstSlot || c.Record.Covered.Has(last.Message.Seq) {
		return nil
	}
	at := slices.IndexFunc(page.Batches, func(b wire.Batch) bool { return uint64(b.Segment) == last.Message.Seq/wire.SegmentSize })
	if at < 0 {
		return nil
	}
	messages, err := page.Batches[at].Messages()
	if err != nil {
		return nil // a block that is broken becomes a gap
	}
	for _, m := range messages {
		if m.Seq == last.Message.Seq && m.Type == wire.TypeRecalled && last.Message.Type != wire.TypeRecalled {
			c.Record.Last = &Row{Message: m, Slot: uint32(m.Seq)}
			return t.noteRecalled(c)
		}
	}
	return nil
}

// noteRecalled has record and tail sealed anew, and the key destroyed that has sealed what was recalled.
func (t *tx) noteRecalled(c *conv) error {
	_, err := t.note(Note{
		Ordinal: c.Record.Ordinal, ConversationID: c.ID, Rekey: true, Quiet: true, Plain: c.Record.Ordinal < t.dev.SealedFrom,
	})
	return err
}

// recallInto puts the notice in the place of a recalled message.
func recallInto(book *ledger.Book, m *wire.Message) {
	if m.Seq == 0 || m.Type == wire.TypeRecalled {
		return
	}
	r, ok := book.RecallOf(m.Seq)
	if !ok {
		return
	}
	notice := wire.RecallNotice{By: r.By, Time: r.Time}
	payload, err := notice.MarshalMsg(nil)
	if err != nil {
		payload = nil // the text goes in any case
	}
	m.Type, m.Payload, m.Quote = wire.TypeRecalled, payload, 0
}

// Rows reads the visible messages among some seqs of a conversation.
func (v *Vault) Rows(ctx context.Context, conversationID string, seqs []uint64) (map[uint64]Row, error) {
	out := map[uint64]Row{}
	if len(seqs) == 0 {
		return out, nil
	}
	err := v.view(ctx, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil || cs[0].Record == nil {
			return err
		}
		ordinal, book := cs[0].Record.Ordinal, cs[0].book()
		keys := make([]kv.Key, len(seqs))
		wanted := map[uint64]bool{}
		segments := map[uint64]bool{}
		for i, s := range seqs {
			keys[i] = place(ordinal, s)
			wanted[s] = true
			segments[s/wire.SegmentSize] = true
		}
		values, err := t.Get(tableTail, keys...)
		if err != nil {
			return err
		}
		keep := func(row Row) {
			if wanted[row.Message.Seq] && !book.Hides(row.Message.Seq, row.Message.Time) {
				out[row.Message.Seq] = row
			}
		}
		for i, value := range values {
			if value == nil {
				continue
			}
			row := Row{Slot: uint32(seqs[i])}
			if _, err := t.decode(tableTail, value, &row); errors.Is(err, ErrUnreadable) {
				continue
			} else if err != nil {
				return err
			}
			keep(row)
		}
		keys = keys[:0]
		for s := range segments {
			keys = append(keys, place(ordinal, s))
		}
		if values, err = t.Get(tableSegments, keys...); err != nil {
			return err
		}
		for i, value := range values {
			if value == nil {
				continue
			}
			messages, err := t.messagesOf(kv.Entry{Key: keys[i], Value: value})
			if err != nil {
				return err
			}
			for _, m := range messages {
				keep(Row{Message: m, Slot: uint32(m.Seq)})
			}
		}
		return nil
	})
	return out, err
}
