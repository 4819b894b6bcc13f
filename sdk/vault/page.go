package vault

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// Query asks for messages of one conversation, from the newest down.
type Query struct {
	ConversationID string
	Below          uint64 // only seqs below this; 0 = everything, unsent ones first and beyond Count
	Count          int
	// AcrossGaps takes what is here without minding what was never fetched: the way to read without a server.
	AcrossGaps bool
	// GapOnly reads no row: it only finds the highest gap.
	GapOnly bool
}

// View is a page of this device's view.
type View struct {
	Rows    []Row // newest first
	Ordinal uint64
	// Gap is set where the page ends early because these seqs were never fetched from the server.
	Gap *ledger.Interval
	// Completed: nothing older is left in this view.
	Completed bool
}

// Page reads a page. A conversation without a record has an empty view; it is completed unless messages are left that this
// device was never given, as those of a conversation that another device has hidden.
func (v *Vault) Page(ctx context.Context, q Query) (View, error) {
	v.enter()
	defer v.leave()
	var out View
	var gaps []uint64
	err := v.view(ctx, func(t *tx) error {
		defer func() { gaps = t.gaps }()
		cs, err := t.load(q.ConversationID)
		if err != nil {
			return err
		}
		out = View{}
		if c := cs[0]; c.Record == nil {
			gap, missing := gapBelow(nil, c.book(), c.book().Head+1)
			if out.Completed = !missing; missing && !q.AcrossGaps {
				out.Gap = &gap
			}
			return nil
		}
		out, err = t.page(cs[0], q)
		return err
	})
	if err != nil || len(gaps) == 0 || q.AcrossGaps {
		return out, err
	}
	if err := v.uncover(ctx, q.ConversationID, gaps); err != nil {
		return out, err
	}
	return v.Page(ctx, q)
}

// uncover turns rows that no key opens into gaps, which the server fills again.
func (v *Vault) uncover(ctx context.Context, conversationID string, places []uint64) error {
	return v.update(ctx, kv.Relaxed, []kv.Table{tableSegments, tableTail}, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil || cs[0].Record == nil {
			return err
		}
		c := cs[0]
		for _, p := range places {
			slot := uint64(uint32(p))
			table, lost := tableTail, ledger.Interval{From: slot, To: slot}
			if p&inSegment != 0 {
				table, p = tableSegments, p&^inSegment
				lost = segmentInterval(uint32(slot))
			}
			if p>>32 != c.Record.Ordinal {
				continue // retired since
			}
			if err := t.Delete(table, kv.Span{From: kv.Key(p), To: kv.Key(p)}); err != nil {
				return err
			}
			c.Record.Covered = c.Record.Covered.Remove(lost)
			c.change()
		}
		return nil
	})
}

// inSegment marks the place of a segment among places of rows.
const inSegment = 1 << 63

// segmentInterval is the seqs of a segment.
func segmentInterval(segment uint32) ledger.Interval {
	first := uint64(segment) * wire.SegmentSize
	return ledger.Interval{From: first, To: first + wire.SegmentSize - 1}
}

var readTables = []kv.Table{tableDevice, tableConversations, tableLedgers, tableSegments, tableTail, tableSent, tableOutbox, tableGarbage}

// looks is how often a view is made where a key did not open what it should: a store whose readers do not hold up its writers
// may show rows whose keys another tab has destroyed since.
const looks = 3

// view runs fn as one read-only transaction, again where a key was missing. fn opens all that it reads before it ends:
// afterwards the keys may go.
func (v *Vault) view(ctx context.Context, fn func(*tx) error) error {
	for i := 1; ; i++ {
		missed := false
		err := v.again(ctx, func() (err error) {
			missed, err = v.look(ctx, fn)
			return err
		})
		if !missed || i == looks {
			return err
		}
	}
}

func (v *Vault) look(ctx context.Context, fn func(*tx) error) (missed bool, err error) {
	k, err := v.begin(ctx, false)
	if err != nil {
		return false, err
	}
	defer k.end()
	t := v.newTx(k)
	t.dev = v.Device() // of which reading needs the secret alone, and that never changes
	err = v.store.View(ctx, readTables, func(x kv.Tx) error {
		t.Tx = x
		return fn(t)
	})
	return t.missed, err
}

func (t *tx) page(c *conv, q Query) (View, error) {
	book, ordinal := c.book(), c.Record.Ordinal
	out := View{Ordinal: ordinal}
	below := q.Below
	if below == 0 {
		below = book.Head + 1
		var err error
		if out.Rows, err = t.pending(c.Record); err != nil {
			return out, err
		}
	}
	gap, hasGap := gapBelow(c.Record.Covered, book, below)
	if q.GapOnly {
		if hasGap {
			out.Gap = &gap
		}
		return out, nil
	}
	floor := book.Through() + 1
	if hasGap && !q.AcrossGaps {
		floor = max(floor, gap.To+1)
	}
	rows, more, err := t.rowsBelow(ordinal, book, below, floor, q.Count)
	if err != nil {
		return out, err
	}
	out.Rows = append(out.Rows, rows...)
	if hasGap && !q.AcrossGaps && !more && len(rows) < q.Count {
		out.Gap = &gap
	}
	out.Completed = !more && !hasGap
	return out, nil
}

// gapBelow is the highest run of seqs that this device neither holds, nor knows to be gone, nor hides.
func gapBelow(covered ledger.Intervals, book *ledger.Book, below uint64) (ledger.Interval, bool) {
	for {
		gap, ok := covered.GapBelow(below, book.Through())
		if !ok {
			return gap, false
		}
		for gap.To >= gap.From && book.HidesSeq(gap.To) {
			gap.To--
		}
		if gap.To >= gap.From {
			return gap, true
		}
		below = gap.From
	}
}

// pending returns the unsent messages of a conversation, newest first.
func (t *tx) pending(r *Record) ([]Row, error) {
	if r.NextSlot == 0 {
		return nil, nil // nothing was ever sent from here
	}
	return t.scanTail(r.Ordinal, FirstSlot, 1<<32-1, true)
}

// scanTail returns the rows of the tail in the slots from … to; those that no key opens are noted as gaps.
func (t *tx) scanTail(ordinal, from, to uint64, reverse bool) ([]Row, error) {
	entries, err := t.Scan(tableTail, kv.Span{From: place(ordinal, from), To: place(ordinal, to)}, 0, reverse)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, 0, len(entries))
	for _, e := range entries {
		row := Row{Slot: uint32(e.Key)}
		_, err := t.decode(tableTail, e.Value, &row)
		if errors.Is(err, ErrUnreadable) || err == nil && row.Slot < FirstSlot && row.Message.Seq != uint64(row.Slot) {
			t.gaps = append(t.gaps, uint64(e.Key))
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// batchOf opens a segment; nil if no key does, which is noted as a gap.
func (t *tx) batchOf(e kv.Entry) (*wire.Batch, error) {
	var b wire.Batch
	_, err := t.decode(tableSegments, e.Value, &b)
	if errors.Is(err, ErrUnreadable) || err == nil && b.Segment != uint32(e.Key) {
		t.gaps = append(t.gaps, uint64(e.Key)|inSegment)
		return nil, nil
	}
	return &b, err
}

// unpack opens a segment for one message after the other; an empty one where it cannot be read.
func (t *tx) unpack(e kv.Entry) (*wire.Unpacked, error) {
	b, err := t.batchOf(e)
	if err != nil || b == nil {
		return &wire.Unpacked{}, err
	}
	u, err := b.Unpack()
	if err != nil {
		t.gaps = append(t.gaps, uint64(e.Key)|inSegment)
		return &wire.Unpacked{}, nil
	}
	return u, nil
}

// messagesOf unpacks a segment; what cannot be is a gap too.
func (t *tx) messagesOf(e kv.Entry) ([]wire.Message, error) {
	b, err := t.batchOf(e)
	if err != nil || b == nil {
		return nil, err
	}
	messages, err := b.Messages()
	if err != nil {
		t.gaps = append(t.gaps, uint64(e.Key)|inSegment)
		return nil, nil
	}
	return messages, nil
}

// rowsBelow returns up to count visible rows with floor ≤ seq < below, newest first, and whether there are others.
func (t *tx) rowsBelow(ordinal uint64, book *ledger.Book, below, floor uint64, count int) (rows []Row, more bool, err error) {
	if below <= floor || count < 0 {
		return nil, false, nil
	}
	lowest, end := floor/wire.SegmentSize, (below-1)/wire.SegmentSize+1 // segments lowest … end-1 are still to be read
	t.Ask(tableSegments, segmentKeys(ordinal, lowest, end, count)...)
	tail, err := t.scanTail(ordinal, floor, below-1, true)
	if err != nil {
		return nil, false, err
	}
	// take keeps a row that is wanted, and tells whether that was one too many.
	take := func(row Row) bool {
		if row.Message.Seq >= below || row.Message.Seq < floor || book.Hides(row.Message.Seq, row.Message.Time) {
			return false
		}
		if len(rows) == count {
			return true
		}
		rows = append(rows, row)
		return false
	}
	for lowest < end {
		var entries []kv.Entry
		if entries, end, err = t.segmentsBelow(ordinal, lowest, end, count); err != nil {
			return nil, false, err
		}
		for _, e := range entries {
			segment, err := t.unpack(e)
			if err != nil {
				return nil, false, err
			}
			for i := segment.Len() - 1; i >= 0; i-- {
				m, err := segment.At(i)
				if err != nil {
					t.gaps = append(t.gaps, uint64(e.Key)|inSegment)
					break
				}
				for ; len(tail) > 0 && tail[0].Message.Seq > m.Seq; tail = tail[1:] {
					if take(tail[0]) {
						return rows, true, nil
					}
				}
				if take(Row{Message: m, Slot: uint32(m.Seq)}) {
					return rows, true, nil
				}
				if len(tail) > 0 && tail[0].Message.Seq == m.Seq {
					tail = tail[1:]
				}
			}
		}
	}
	for _, row := range tail {
		if take(row) {
			return rows, true, nil
		}
	}
	return rows, false, nil
}

// segmentKeys are where the uppermost of the segments lowest … end-1 stand, falling: as many as hold so many rows.
func segmentKeys(ordinal, lowest, end uint64, rows int) []kv.Key {
	keys := make([]kv.Key, min(end-lowest, uint64(rows)/wire.SegmentSize+2))
	for i := range keys {
		keys[i] = place(ordinal, end-1-uint64(i))
	}
	return keys
}

// segmentsBelow returns some of the segments lowest … end-1, falling, and the end of those that it has not looked at. It asks
// for as many as hold the rows that are wanted, by their numbers: one round trip where a search takes two for each.
func (t *tx) segmentsBelow(ordinal, lowest, end uint64, rows int) (entries []kv.Entry, rest uint64, err error) {
	keys := segmentKeys(ordinal, lowest, end, rows)
	values, err := t.Get(tableSegments, keys...)
	if err != nil {
		return nil, 0, err
	}
	for i, value := range values {
		if value != nil {
			entries = append(entries, kv.Entry{Key: keys[i], Value: value})
		}
	}
	if end -= uint64(len(keys)); len(entries) > 0 || end == lowest {
		return entries, end, nil
	}
	if entries, err = t.Scan(tableSegments, kv.Span{From: place(ordinal, lowest), To: place(ordinal, end-1)}, 1, true); err != nil || len(entries) == 0 {
		return nil, lowest, err
	}
	return entries, uint64(uint32(entries[0].Key)), nil
}
