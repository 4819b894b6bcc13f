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
	// Changed is the conversation whose preview or count came out otherwise, or has to be asked from the server now; "" if none.
	Changed string
}

// Done is a note of which nothing is left to do.
type Done struct {
	Note           uint64
	ConversationID string // of the note, where it still has a name
	Quiet          bool   // it was no deletion's
	Plain          bool   // some of it once stood in the database unsealed, where its bytes may still be
}

func (n *Note) done() Done {
	return Done{Note: n.N, ConversationID: n.ConversationID, Quiet: n.Quiet, Plain: n.Plain}
}

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
	if retired {
		// The whole's keys must be destroyed before either is told, and where there are none, its rows be gone.
		whole, _, found, err := v.findNote(ctx, func(x *Note) bool {
			return x.Whole && x.Ordinal == n.Ordinal && (v.ring == nil || !v.hasCarried(x))
		})
		if err != nil {
			return Reclaimed{Left: true}, err
		}
		if found {
			n, retired = whole, false
		}
	}
	out := Reclaimed{Left: true}
	before, _ := v.Find(n.ConversationID)
	switch {
	case retired:
		out.Done = []Done{n.done()}
		err = v.updateLocked(ctx, kv.Relaxed, []kv.Table{tableGarbage}, func(t *tx) error { return t.dropNotes(n) })
	case !v.hasCarried(&n):
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
	if now, ok := v.Find(n.ConversationID); ok && (ListedOtherwise(before.Record, now.Record) || now.Record != nil && now.Record.Stale) {
		out.Changed = n.ConversationID
	}
	return out, nil
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
		if segments += x.Until; !x.Whole || !t.v.hasCarried(&x) || segments > slice {
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
	rest.Rekey = len(rest.Segments) > 0
	erase := &erasure{rekey: !rest.Rekey, note: func(t *tx, _ uint64) (Note, error) {
		return rest, t.putNote(&rest)
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
