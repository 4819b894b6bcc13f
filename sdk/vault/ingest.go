package vault

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// errMoved: another tab changed the conversation between reading and writing; the work is done again.
var errMoved = errors.New("vault: conversation changed meanwhile")

// rewrites is how often work is done again before giving up; only another busy tab makes it more than once.
const rewrites = 16

// Ingest stores a page from the server: segments land in their place on the grid, and the page's seqs count as known. What
// a ledger of this device hides is never stored. A segment of which nothing is here or hidden is stored as it came.
func (v *Vault) Ingest(ctx context.Context, conversationID string, page *Page) error {
	v.write.Lock()
	defer v.write.Unlock()
	segments := make([]uint32, len(page.Batches))
	for i := range page.Batches {
		segments[i] = page.Batches[i].Segment
	}
	return v.rewrite(ctx, conversationID, segments, func(w *rewriting) error {
		for i := range page.Batches {
			if err := w.add(&page.Batches[i]); err != nil {
				return err
			}
		}
		return nil
	}, func(t *tx, c *conv) error {
		if err := t.begin(c, page.Log); err != nil {
			return err
		}
		if c.book().Raise(page.Head) {
			c.ledgerChange = true
			c.Record.Stale = true // the unread among the new ones were not counted
		}
		c.cover(page)
		c.change()
		return nil
	})
}

// cover marks the page's seqs as known. What compensation gives is not all that the history may have: only what came counts.
func (c *conv) cover(page *Page) {
	if page.Compensation {
		for i := range page.Batches {
			b := &page.Batches[i]
			for k := uint64(0); k < wire.SegmentSize; k++ {
				if seq := uint64(b.Segment)*wire.SegmentSize + k; b.Held.Has(k) {
					c.Record.Covered = c.Record.Covered.Add(ledger.Interval{From: seq, To: seq})
				}
			}
		}
		return
	}
	from := page.From
	if page.First {
		from = 1
	}
	c.Record.Covered = c.Record.Covered.Add(ledger.Interval{From: from, To: page.To})
}

// Page is a page from the server, and which view of it: the history's or the compensation's.
type Page struct {
	*wire.Page
	Compensation bool
}

// Fold moves the tail's sent rows into their segments.
func (v *Vault) Fold(ctx context.Context, conversationID string) error {
	v.write.Lock()
	defer v.write.Unlock()
	c, ok := v.Find(conversationID)
	if !ok || c.Record == nil {
		return nil
	}
	var segments []uint32
	err := v.store.View(ctx, []kv.Table{tableTail}, func(x kv.Tx) error {
		entries, err := x.Scan(tableTail, kv.Span{From: place(c.Record.Ordinal, 0), To: place(c.Record.Ordinal, FirstSlot-1)}, 0, false)
		for _, e := range entries {
			s := uint32(uint64(e.Key) & (1<<32 - 1) / wire.SegmentSize)
			if len(segments) == 0 || segments[len(segments)-1] != s {
				segments = append(segments, s)
			}
		}
		return err
	})
	if err != nil || len(segments) == 0 {
		return err
	}
	return v.rewrite(ctx, conversationID, segments, func(*rewriting) error { return nil }, func(_ *tx, c *conv) error {
		if c.Record == nil {
			return errMoved
		}
		c.change()
		return nil
	})
}

// rewriting is the new content of some segments of one conversation, made outside any transaction.
type rewriting struct {
	book     *ledger.Book
	ordinal  uint64
	existing map[uint32][]byte         // segments that are here
	tail     map[uint32][]wire.Message // rows of the tail by segment
	put      map[uint32]*wire.Batch    // nil: nothing is left
}

// rewrite reads segments and the tail's rows in them, lets build add to them, and writes the result, with what finish does
// to the conversation, in one transaction that finds the conversation as it was read.
func (v *Vault) rewrite(ctx context.Context, conversationID string, segments []uint32, build func(*rewriting) error, finish func(*tx, *conv) error) error {
	for i := 0; ; i++ {
		err := v.rewriteOnce(ctx, conversationID, segments, build, finish)
		if !errors.Is(err, errMoved) || i == rewrites {
			return err
		}
	}
}

func (v *Vault) rewriteOnce(ctx context.Context, conversationID string, segments []uint32, build func(*rewriting) error, finish func(*tx, *conv) error) error {
	w, bookVersion, recordVersion, err := v.readSegments(ctx, conversationID, segments)
	if err != nil {
		return err
	}
	if err := build(w); err != nil {
		return err
	}
	if err := w.foldTail(); err != nil {
		return err
	}
	values := make(map[uint32][]byte, len(w.put))
	for s, b := range w.put {
		if b == nil {
			continue
		}
		if values[s], err = b.MarshalMsg(nil); err != nil {
			return err
		}
	}
	return v.updateLocked(ctx, kv.Relaxed, []kv.Table{tableSegments, tableTail, tableGarbage}, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if c.book().Version != bookVersion || c.recordVersion() != recordVersion {
			return errMoved
		}
		if err := finish(t, c); err != nil {
			return err
		}
		if err := t.putSegments(c.Record.Ordinal, w, values); err != nil {
			return err
		}
		return t.preview(c, w)
	})
}

func (c *conv) recordVersion() uint64 {
	if c.Record == nil {
		return 0
	}
	return c.Record.Version + c.Record.Ordinal<<40
}

func (v *Vault) readSegments(ctx context.Context, conversationID string, segments []uint32) (w *rewriting, bookVersion, recordVersion uint64, err error) {
	err = v.view(ctx, func(t *tx) error {
		w = &rewriting{existing: map[uint32][]byte{}, tail: map[uint32][]wire.Message{}, put: map[uint32]*wire.Batch{}}
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		book := c.book().Clone()
		w.book, bookVersion, recordVersion = &book, book.Version, c.recordVersion()
		if c.Record == nil || len(segments) == 0 {
			return nil
		}
		w.ordinal = c.Record.Ordinal
		keys := make([]kv.Key, len(segments))
		for i, s := range segments {
			keys[i] = place(w.ordinal, uint64(s))
		}
		values, err := t.Get(tableSegments, keys...)
		if err != nil {
			return err
		}
		for i, s := range segments {
			if values[i] != nil {
				w.existing[s] = values[i]
			}
			first := uint64(s) * wire.SegmentSize
			entries, err := t.Scan(tableTail, kv.Span{From: place(w.ordinal, first), To: place(w.ordinal, first+wire.SegmentSize-1)}, 0, false)
			if err != nil {
				return err
			}
			rows, err := rowsOf(entries)
			if err != nil {
				return err
			}
			for _, r := range rows {
				w.tail[s] = append(w.tail[s], r.Message)
			}
		}
		return nil
	})
	return w, bookVersion, recordVersion, err
}

// add joins a batch from the server.
func (w *rewriting) add(b *wire.Batch) error {
	if w.existing[b.Segment] == nil && len(w.tail[b.Segment]) == 0 && !w.hidesAny(b) {
		if _, err := b.Messages(); err != nil { // never trust a block with the place of good rows
			return err
		}
		w.put[b.Segment] = b
		return nil
	}
	messages, err := b.Messages()
	if err != nil {
		return err
	}
	return w.join(b.Segment, messages)
}

func (w *rewriting) hidesAny(b *wire.Batch) bool {
	if len(w.book.Bounds) > 0 || uint64(b.Segment)*wire.SegmentSize <= w.book.Through() {
		return true
	}
	for _, r := range w.book.Recalls {
		if uint32(r.Seq/wire.SegmentSize) == b.Segment {
			return true
		}
	}
	return w.book.Local.Ranges.Of(b.Segment) != nil || w.book.Devices.Ranges.Of(b.Segment) != nil
}

// foldTail joins what the tail has in segments that nothing was added to.
func (w *rewriting) foldTail() error {
	for s := range w.tail {
		if _, done := w.put[s]; !done {
			if err := w.join(s, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// join makes a segment of what is here, what the tail has, and what came, without what the book hides.
func (w *rewriting) join(segment uint32, came []wire.Message) error {
	all := append([]wire.Message(nil), came...)
	if value := w.existing[segment]; value != nil {
		here, err := messagesOf(value)
		if err != nil {
			return fmt.Errorf("segment %d: %w", segment, err)
		}
		all = append(all, here...)
	}
	all = append(all, w.tail[segment]...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].Seq < all[j].Seq })
	kept := all[:0]
	for _, m := range all {
		recallInto(w.book, &m)
		if !w.book.Hides(m.Seq, m.Time) && (len(kept) == 0 || kept[len(kept)-1].Seq != m.Seq) {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		w.put[segment] = nil
		return nil
	}
	b, err := wire.NewBatch(segment, kept)
	w.put[segment] = &b
	return err
}

func (t *tx) putSegments(ordinal uint64, w *rewriting, values map[uint32][]byte) error {
	for s := range w.put {
		key := place(ordinal, uint64(s))
		var err error
		if value := values[s]; value != nil {
			err = t.Put(tableSegments, key, value)
		} else if w.existing[s] != nil {
			err = t.Tx.Delete(tableSegments, kv.Span{From: key, To: key})
		}
		if err == nil && len(w.tail[s]) > 0 {
			first := uint64(s) * wire.SegmentSize
			err = t.Tx.Delete(tableTail, kv.Span{From: place(ordinal, first), To: place(ordinal, first+wire.SegmentSize-1)})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// preview takes the newest message of what was written as the conversation's preview where it is newer.
func (t *tx) preview(c *conv, w *rewriting) error {
	var newest *wire.Batch
	for _, b := range w.put {
		if b != nil && (newest == nil || b.Segment > newest.Segment) {
			newest = b
		}
	}
	last := c.Record.Last
	if last != nil && c.Record.LastSlot >= FirstSlot || newest == nil {
		return nil
	}
	messages, err := newest.Messages()
	if err != nil {
		return err
	}
	m := messages[len(messages)-1]
	if last == nil || m.Seq > last.Message.Seq {
		c.Record.Last, c.Record.LastSlot = &Row{Message: m, Slot: uint32(m.Seq)}, uint32(m.Seq)
		c.Record.Time = max(c.Record.Time, m.Time)
		c.change()
	}
	return nil
}
