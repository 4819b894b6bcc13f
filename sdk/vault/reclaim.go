package vault

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// slice is how many segments one transaction of Reclaim removes, rewriteSlice how many it rewrites: other readers wait at
// most for one.
const (
	slice        = 64
	rewriteSlice = 8
)

// wholes is how many small whole deletions one transaction may finish.
const wholes = 64

// Reclaimed is what one step of Reclaim did.
type Reclaimed struct {
	Done []Done // the notes that are done
	Left bool   // there is more to do
}

// Done is a note of which nothing is left to do.
type Done struct {
	Note           uint64
	ConversationID string // of the note, where it still has a name
	Quiet          bool   // it was no deletion's
}

func (n *Note) done() Done { return Done{Note: n.N, ConversationID: n.ConversationID, Quiet: n.Quiet} }

// Reclaim does one step for the oldest note, when nobody else works: it destroys keys that a tab which died has left,
// removes rows that no view shows any more, seals anew what stays beside them. It may be stopped at any point and repeated,
// by several tabs; the note goes in a transaction after which nothing of it is left to do.
func (v *Vault) Reclaim(ctx context.Context) (Reclaimed, error) {
	v.giveWay()
	v.write.Lock()
	defer v.write.Unlock()
	n, retired, found, err := v.findNote(ctx, func(*Note) bool { return true })
	if err != nil || !found {
		return Reclaimed{}, err
	}
	out := Reclaimed{Left: true}
	switch {
	case retired:
		out.Done, err = v.reclaimRetired(ctx, &n)
	case !v.carried[n.N]:
		err = v.carryOut(ctx, &n)
	case n.Until > slice:
		err = v.reclaimRange(ctx, &n)
	case n.Whole:
		out.Done, err = v.reclaimRest(ctx, &n)
	case len(n.Segments) > 0 || n.Until > 0 || n.Rekey:
		err = v.reclaimParts(ctx, &n)
	default:
		out.Done = []Done{n.done()}
		err = v.withNote(ctx, kv.Relaxed, nil, &n, func(t *tx) error { return t.dropNotes(n) })
	}
	if errors.Is(err, errMoved) {
		return Reclaimed{Left: true}, nil // another tab was faster
	}
	if err != nil {
		return Reclaimed{Left: true}, err
	}
	for _, d := range out.Done {
		delete(v.carried, d.Note)
	}
	return out, nil
}

// findNote is the oldest note that fits; retired: it is on a part of what has been deleted as a whole since.
func (v *Vault) findNote(ctx context.Context, fits func(*Note) bool) (n Note, retired, found bool, err error) {
	err = v.view(ctx, func(t *tx) error {
		for from := kv.Key(0); !found; from = kv.Key(n.N) + 1 {
			entries, err := t.Scan(tableGarbage, kv.Span{From: from, To: kv.MaxKey}, 1, false)
			if err != nil || len(entries) == 0 {
				return err
			}
			n = Note{}
			if _, err := t.decode(tableGarbage, entries[0].Value, &n); err != nil {
				return err
			}
			n.N = uint64(entries[0].Key)
			found = fits(&n)
		}
		retired, err = t.retired(&n)
		return err
	})
	return n, retired, found, err
}

// retired tells whether the ordinal of a part's note has been retired.
func (t *tx) retired(n *Note) (bool, error) {
	if n.Whole {
		return false, nil
	}
	cs, err := t.load(n.ConversationID)
	return err == nil && (cs[0].Record == nil || cs[0].Record.Ordinal != n.Ordinal), err
}

// reclaimRetired leaves a part's note to the whole's, whose keys must be destroyed before either is told.
func (v *Vault) reclaimRetired(ctx context.Context, n *Note) ([]Done, error) {
	whole, _, found, err := v.findNote(ctx, func(x *Note) bool { return x.Whole && x.Ordinal == n.Ordinal && !v.carried[x.N] })
	if err != nil || found {
		return nil, errors.Join(err, v.carryOut(ctx, &whole))
	}
	err = v.updateLocked(ctx, kv.Relaxed, []kv.Table{tableGarbage}, func(t *tx) error { return t.dropNotes(*n) })
	return []Done{n.done()}, err
}

// carryOthers dooms, with the keys of this transaction, those that tabs which died had still to destroy for whole deletions:
// what is told to be erased must not stand under an older ordinal.
func (t *tx) carryOthers() error {
	if t.clearTo != 0 || t.access == nil {
		return nil
	}
	first, next := t.v.clearTo, t.dev.NextNote
	t.clearTo = next
	var numbers []kv.Key
	for n := first; n < next; n++ {
		if !t.v.carried[n] {
			numbers = append(numbers, kv.Key(n))
		}
	}
	values, err := t.Get(tableGarbage, numbers...)
	if err != nil {
		return err
	}
	for i, value := range values {
		if value == nil {
			continue
		}
		var n Note
		if _, err := t.decode(tableGarbage, value, &n); err != nil {
			return err
		}
		if n.Whole {
			t.doom(uint64(numbers[i]), n.Runs...)
		}
	}
	return nil
}

// stillErasing finds what an earlier deletion has left to do for a conversation.
func (t *tx) stillErasing(c *conv, out *Settled) error {
	if err := t.carryOthers(); err != nil {
		return err
	}
	entries, err := t.Scan(tableGarbage, kv.All, 0, false)
	if err != nil {
		return err
	}
	for _, e := range entries {
		var n Note
		if _, err := t.decode(tableGarbage, e.Value, &n); err != nil {
			return err
		}
		if n.ConversationID == c.ID && !n.Whole {
			out.Garbage, out.Note, out.Ordinal = true, uint64(e.Key), n.Ordinal
		}
	}
	return nil
}

// withNote runs fn in a transaction if the note still stands as it was read: another tab may have been faster.
func (v *Vault) withNote(ctx context.Context, d kv.Durability, tables []kv.Table, n *Note, fn func(*tx) error) error {
	return v.updateLocked(ctx, d, append([]kv.Table{tableGarbage}, tables...), func(t *tx) error {
		values, err := t.Get(tableGarbage, kv.Key(n.N))
		if err != nil {
			return err
		}
		if values[0] == nil {
			return errMoved
		}
		var now Note
		if _, err := t.decode(tableGarbage, values[0], &now); err != nil {
			return err
		}
		retired, err := t.retired(n)
		if err != nil {
			return err
		}
		if retired || now.Until != n.Until || len(now.Segments) != len(n.Segments) || len(now.Done) != len(n.Done) {
			return errMoved
		}
		return fn(t)
	})
}

func (t *tx) putNote(n *Note) error { return t.put(tableGarbage, kv.Key(n.N), n) }

func (t *tx) dropNotes(notes ...Note) error {
	numbers := make([]uint64, len(notes))
	for i := range notes {
		numbers[i] = notes[i].N
	}
	return t.Delete(tableGarbage, spansOf(numbers)...)
}

// carryOut destroys the keys that a note names. Whoever wrote it did so as a rule, unless it died.
func (v *Vault) carryOut(ctx context.Context, n *Note) error {
	if v.ring == nil || !n.Whole && n.Until == 0 && len(n.Done) == 0 { // it names none yet
		v.carried[n.N] = true
		return nil
	}
	v.kept = nil
	err := v.withNote(ctx, kv.Strict, []kv.Table{tableSegments}, n, func(t *tx) error {
		runs := n.Runs
		if !n.Whole {
			var err error
			if runs, err = t.unused(t.convs[n.ConversationID].Record, n); err != nil {
				return err
			}
		}
		t.doom(n.N, runs...)
		return nil
	})
	return errors.Join(err, v.kept)
}

// unused are the slots that a note on a part of a conversation names: those of hidden segments, and of rewritten ones the
// slot that the row does not use now.
func (t *tx) unused(r *Record, n *Note) ([]keyring.Run, error) {
	runs := r.runsBelow(n.Until)
	keys := make([]kv.Key, len(n.Done))
	for i, s := range n.Done {
		keys[i] = place(r.Ordinal, uint64(s))
	}
	values, err := t.Get(tableSegments, keys...)
	if err != nil {
		return nil, err
	}
	for i, s := range n.Done {
		one, other := r.slots(s)
		if one == 0 {
			continue
		}
		inUse := uint32(0)
		if values[i] != nil {
			inUse, _ = slotOf(values[i])
		}
		for _, slot := range []uint32{one, other} {
			if slot != inUse {
				runs = append(runs, keyring.Run{From: slot, N: 1})
			}
		}
	}
	if r.slot != 0 {
		runs = append(runs, keyring.Run{From: r.slot ^ 1, N: 1})
	}
	return runs, nil
}

// reclaimRange removes the uppermost slice of the segments that are hidden whole, and lowers the note.
func (v *Vault) reclaimRange(ctx context.Context, n *Note) error {
	return v.withNote(ctx, kv.Relaxed, []kv.Table{tableSegments}, n, func(t *tx) error {
		from := n.Until - slice
		if err := t.Delete(tableSegments, kv.Span{From: place(n.Ordinal, uint64(from)), To: place(n.Ordinal, uint64(n.Until)-1)}); err != nil {
			return err
		}
		rest := *n
		rest.Until = from
		return t.putNote(&rest)
	})
}

// reclaimRest removes what is left of a retired ordinal, and the note; its slots are free from then on. Small ones that come
// next go with it: conversations that were deleted at once stand side by side, and their rows are one range.
func (v *Vault) reclaimRest(ctx context.Context, n *Note) (done []Done, err error) {
	err = v.withNote(ctx, kv.Relaxed, []kv.Table{tableSegments, tableTail, tableSent}, n, func(t *tx) error {
		done = nil
		notes, err := t.smallWholes(n)
		if err != nil {
			return err
		}
		ordinals := make([]uint64, len(notes))
		var runs []keyring.Run
		for i := range notes {
			ordinals[i] = notes[i].Ordinal
			runs = append(runs, notes[i].Runs...)
			done = append(done, notes[i].done())
		}
		for _, span := range spansOf(ordinals) {
			rows := kv.Span{From: spanOf(uint64(span.From)).From, To: spanOf(uint64(span.To)).To}
			for _, table := range []kv.Table{tableSegments, tableTail, tableSent} {
				if err := t.Delete(table, rows); err != nil {
					return err
				}
			}
		}
		if len(runs) > 0 {
			t.space.give(runs)
			t.spaceNew = true
		}
		return t.dropNotes(notes...)
	})
	return done, err
}

// smallWholes is a note and those after it that together are no more than a slice, all of them without keys.
func (t *tx) smallWholes(n *Note) ([]Note, error) {
	entries, err := t.Scan(tableGarbage, kv.Span{From: kv.Key(n.N), To: kv.MaxKey}, wholes, false)
	if err != nil {
		return nil, err
	}
	var notes []Note
	segments := uint32(0)
	for _, e := range entries {
		x := Note{N: uint64(e.Key)}
		if _, err := t.decode(tableGarbage, e.Value, &x); err != nil {
			return nil, err
		}
		if segments += x.Until; !x.Whole || !t.v.carried[x.N] || segments > slice {
			break
		}
		notes = append(notes, x)
	}
	return notes, nil
}

// reclaimParts rewrites segments without what the book hides, and with the last of them the record and the tail. What the
// note then still says is done in a transaction of its own, so that it outlives the keys.
func (v *Vault) reclaimParts(ctx context.Context, n *Note) error {
	segments := n.Segments[:min(len(n.Segments), rewriteSlice)]
	rest := *n
	rest.Segments, rest.Done, rest.Until = n.Segments[len(segments):], segments, 0
	erase := &erasure{rekey: len(rest.Segments) == 0, note: func(t *tx, _ uint64) (uint64, error) {
		rest.Rekey = len(rest.Segments) > 0
		return n.N, t.putNote(&rest)
	}}
	return v.rewrite(ctx, n.ConversationID, segments, erase, func(w *rewriting) error {
		for _, s := range segments {
			if err := w.join(s, nil); err != nil {
				return err
			}
		}
		return nil
	}, func(t *tx, c *conv) error {
		if c.Record == nil || c.Record.Ordinal != n.Ordinal {
			return errMoved
		}
		c.change()
		if c.Record.Recount && len(rest.Segments) == 0 {
			if err := t.countUnread(c); err != nil {
				return err
			}
		}
		if n.Until == 0 {
			return nil
		}
		until := uint64(n.Until)
		if err := t.Delete(tableSegments, kv.Span{From: place(n.Ordinal, 0), To: place(n.Ordinal, until-1)}); err != nil {
			return err
		}
		return t.Delete(tableTail, kv.Span{From: place(n.Ordinal, 0), To: place(n.Ordinal, until*wire.SegmentSize-1)})
	})
}

// Holding is what the device has of one conversation in its database.
type Holding struct {
	Messages uint64 // rows; those of a retired ordinal belong to no conversation any more
	Records  uint64
	Bytes    uint64
	Outbox   uint32
}

// Inspect counts what the database holds of a conversation.
func (v *Vault) Inspect(ctx context.Context, conversationID string) (Holding, error) {
	var h Holding
	err := v.view(ctx, func(t *tx) error {
		h = Holding{}
		cs, err := t.load(conversationID)
		if err != nil {
			return err
		}
		if c := cs[0]; c.Record != nil {
			if err := t.count(&h, c.Record.Ordinal); err != nil {
				return err
			}
		}
		entries, err := t.Scan(tableOutbox, kv.All, 0, false)
		if err != nil {
			return err
		}
		for _, x := range entries {
			var e Entry
			if _, err := t.decode(tableOutbox, x.Value, &e); err != nil {
				return err
			}
			if e.ConversationID == conversationID {
				h.Outbox++
			}
		}
		return nil
	})
	return h, err
}

func (t *tx) count(h *Holding, ordinal uint64) error {
	segments, err := t.Scan(tableSegments, spanOf(ordinal), 0, false)
	if err != nil {
		return err
	}
	for _, e := range segments {
		size := len(e.Value)
		b, err := t.batchOf(e)
		if err != nil {
			return err
		}
		if b != nil {
			h.Messages += uint64(b.Held.Count())
		}
		h.Records++
		h.Bytes += uint64(size)
	}
	tail, err := t.Scan(tableTail, spanOf(ordinal), 0, false)
	if err != nil {
		return err
	}
	for _, e := range tail {
		h.Messages++
		h.Records++
		h.Bytes += uint64(len(e.Value))
	}
	return nil
}
