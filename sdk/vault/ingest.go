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

// ingestSlice is how many segments one transaction stores at most: so long others wait for the lock.
const ingestSlice = 8

// Ingest stores a page from the server: segments land in their place on the grid, and the page's seqs count as known. What
// a ledger of this device hides is never stored. A segment of which nothing is here or hidden is sealed as it came, without
// a look at its messages: a block that turns out to be broken is a gap again. A page of more than a few segments is stored
// from the newest down in several steps, each of which stands by itself.
func (v *Vault) Ingest(ctx context.Context, conversationID string, page *Page) error {
	for end, to := len(page.Batches), page.To; ; {
		start := max(0, end-ingestSlice)
		part := *page.Page
		part.To, part.Batches = to, page.Batches[start:end]
		if start > 0 {
			part.From, part.First = segmentInterval(part.Batches[0].Segment).From, false
		}
		if err := v.ingest(ctx, conversationID, &Page{Page: &part, Compensation: page.Compensation}); err != nil || start == 0 {
			return err
		}
		end, to = start, part.From-1
	}
}

func (v *Vault) ingest(ctx context.Context, conversationID string, page *Page) error {
	ctx, err := v.takeIn(ctx)
	if err != nil {
		return err
	}
	v.enter()
	defer v.leave()
	v.write.Lock()
	defer v.write.Unlock()
	segments := make([]uint32, len(page.Batches))
	for i := range page.Batches {
		segments[i] = page.Batches[i].Segment
	}
	build := func(w *rewriting) error {
		for i := range page.Batches {
			if err := w.add(&page.Batches[i]); err != nil {
				return err
			}
		}
		return nil
	}
	sending := false // here is something that the page may have
	finish := func(t *tx, c *conv) error {
		if c.Record == nil && isRoom(c.ID) {
			return nil // left meanwhile
		}
		entries, err := t.allEntries()
		if err != nil {
			return err
		}
		if err := t.refuseCancelled(c, page, entries); err != nil {
			return err
		}
		sending = slices.ContainsFunc(entries, func(e Entry) bool { return e.Kind == SendEntry && e.ConversationID == c.ID })
		if err := t.begin(c, page.Log); err != nil {
			return err
		}
		if err := t.recallLast(c, page); err != nil {
			return err
		}
		c.raise(page.Head)
		c.cover(page)
		c.change()
		return nil
	}
	err = v.rewrite(ctx, conversationID, segments, nil, build, finish)
	var cancelled errCancelled
	if errors.As(err, &cancelled) {
		if err := v.hide(ctx, conversationID, cancelled.at); err != nil {
			return err
		}
		err = v.rewrite(ctx, conversationID, segments, nil, build, finish)
	}
	if err != nil || !sending {
		return err
	}
	return v.arrivedIn(ctx, conversationID, page)
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
	ctx, err := v.takeIn(ctx)
	if err != nil {
		return err
	}
	v.enter()
	defer v.leave()
	v.write.Lock()
	defer v.write.Unlock()
	c, ok := v.Find(conversationID)
	if !ok || c.Record == nil {
		return nil
	}
	var segments []uint32
	err = v.store.View(ctx, []kv.Table{tableTail}, func(x kv.Tx) error {
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
	return v.rewrite(ctx, conversationID, segments, nil, func(*rewriting) error { return nil }, func(_ *tx, c *conv) error {
		if c.Record != nil { // else it was deleted meanwhile
			c.change()
		}
		return nil
	})
}

// add joins a batch from the server.
func (w *rewriting) add(b *wire.Batch) error {
	if w.existing[b.Segment] == nil && len(w.tail[b.Segment]) == 0 && !w.hidesAny(b) {
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
	if b := w.existing[segment]; b != nil {
		here, err := b.Messages()
		if err != nil {
			w.lost = append(w.lost, segment)
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
	if last != nil && last.Message.Seq >= segmentInterval(newest.Segment).From+newest.Held.Max() {
		return nil
	}
	messages, err := newest.Messages()
	if err != nil || len(messages) == 0 {
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
