package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
)

// findNote is the oldest note that fits; retired: it is on a part of what has been deleted as a whole since.
func (v *Vault) findNote(ctx context.Context, fits func(*Note) bool) (n Note, retired, found bool, err error) {
	err = v.view(ctx, func(t *tx) error {
		found = false
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

// stage tells the steps of a note apart: each names other keys.
func (n *Note) stage() int {
	stage := 2 * len(n.Segments)
	if n.Rekey {
		stage++
	}
	return stage
}

// hasCarried tells whether this tab has destroyed the keys that a note names as it stands.
func (v *Vault) hasCarried(n *Note) bool {
	stage, done := v.carried[n.N]
	return done && stage == n.stage()
}

// carryOthers dooms, with the keys of this transaction, those that tabs which died had still to destroy for whole deletions:
// what is told to be erased must not stand under an older ordinal.
func (t *tx) carryOthers() error {
	if t.clearTo != 0 {
		return nil
	}
	first, next := t.v.clearTo, t.dev.NextNote
	t.clearTo = next
	var numbers []kv.Key
	for n := first; n < next; n++ {
		if _, done := t.v.carried[n]; !done {
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
			n.N = uint64(numbers[i])
			t.older = &n
			t.doom(&n, n.Runs...)
		}
	}
	return nil
}

// stillErasing finds what an earlier deletion has left to do for a conversation.
func (t *tx) stillErasing(c *conv, out *Settled) error {
	if err := t.carryOthers(); err != nil {
		return err
	}
	if n := t.older; n != nil {
		out.Garbage, out.Note, out.Ordinal = true, n.N, n.Ordinal
		if t.access != nil {
			t.erased = append(t.erased, out)
		}
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
		if t.access == nil && n.Whole {
			out.Garbage, out.Note, out.Ordinal = true, uint64(e.Key), n.Ordinal
		}
		if n.ConversationID == c.ID && !n.Whole {
			out.Garbage, out.Note, out.Ordinal = true, uint64(e.Key), n.Ordinal
			t.erased = slices.DeleteFunc(t.erased, func(s *Settled) bool { return s == out })
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
	if v.ring == nil || !n.Whole && n.Until == 0 && len(n.Done) == 0 && n.Rekey { // it names none yet
		v.carried[n.N] = n.stage()
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
		t.doom(n, runs...)
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
