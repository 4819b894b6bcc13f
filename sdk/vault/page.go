package vault

import (
	"context"

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
	var out View
	err := v.view(ctx, func(t *tx) error {
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
	return out, err
}

var readTables = []kv.Table{tableDevice, tableConversations, tableLedgers, tableSegments, tableTail, tableSent, tableOutbox, tableGarbage}

// view runs fn as one read-only transaction.
func (v *Vault) view(ctx context.Context, fn func(*tx) error) error {
	t := &tx{v: v, convs: map[string]*conv{}, used: map[kv.Key]string{}}
	t.dev = v.Device() // of which reading needs the secret alone, and that never changes
	return v.store.View(ctx, readTables, func(x kv.Tx) error {
		t.Tx = x
		return fn(t)
	})
}

func (t *tx) page(c *conv, q Query) (View, error) {
	book, ordinal := c.book(), c.Record.Ordinal
	out := View{Ordinal: ordinal}
	below := q.Below
	if below == 0 {
		below = book.Head + 1
		var err error
		if c.Record.NextSlot > 0 { // else nothing was ever sent from here
			out.Rows, err = t.pending(ordinal)
		}
		if err != nil {
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

// pending returns the unsent messages of an ordinal, newest first.
func (t *tx) pending(ordinal uint64) ([]Row, error) {
	entries, err := t.Scan(tableTail, kv.Span{From: place(ordinal, FirstSlot), To: place(ordinal, 1<<32-1)}, 0, true)
	if err != nil {
		return nil, err
	}
	return rowsOf(entries)
}

func rowsOf(entries []kv.Entry) ([]Row, error) {
	rows := make([]Row, len(entries))
	for i, e := range entries {
		if err := decode(e.Value, &rows[i]); err != nil {
			return nil, err
		}
		rows[i].Slot = uint32(e.Key)
	}
	return rows, nil
}

// rowsBelow returns up to count visible rows with floor ≤ seq < below, newest first, and whether there are others.
func (t *tx) rowsBelow(ordinal uint64, book *ledger.Book, below, floor uint64, count int) (rows []Row, more bool, err error) {
	if below <= floor || count < 0 {
		return nil, false, nil
	}
	entries, err := t.Scan(tableTail, kv.Span{From: place(ordinal, floor), To: place(ordinal, below-1)}, 0, true)
	if err != nil {
		return nil, false, err
	}
	tail, err := rowsOf(entries)
	if err != nil {
		return nil, false, err
	}
	lowest, end := floor/wire.SegmentSize, (below-1)/wire.SegmentSize+1 // segments lowest … end-1 are still to be read
	for {
		var messages []wire.Message
		first := uint64(0) // the first seq of the segment at hand, 0 once there is none left
		if lowest < end {
			entries, err = t.Scan(tableSegments, kv.Span{From: place(ordinal, lowest), To: place(ordinal, end-1)}, 1, true)
			if err != nil {
				return nil, false, err
			}
			end = lowest
			if len(entries) > 0 {
				end = uint64(entries[0].Key) & (1<<32 - 1)
				first = end * wire.SegmentSize
				if messages, err = messagesOf(entries[0].Value); err != nil {
					return nil, false, err
				}
			}
		}
		var merged []Row
		merged, tail = merge(messages, tail, first)
		for _, row := range merged {
			if row.Message.Seq >= below || row.Message.Seq < floor || book.Hides(row.Message.Seq, row.Message.Time) {
				continue
			}
			if len(rows) == count {
				return rows, true, nil
			}
			rows = append(rows, row)
		}
		if first == 0 && lowest >= end {
			return rows, false, nil
		}
	}
}

// merge joins a segment's messages with the tail's rows from first on, newest first, and returns the tail's rest.
func merge(messages []wire.Message, tail []Row, first uint64) (merged, rest []Row) {
	for i := len(messages) - 1; ; {
		switch {
		case len(tail) > 0 && tail[0].Message.Seq >= first && (i < 0 || tail[0].Message.Seq > messages[i].Seq):
			merged, tail = append(merged, tail[0]), tail[1:]
		case i >= 0:
			merged = append(merged, Row{Message: messages[i], Slot: uint32(messages[i].Seq)})
			i--
		default:
			return merged, tail
		}
	}
}

func messagesOf(value []byte) ([]wire.Message, error) {
	var b wire.Batch
	if err := decode(value, &b); err != nil {
		return nil, err
	}
	return b.Messages()
}
