package vault

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// errMoved: another tab changed the conversation between reading and writing; the work is done again.
var errMoved = errors.New("vault: conversation changed meanwhile")

// rewrites is how often work is done again before giving up; only another busy tab makes it more than once.
const rewrites = 16

// rewriting is the new content of some segments of one conversation, made outside any transaction.
type rewriting struct {
	book     *ledger.Book
	existing map[uint32]*wire.Batch    // segments that are here
	slot     map[uint32]uint32         // where their keys are
	tail     map[uint32][]wire.Message // rows of the tail by segment
	put      map[uint32]*wire.Batch    // nil: nothing is left
	lost     []uint32                  // segments that no key opens: their seqs are not known any more
	gaps     []uint64                  // so with these rows of the tail

	bookVersion, recordVersion uint64 // as they were read
}

// erasure says that deleted content leaves what is rewritten, so that all that may have held it is sealed anew and older keys
// are destroyed.
type erasure struct {
	// note writes the note that stands until they are.
	note func(t *tx, ordinal uint64) (Note, error)
	// rekey: the record and the tail as well.
	rekey bool
}

// rewrite reads segments and the tail's rows in them, lets build add to them, and writes the result, with what finish does
// to the conversation, in one transaction that finds the conversation as it was read. v.write is held.
func (v *Vault) rewrite(ctx context.Context, conversationID string, segments []uint32, erase *erasure, build func(*rewriting) error, finish func(*tx, *conv) error) error {
	w := v.unheld(conversationID, segments)
	for i := 0; ; i++ {
		if w == nil {
			var err error
			if w, err = v.readSegments(ctx, conversationID, segments); err != nil {
				return err
			}
		}
		err := v.rewriteOnce(ctx, conversationID, w, erase, build, finish)
		if !errors.Is(err, errMoved) || i == rewrites {
			return err
		}
		w = nil
	}
}

func (v *Vault) rewriteOnce(ctx context.Context, conversationID string, w *rewriting, erase *erasure, build func(*rewriting) error, finish func(*tx, *conv) error) error {
	if err := build(w); err != nil {
		return err
	}
	if err := w.foldTail(); err != nil {
		return err
	}
	values, err := w.seal()
	if err != nil {
		return err
	}
	durability := kv.Relaxed
	if erase != nil || len(w.slot) > 0 {
		// The next version of a segment overwrites the key of the version before this one: this one must be on the disk by then.
		durability = kv.Strict
	}
	return v.updateLocked(ctx, durability, []kv.Table{tableSegments, tableTail, tableOutbox, tableGarbage}, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		if c.book().Version != w.bookVersion || c.recordVersion() != w.recordVersion {
			return errMoved
		}
		var stays []Row
		if erase != nil && erase.rekey && c.Record != nil {
			if stays, err = t.stays(c, w); err != nil {
				return err
			}
		}
		for _, s := range w.lost {
			c.Record.Covered = c.Record.Covered.Remove(segmentInterval(s))
		}
		for _, p := range append(w.gaps, t.gaps...) {
			if p&inSegment == 0 && c.Record != nil && p>>32 == c.Record.Ordinal {
				seq := uint64(uint32(p))
				c.Record.Covered = c.Record.Covered.Remove(ledger.Interval{From: seq, To: seq})
				if err := t.Delete(tableTail, kv.Span{From: kv.Key(p), To: kv.Key(p)}); err != nil {
					return err
				}
				c.change()
			}
		}
		if err := finish(t, c); err != nil || c.Record == nil {
			return err
		}
		free, err := t.putSegments(c, w, values)
		if err != nil {
			return err
		}
		if err := t.preview(c, w); err != nil {
			return err
		}
		if c.Record.Last == nil { // what came may only have said that what was missing above older rows is gone
			page, err := t.page(c, Query{Count: 1})
			if err != nil {
				return err
			}
			if len(page.Rows) > 0 {
				c.showLast(page.Rows[0])
				c.change()
			}
		}
		if err := t.recountCovered(c); err != nil || erase == nil {
			return err
		}
		return t.erase(c, erase, free, stays)
	})
}

// erase seals record and tail anew and dooms the keys of everything that was rewritten.
func (t *tx) erase(c *conv, x *erasure, free []keyring.Run, stays []Row) error {
	if x.rekey {
		pair, err := t.rekey(c, stays)
		if err != nil {
			return err
		}
		free = append(free, pair...)
	}
	n, err := x.note(t, c.Record.Ordinal)
	if err == nil {
		t.doom(&n, free...)
	}
	return err
}

// stays returns the rows of the tail that are neither folded nor hidden; the hidden ones go.
func (t *tx) stays(c *conv, w *rewriting) ([]Row, error) {
	rows, err := t.scanTail(c.Record.Ordinal, 0, 1<<32-1, false)
	if err != nil {
		return nil, err
	}
	kept := rows[:0]
	for _, r := range rows {
		if r.Slot < FirstSlot && c.book().Hides(r.Message.Seq, r.Message.Time) {
			at := place(c.Record.Ordinal, uint64(r.Slot))
			if err := t.Delete(tableTail, kv.Span{From: at, To: at}); err != nil {
				return nil, err
			}
			continue
		}
		if _, folded := w.tail[r.Slot/wire.SegmentSize]; r.Slot >= FirstSlot || !folded {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

func (c *conv) recordVersion() uint64 {
	if c.Record == nil {
		return 0
	}
	return c.Record.Version + c.Record.Ordinal<<40
}

// unheld is a rewriting of segments of which memory says that nothing of them is here, which saves reading them: the
// transaction finds out if that was wrong. nil if something may be.
func (v *Vault) unheld(conversationID string, segments []uint32) *rewriting {
	w := newRewriting()
	c, ok := v.Find(conversationID)
	if !ok {
		w.book = &ledger.Book{}
		return w
	}
	if c.Record != nil {
		for _, s := range segments {
			if c.Record.Covered.Touches(segmentInterval(s)) {
				return nil
			}
		}
	}
	w.know(&conv{Record: c.Record, Ledger: c.Ledger})
	return w
}

func newRewriting() *rewriting {
	return &rewriting{
		existing: map[uint32]*wire.Batch{}, slot: map[uint32]uint32{}, tail: map[uint32][]wire.Message{},
		put: map[uint32]*wire.Batch{},
	}
}

// know takes over what is filtered by.
func (w *rewriting) know(c *conv) {
	book := c.book().Clone()
	w.book, w.bookVersion, w.recordVersion = &book, book.Version, c.recordVersion()
}

func (v *Vault) readSegments(ctx context.Context, conversationID string, segments []uint32) (*rewriting, error) {
	var w *rewriting
	err := v.view(ctx, func(t *tx) error {
		w = newRewriting()
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		w.know(c)
		if c.Record == nil || len(segments) == 0 {
			return nil
		}
		keys := make([]kv.Key, len(segments))
		for i, s := range segments {
			keys[i] = place(c.Record.Ordinal, uint64(s))
		}
		values, err := t.Get(tableSegments, keys...)
		if err != nil {
			return err
		}
		wanted := make(map[uint32]bool, len(segments))
		for i, s := range segments {
			wanted[s] = true
			if err := w.read(t, kv.Entry{Key: keys[i], Value: values[i]}); err != nil {
				return err
			}
		}
		lowest, highest := slices.Min(segments), slices.Max(segments)
		rows, err := t.scanTail(c.Record.Ordinal, segmentInterval(lowest).From, segmentInterval(highest).To, false)
		for _, r := range rows {
			if s := r.Slot / wire.SegmentSize; wanted[s] {
				w.tail[s] = append(w.tail[s], r.Message)
			}
		}
		for _, p := range t.gaps {
			if p&inSegment == 0 {
				w.gaps = append(w.gaps, p)
			}
		}
		return err
	})
	return w, err
}

// read takes over a segment that is here.
func (w *rewriting) read(t *tx, e kv.Entry) error {
	if e.Value == nil {
		return nil
	}
	segment := uint32(e.Key)
	w.slot[segment], _ = slotOf(e.Value)
	b, err := t.batchOf(e)
	if err == nil && b == nil {
		w.lost = append(w.lost, segment)
		b = &wire.Batch{Segment: segment} // so that its row goes
	}
	w.existing[segment] = b
	return err
}

// seal seals what is to be stored.
func (w *rewriting) seal() (map[uint32]*sealed, error) {
	values := make(map[uint32]*sealed, len(w.put))
	for segment, b := range w.put {
		if b == nil {
			continue
		}
		plain, err := b.MarshalMsg(nil)
		if err != nil {
			return nil, err
		}
		key, err := randomSecret()
		if err != nil {
			return nil, err
		}
		s, err := seal(tableSegments, key, plain)
		if err != nil {
			return nil, err
		}
		values[segment] = &s
	}
	return values, nil
}

// putSegments stores what was rewritten. free are the slots of the versions before.
func (t *tx) putSegments(c *conv, w *rewriting, values map[uint32]*sealed) (free []keyring.Run, err error) {
	for _, segment := range slices.Sorted(maps.Keys(w.put)) { // so that what is written follows from what was asked
		at := place(c.Record.Ordinal, uint64(segment))
		if value := values[segment]; value != nil {
			slot, err := t.putSegment(c, segment, value, w.slot[segment])
			if err != nil {
				return nil, err
			}
			free = append(free, keyring.Run{From: slot, N: 1})
		} else {
			if w.existing[segment] != nil {
				if err := t.Delete(tableSegments, kv.Span{From: at, To: at}); err != nil {
					return nil, err
				}
			}
			if one, other := c.Record.slots(segment); one != 0 {
				free = append(free, keyring.Run{From: one, N: 1}, keyring.Run{From: other, N: 1})
			}
		}
		if len(w.tail[segment]) > 0 {
			within := segmentInterval(segment)
			span := kv.Span{From: place(c.Record.Ordinal, within.From), To: place(c.Record.Ordinal, within.To)}
			if err := t.Delete(tableTail, span); err != nil {
				return nil, err
			}
		}
	}
	return free, nil
}
