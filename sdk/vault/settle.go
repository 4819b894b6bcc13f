package vault

import (
	"sort"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// recount is up to how many rows a transaction reads to count again; above it the server is asked.
const recount = 2048

// settle brings everything derived in line with a book that has changed: preview, unread, the record itself, and the notes
// of what is to be reclaimed. before is the book as it was.
func (t *tx) settle(c *conv, before *ledger.Book, out *Settled) error {
	book := c.book()
	if c.Record == nil {
		return nil
	}
	pending, err := t.pending(c.Record.Ordinal)
	if err != nil {
		return err
	}
	if book.Through() >= book.Head && len(pending) == 0 {
		return t.settleWhole(c, before, out)
	}
	c.change()
	if book.HidesConversation() {
		c.Record.Draft = ""
	}
	if err := t.settleUnread(c, before, out); err != nil {
		return err
	}
	if err := t.settleLast(c); err != nil {
		return err
	}
	return t.noteHidden(c, before, out)
}

// settleWhole retires the ordinal: no row of it is left in this view.
func (t *tx) settleWhole(c *conv, before *ledger.Book, out *Settled) error {
	book, old := c.book(), c.Record
	emptied := before.Through() < before.Head || len(out.Slots) > 0 || old.Last != nil
	if !emptied && !book.HidesConversation() {
		return nil
	}
	out.Garbage, out.Ordinal = true, old.Ordinal
	if err := t.note(Note{Ordinal: old.Ordinal, Whole: true, Until: uint32(book.Head/wire.SegmentSize) + 1}); err != nil {
		return err
	}
	t.drop(c)
	if book.HidesConversation() {
		return nil
	}
	if err := t.begin(c, old.Log); err != nil {
		return err
	}
	c.Record.Name, c.Record.Time, c.Record.Left = old.Name, old.Time, old.Left
	c.change()
	return nil
}

// settleUnread counts again what others wrote above the read mark.
func (t *tx) settleUnread(c *conv, before *ledger.Book, out *Settled) error {
	book := c.book()
	if c.Record.Unread == 0 {
		return nil
	}
	mark := book.ReadUpTo()
	if mark >= book.Head {
		c.Record.Unread = 0
		return nil
	}
	if c.Record.Unread > recount {
		c.Record.Stale = true
		return nil
	}
	if gap, ok := gapBelow(c.Record.Covered, book, book.Head+1); ok && gap.To > mark {
		c.Record.Stale = true
		return nil
	}
	rows, more, err := t.rowsBelow(c.Record.Ordinal, book, book.Head+1, mark+1, recount)
	if err != nil {
		return err
	}
	c.Record.Stale = c.Record.Stale || more
	c.Record.Unread = 0
	for _, r := range rows {
		if r.Message.From != t.v.user {
			c.Record.Unread++
		}
	}
	return nil
}

// settleLast finds the preview again if its message is no longer in the view.
func (t *tx) settleLast(c *conv) error {
	last := c.Record.Last
	if last != nil && c.Record.LastSlot < FirstSlot && !c.book().Hides(last.Message.Seq, last.Message.Time) {
		return nil
	}
	page, err := t.page(c, Query{Count: 1})
	if err != nil {
		return err
	}
	c.Record.Last, c.Record.LastSlot = nil, 0
	if len(page.Rows) > 0 {
		c.Record.Last, c.Record.LastSlot = &page.Rows[0], page.Rows[0].Slot
	} else if page.Gap != nil {
		c.Record.Stale = true
	}
	return nil
}

// noteHidden notes the segments that have rows which the book now hides and did not hide before.
func (t *tx) noteHidden(c *conv, before *ledger.Book, out *Settled) error {
	book := c.book()
	n := Note{Ordinal: c.Record.Ordinal, ConversationID: c.ID}
	segments := map[uint32]bool{}
	if through := book.Through(); through > before.Through() {
		n.Until = uint32((through + 1) / wire.SegmentSize)
		segments[uint32(through/wire.SegmentSize)] = true
	}
	for _, s := range book.NewlyHidden(before) {
		segments[s.Segment] = true
	}
	bounded := len(book.NewBounds(before)) > 0
	if bounded {
		held, err := t.Scan(tableSegments, kv.Span{From: place(n.Ordinal, 0), To: place(n.Ordinal, book.Head/wire.SegmentSize)}, 0, false)
		if err != nil {
			return err
		}
		for _, e := range held {
			segments[uint32(e.Key)] = true
		}
	}
	if n.Until == 0 && len(segments) == 0 && !bounded {
		return nil
	}
	for s := range segments {
		if s >= n.Until {
			n.Segments = append(n.Segments, s)
		}
	}
	sort.Slice(n.Segments, func(i, j int) bool { return n.Segments[i] < n.Segments[j] })
	out.Garbage, out.Ordinal = true, n.Ordinal
	return t.note(n)
}

// seqBefore finds the last seq ≤ anchor whose sentTime is before the time, if this device holds the messages around it.
// sentTime never falls as seq rises, so it searches by halves.
func (t *tx) seqBefore(c *conv, time int64, anchor uint64) (through uint64, resolved bool, err error) {
	book := c.book()
	if anchor == book.Head && c.Record.Time != 0 && c.Record.Time < time {
		return anchor, true, nil
	}
	// lower: the greatest seq known to be before the time; upper: the smallest known not to be, or anchor+1.
	lower, upper := book.Through(), anchor+1
	entries, err := t.Scan(tableTail, kv.Span{From: place(c.Record.Ordinal, 0), To: place(c.Record.Ordinal, FirstSlot-1)}, 0, false)
	if err != nil {
		return 0, false, err
	}
	tail, err := rowsOf(entries)
	if err != nil {
		return 0, false, err
	}
	narrow := func(m *wire.Message) {
		if m.Time < time {
			lower = max(lower, min(m.Seq, anchor))
		} else {
			upper = min(upper, m.Seq)
		}
	}
	for i := range tail {
		narrow(&tail[i].Message)
	}
	from, to := lower/wire.SegmentSize, upper/wire.SegmentSize
search:
	for from <= to {
		middle := (from + to) / 2
		entries, err := t.Scan(tableSegments, kv.Span{From: place(c.Record.Ordinal, middle), To: place(c.Record.Ordinal, to)}, 1, false)
		if err != nil {
			return 0, false, err
		}
		later := true // the first segment from the middle on has nothing before the time
		if len(entries) > 0 {
			messages, err := messagesOf(entries[0].Value)
			if err != nil {
				return 0, false, err
			}
			for i := range messages {
				narrow(&messages[i])
			}
			switch n := len(messages); {
			case n > 0 && messages[n-1].Time < time:
				from, later = uint64(entries[0].Key)&(1<<32-1)+1, false
			case n > 0 && messages[0].Time < time: // the boundary is inside
				break search
			}
		}
		if later {
			if middle == from {
				break
			}
			to = middle - 1
		}
	}
	if _, gap := c.Record.Covered.GapBelow(upper, lower); gap {
		return 0, false, nil
	}
	return lower, true, nil
}
