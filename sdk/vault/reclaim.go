package vault

import (
	"context"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// slice is how many segments one transaction of Reclaim removes, rewriteSlice how many it rewrites: other readers wait at
// most for one.
const (
	slice        = 64
	rewriteSlice = 8
)

// Reclaimed is what one step of Reclaim did.
type Reclaimed struct {
	ConversationID string // of the note, where it still has a name
	Ordinal        uint64
	Finished       bool // the note is done
	Left           bool // there is more to do
}

// Reclaim does one slice of the oldest note: it removes rows that no view shows any more. It may be stopped at any point
// and repeated; the note goes in the transaction that removes the last of its rows.
func (v *Vault) Reclaim(ctx context.Context) (Reclaimed, error) {
	var n Note
	var found bool
	err := v.store.View(ctx, []kv.Table{tableGarbage}, func(x kv.Tx) error {
		entries, err := x.Scan(tableGarbage, kv.All, 1, false)
		if err != nil || len(entries) == 0 {
			return err
		}
		found, n.N = true, uint64(entries[0].Key)
		return decode(entries[0].Value, &n)
	})
	if err != nil || !found {
		return Reclaimed{}, err
	}
	out := Reclaimed{ConversationID: n.ConversationID, Ordinal: n.Ordinal, Left: true}
	switch {
	case n.Until > slice:
		err = v.reclaimRange(ctx, &n)
	case n.Whole:
		out.Finished = true
		err = v.reclaimRest(ctx, &n)
	case len(n.Segments) > rewriteSlice:
		head := n
		head.Segments, n.Segments = n.Segments[:rewriteSlice], n.Segments[rewriteSlice:]
		err = v.reclaimParts(ctx, &head, &n)
	default:
		out.Finished = true
		err = v.reclaimParts(ctx, &n, nil)
	}
	return out, err
}

// reclaimRange removes the uppermost slice of the segments that are hidden whole, and lowers the note.
func (v *Vault) reclaimRange(ctx context.Context, n *Note) error {
	return v.update(ctx, kv.Relaxed, []kv.Table{tableSegments, tableGarbage}, func(t *tx) error {
		from := n.Until - slice
		if err := t.Delete(tableSegments, kv.Span{From: place(n.Ordinal, uint64(from)), To: place(n.Ordinal, uint64(n.Until)-1)}); err != nil {
			return err
		}
		rest := *n
		rest.Until = from
		return put(t.Tx, tableGarbage, kv.Key(n.N), &rest)
	})
}

// reclaimRest removes what is left of a retired ordinal, and the note.
func (v *Vault) reclaimRest(ctx context.Context, n *Note) error {
	return v.update(ctx, kv.Relaxed, deleteTables, func(t *tx) error {
		for _, table := range []kv.Table{tableSegments, tableTail, tableSent} {
			if err := t.Delete(table, spanOf(n.Ordinal)); err != nil {
				return err
			}
		}
		return t.Delete(tableGarbage, kv.Span{From: kv.Key(n.N), To: kv.Key(n.N)})
	})
}

// reclaimParts rewrites segments without what the book hides, and replaces the note by rest (nil: it is done).
func (v *Vault) reclaimParts(ctx context.Context, n, rest *Note) error {
	v.write.Lock()
	defer v.write.Unlock()
	segments := n.Segments
	replace := func(t *tx) error {
		if rest != nil {
			return put(t.Tx, tableGarbage, kv.Key(n.N), rest)
		}
		return t.Delete(tableGarbage, kv.Span{From: kv.Key(n.N), To: kv.Key(n.N)})
	}
	if c, ok := v.Find(n.ConversationID); !ok || c.Record == nil || c.Record.Ordinal != n.Ordinal {
		// Retired since: the note of the whole ordinal takes it.
		return v.updateLocked(ctx, kv.Relaxed, deleteTables, replace)
	}
	return v.rewrite(ctx, n.ConversationID, segments, func(w *rewriting) error {
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
		if n.Until > 0 {
			until := uint64(n.Until)
			if err := t.Delete(tableSegments, kv.Span{From: place(n.Ordinal, 0), To: place(n.Ordinal, until-1)}); err != nil {
				return err
			}
			if err := t.Delete(tableTail, kv.Span{From: place(n.Ordinal, 0), To: place(n.Ordinal, until*wire.SegmentSize-1)}); err != nil {
				return err
			}
		}
		return replace(t)
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
			if err := decode(x.Value, &e); err != nil {
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
		messages, err := messagesOf(e.Value)
		if err != nil {
			return err
		}
		h.Messages += uint64(len(messages))
		h.Records++
		h.Bytes += uint64(len(e.Value))
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
