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
	pending, err := t.pending(c.Record)
	if err != nil {
		return err
	}
	if book.Through() >= book.Head && len(pending) == 0 {
		return t.settleWhole(c, before, out)
	}
	c.change()
	rekey := len(out.Slots) > 0 || c.stained
	if book.HidesConversation() && c.Record.Draft != "" {
		c.Record.Draft, rekey = "", true
	}
	if err := t.settleUnread(c, before); err != nil {
		return err
	}
	if err := t.settleLast(c); err != nil {
		return err
	}
	return t.noteHidden(c, before, rekey, out)
}

// settleWhole retires the ordinal: no row of it is left in this view.
func (t *tx) settleWhole(c *conv, before *ledger.Book, out *Settled) error {
	book, old := c.book(), c.Record
	emptied := before.Through() < before.Head || len(out.Slots) > 0 || old.Last != nil || c.stained
	if !emptied && !book.HidesConversation() {
		return nil
	}
	if err := t.retire(c, out); err != nil {
		return err
	}
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

// retire takes a conversation's record away with everything under its ordinal: the keys go when this has committed.
func (t *tx) retire(c *conv, out *Settled) error {
	if err := t.carryOthers(); err != nil {
		return err
	}
	r := c.Record
	runs := r.runs()
	out.Garbage, out.Ordinal = true, r.Ordinal
	n, err := t.note(Note{
		Ordinal: r.Ordinal, Whole: true, Until: uint32(c.book().Head/wire.SegmentSize) + 1, Runs: runs,
		Plain: r.Ordinal < t.dev.SealedFrom,
	})
	out.Note = n.N
	if t.access != nil {
		t.doom(&n, runs...)
	}
	if t.access != nil && !n.Plain {
		t.erased = append(t.erased, out)
	}
	t.drop(c)
	return err
}

// settleUnread brings the unread count in line with the book: at once where that is little to read, else by the least it can
// be, until Reclaim, which opens the segments anyway, counts again.
func (t *tx) settleUnread(c *conv, before *ledger.Book) error {
	book := c.book()
	if c.Record.Unread == 0 {
		return nil
	}
	mark := book.ReadUpTo()
	if mark >= book.Head {
		c.Record.Unread = 0
		return nil
	}
	if book.Head-mark <= wire.SegmentSize {
		return t.countUnread(c)
	}
	gone := uint64(0)
	for seq := before.ReadUpTo() + 1; seq <= mark && gone < uint64(c.Record.Unread); seq++ {
		if !before.HidesSeq(seq) {
			gone++
		}
	}
	hidden := book.NewlyHidden(before)
	for _, seq := range hidden.Seqs() {
		if seq > mark && seq <= book.Head {
			gone++
		}
	}
	if gone > 0 || len(book.NewBounds(before)) > 0 {
		c.Record.Unread -= uint32(min(gone, uint64(c.Record.Unread)))
		c.Record.Recount = true
	}
	return nil
}

// countUnread counts again what others wrote above the read mark.
func (t *tx) countUnread(c *conv) error {
	book, mark := c.book(), c.book().ReadUpTo()
	c.Record.Recount = false
	c.change()
	if mark >= book.Head {
		c.Record.Unread = 0
		return nil
	}
	if book.Head-mark > recount {
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

// Uncounted is the highest gap above the read mark of a conversation that has to be counted here, and can be once the gap is filled.
func (v *Vault) Uncounted(conversationID string) (gap ledger.Interval, missing bool) {
	c, ok := v.Find(conversationID)
	if !ok || c.Record == nil || !c.Record.Recount {
		return gap, false
	}
	book := &c.Ledger.Book
	mark := book.ReadUpTo()
	if book.Head-min(mark, book.Head) > recount {
		return gap, false
	}
	gap, missing = gapBelow(c.Record.Covered, book, book.Head+1)
	if missing = missing && gap.To > mark; missing {
		gap.From = max(gap.From, mark+1)
	}
	return gap, missing
}

// ListedOtherwise tells whether the list shows a conversation's preview or count otherwise than before.
func ListedOtherwise(before, now *Record) bool {
	if before == nil || now == nil {
		return before != now
	}
	return before.Ordinal != now.Ordinal || before.Unread != now.Unread || before.LastSlot != now.LastSlot ||
		(before.Last == nil) != (now.Last == nil)
}

// countAbove adds what came above a head that the server has counted up to; false if some of that is not here.
func (t *tx) countAbove(c *conv, head uint64) (whole bool, err error) {
	book := c.book()
	head = max(head, book.ReadUpTo())
	if head >= book.Head {
		return true, nil
	}
	if gap, ok := gapBelow(c.Record.Covered, book, book.Head+1); ok && gap.To > head {
		return false, nil
	}
	rows, more, err := t.rowsBelow(c.Record.Ordinal, book, book.Head+1, head+1, recount)
	for _, r := range rows {
		if r.Message.From != t.v.user {
			c.Record.Unread++
		}
	}
	return !more, err
}

// hiddenUnread is how many seqs above the read mark and up to a head this device hides and the history on the server does not: the
// server counts those of them that are unread.
func hiddenUnread(book *ledger.Book, head uint64) (n uint32) {
	mark := book.ReadUpTo()
	for _, l := range []*wire.Ledger{&book.Local, &book.Devices} {
		for _, seq := range l.Ranges.Seqs() {
			if seq > mark && seq <= head && !book.History.Has(seq) && (l == &book.Local || !book.Local.Ranges.Has(seq)) {
				n++
			}
		}
	}
	return n
}

// recountCovered counts again what was counted by the least it can be, once everything that is unread is here.
func (t *tx) recountCovered(c *conv) error {
	if c.Record == nil || !c.Record.Recount {
		return nil
	}
	if gap, ok := gapBelow(c.Record.Covered, c.book(), c.book().Head+1); ok && gap.To > c.book().ReadUpTo() {
		return nil
	}
	return t.countUnread(c)
}

// settleHistory follows the history on the server where this device only has what it was told of that: a preview whose row was
// never here goes with the message, and so do unread ones.
func (t *tx) settleHistory(c *conv) error {
	r, book := c.Record, c.book()
	if r == nil {
		return nil
	}
	if r.Unread > 0 {
		if err := t.countUnread(c); err != nil {
			return err
		}
	}
	if r.Last == nil || r.LastSlot >= FirstSlot || !book.History.Has(r.Last.Message.Seq) {
		return nil
	}
	seq := r.Last.Message.Seq
	rows, _, err := t.rowsBelow(r.Ordinal, book, seq+1, seq, 1)
	if err != nil || len(rows) > 0 {
		return err
	}
	r.Last, r.LastSlot = nil, 0
	c.change()
	return t.settleLast(c)
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

// noteHidden notes the segments that have rows which the book now hides and did not hide before; rekey: something else has
// left the record or the tail.
func (t *tx) noteHidden(c *conv, before *ledger.Book, rekey bool, out *Settled) (err error) {
	book := c.book()
	n := Note{Ordinal: c.Record.Ordinal, ConversationID: c.ID, Rekey: true, Plain: c.Record.Ordinal < t.dev.SealedFrom}
	segments := map[uint32]bool{}
	if through := book.Through(); through > before.Through() {
		n.Until = uint32((through + 1) / wire.SegmentSize)
		segments[uint32(through/wire.SegmentSize)] = true
	}
	for _, s := range book.NewlyHidden(before) {
		segments[s.Segment] = true
	}
	if len(book.NewBounds(before)) > 0 { // which of them it concerns is not known yet
		for _, s := range segmentsOf(c.Record.Covered) {
			segments[s] = true
		}
		for _, e := range c.Record.Extents { // a power cut may have taken the rows and left their keys
			_, size := block(e.First)
			for s := e.First; s < e.First+size; s++ {
				segments[s] = true
			}
		}
	}
	if n.Until == 0 && len(segments) == 0 && !rekey {
		if c.Record.Recount { // nobody comes by to do it
			return t.countUnread(c)
		}
		return nil
	}
	for s := range segments {
		if s >= n.Until {
			n.Segments = append(n.Segments, s)
		}
	}
	sort.Slice(n.Segments, func(i, j int) bool { return n.Segments[i] < n.Segments[j] })
	out.Garbage, out.Ordinal = true, n.Ordinal
	n, err = t.note(n)
	out.Note = n.N
	return err
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
	tail, err := t.scanTail(c.Record.Ordinal, 0, FirstSlot-1, false)
	if err != nil {
		return 0, false, err
	}
	narrow := func(seq uint64, at int64) {
		if at < time {
			lower = max(lower, min(seq, anchor))
		} else {
			upper = min(upper, seq)
		}
	}
	for i := range tail {
		narrow(tail[i].Message.Seq, tail[i].Message.Time)
	}
	from, to := lower/wire.SegmentSize, upper/wire.SegmentSize
	for from <= to {
		middle := (from + to) / 2
		b, err := t.firstSegment(c.Record.Ordinal, middle, to)
		switch {
		case err != nil:
			return 0, false, err
		case b == nil || b.MinTime >= time: // the first segment from the middle on has nothing before the time
			if b != nil {
				narrow(uint64(b.Segment)*wire.SegmentSize+b.Held.Min(), b.MinTime)
			}
			if middle == from {
				from = to + 1
				break
			}
			to = middle - 1
		case b.MaxTime < time:
			narrow(uint64(b.Segment)*wire.SegmentSize+b.Held.Max(), b.MaxTime)
			from = uint64(b.Segment) + 1
		default: // the boundary is inside
			messages, err := b.Messages()
			if err != nil {
				return 0, false, err
			}
			for i := range messages {
				narrow(messages[i].Seq, messages[i].Time)
			}
			from = to + 1
		}
	}
	if _, gap := c.Record.Covered.GapBelow(upper, lower); gap {
		return 0, false, nil
	}
	return lower, true, nil
}

// firstSegment is the first readable segment of an ordinal among first … last; nil if there is none.
func (t *tx) firstSegment(ordinal, first, last uint64) (*wire.Batch, error) {
	for first <= last {
		entries, err := t.Scan(tableSegments, kv.Span{From: place(ordinal, first), To: place(ordinal, last)}, 1, false)
		if err != nil || len(entries) == 0 {
			return nil, err
		}
		b, err := t.batchOf(entries[0])
		if err != nil || b != nil {
			return b, err
		}
		first = uint64(entries[0].Key)&(1<<32-1) + 1
	}
	return nil, nil
}
