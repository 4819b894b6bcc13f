package vault

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
)

// How keys come and go. Every transaction that writes holds the keyring's lock from before it begins until its keys are
// settled:
//
//	to seal:     take slots in the transaction, write an intent and the keys, flush, commit. If it did not commit, who next
//	             has the lock overwrites them.
//	to destroy:  commit strictly, with a note of the slots; overwrite, flush; only then is it erased.
//
// A note's slots belong to nobody until the transaction that removes it. What is rewritten gets its new key in the other of
// its two slots, so that at most one older version can still be opened; whatever deletes content in part rewrites all that
// may have held it and destroys that older key as well. A model (package order) shows what breaks without each of these.

// keys is what one transaction does with the keyring.
type keys struct {
	access  keyring.Keys      // nil in a vault without one
	known   map[uint32]secret // read or written in this transaction
	written []uint32          // to be on the disk before it commits
	doomed  []keyring.Run     // to be destroyed when it has
	settles map[uint64]int    // the notes that this carries out, and how far they have got
	erased  []*Settled        // to be told of it
	taken   int               // how often slots were taken
	missed  bool              // a key did not open what it should
	sealed  bool              // only segments may still be plain
	intent  uint32            // the slots of the intent that stands, 0 if none was written
}

// begin takes the keyring for one transaction; nil access where there is none.
func (v *Vault) begin(ctx context.Context, write bool) (keys, error) {
	k := keys{known: map[uint32]secret{}, settles: map[uint64]int{}, sealed: v.key != (secret{})}
	if v.key != (secret{}) {
		k.known[deviceSlot] = v.key
	}
	if v.ring == nil {
		return k, nil
	}
	var err error
	k.access, err = v.ring.Begin(ctx, write)
	return k, err
}

func (k *keys) end() {
	if k.access != nil {
		k.access.End()
	}
}

// window is how many slots one read brings when many keys are wanted.
const window = 2048

// want reads the keys of many slots at once.
func (k *keys) want(slots []uint32) error {
	sort.Slice(slots, func(i, j int) bool { return slots[i] < slots[j] })
	for len(slots) > 0 {
		n := sort.Search(len(slots), func(i int) bool { return slots[i]-slots[0] >= window })
		run := keyring.Run{From: slots[0], N: slots[n-1] - slots[0] + 1}
		b, err := k.access.Read(run)
		if err != nil {
			return err
		}
		for _, s := range slots[:n] {
			k.known[s] = secret(b[(s-run.From)*keyring.SlotSize:])
		}
		slots = slots[n:]
	}
	return nil
}

// wantAll is want for the keys of many values, but for those that are known.
func (k *keys) wantAll(values [][]byte) error {
	var slots []uint32
	for _, value := range values {
		slot, ok := slotOf(value)
		if _, known := k.known[slot]; ok && !known && slot < keyring.MaxSlots {
			slots = append(slots, slot)
		}
	}
	return k.want(slots)
}

// at is the key in a slot.
func (k *keys) at(slot uint32) (*secret, error) {
	key, ok := k.known[slot]
	if !ok {
		if k.access == nil || slot >= keyring.MaxSlots {
			return nil, ErrUnreadable
		}
		b, err := k.access.Read(keyring.Run{From: slot, N: 1})
		if err != nil {
			return nil, err
		}
		key = secret(b)
		k.known[slot] = key
	}
	if key == (secret{}) {
		return nil, ErrUnreadable
	}
	return &key, nil
}

// open takes a stored value apart: its MessagePack, and the slot of its key (0: it has none, or the device's).
func (k *keys) open(table kv.Table, value []byte) (plain []byte, slot uint32, err error) {
	if value == nil {
		return nil, 0, fmt.Errorf("%w: it is missing", ErrUnreadable)
	}
	e, err := parse(value)
	if err == nil && e.plain && k.sealed && table != tableSegments {
		err = fmt.Errorf("%w: it is not sealed", ErrUnreadable)
	}
	if err != nil || e.plain {
		return e.body, 0, err
	}
	key := e.key
	if key == nil {
		key, err = k.at(e.slot)
	}
	if err == nil {
		plain, err = e.open(table, key)
	}
	k.missed = k.missed || errors.Is(err, ErrUnreadable)
	return plain, e.slot, err
}

// decode opens a stored value.
func (k *keys) decode(table kv.Table, value []byte, into msgp.Unmarshaler) (slot uint32, err error) {
	plain, slot, err := k.open(table, value)
	if err != nil {
		return slot, err
	}
	return slot, whole(into, plain)
}

// whole decodes MessagePack that is a record and nothing else.
func whole(into msgp.Unmarshaler, plain []byte) error {
	rest, err := into.UnmarshalMsg(plain)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes too many", len(rest))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}

// set puts a new key into a slot.
func (k *keys) set(slot uint32, key secret) {
	k.known[slot] = key
	k.written = append(k.written, slot)
}

// write brings the new keys to the disk, those that stand side by side in one write, and before them the intent.
func (k *keys) write(commit uint64) error {
	if len(k.written) == 0 {
		return nil
	}
	runs := make([]keyring.Run, len(k.written))
	for i, slot := range k.written {
		runs[i] = keyring.Run{From: slot, N: 1}
	}
	runs = joinRuns(runs)
	if len(runs) > maxIntent {
		return fmt.Errorf("vault: keys in %d places at once, at most %d", len(runs), maxIntent)
	}
	intent := encodeIntent(commit, runs)
	k.intent = uint32(len(intent) / keyring.SlotSize)
	if err := k.access.Write(keyring.Run{From: intentSlot, N: k.intent}, intent); err != nil {
		return err
	}
	for _, r := range runs {
		b := make([]byte, 0, int(r.N)*keyring.SlotSize)
		for slot := r.From; slot < r.End(); slot++ {
			key := k.known[slot]
			b = append(b, key[:]...)
		}
		if err := k.access.Write(r, b); err != nil {
			return err
		}
	}
	return k.access.Flush()
}

// doom has the keys of a note destroyed as soon as the transaction has committed, which must be strictly.
func (k *keys) doom(n *Note, runs ...keyring.Run) {
	k.doomed = append(k.doomed, runs...)
	k.settles[n.N] = n.stage()
}

// destroy overwrites what is doomed, after the commit. When it fails the note stands, and Reclaim does it again.
func (k *keys) destroy() error {
	if k.access == nil {
		return nil
	}
	if k.intent > 0 {
		if err := k.clearIntent(k.intent); err != nil {
			return err
		}
	}
	if err := overwrite(k.access, k.doomed); err != nil {
		return err
	}
	for _, s := range k.erased {
		s.Erased = true
	}
	return nil
}

// overwrite destroys the keys in the runs.
func overwrite(access keyring.Keys, runs []keyring.Run) error {
	if len(runs) == 0 {
		return nil
	}
	runs = joinRuns(runs)
	longest := uint32(0)
	for _, r := range runs {
		longest = max(longest, r.N)
	}
	zeros := make([]byte, int(longest)*keyring.SlotSize)
	for _, r := range runs {
		if err := access.Write(r, zeros[:int(r.N)*keyring.SlotSize]); err != nil {
			return err
		}
	}
	return access.Flush()
}

// put stores what outlives a deletion, under the device's key.
func (t *tx) put(table kv.Table, key kv.Key, value msgp.Marshaler) error {
	b, err := value.MarshalMsg(nil)
	if err != nil {
		return err
	}
	device, err := t.at(deviceSlot)
	if err != nil {
		return err
	}
	s, err := seal(table, *device, b)
	if err != nil {
		return err
	}
	if t.access == nil {
		return t.Put(table, key, s.inline())
	}
	return t.Put(table, key, s.at(deviceSlot))
}

// keyOf is the conversation's key; it gets one if it has none yet.
func (t *tx) keyOf(c *conv) (*secret, error) {
	if t.access == nil {
		key, err := randomSecret()
		return &key, err
	}
	if c.Record.slot != 0 {
		return t.at(c.Record.slot)
	}
	if c.Record.Keys == 0 {
		run, err := t.takeSpace(2)
		if err != nil {
			return nil, err
		}
		c.Record.Keys = run.From
		c.recordChange = true
	}
	return t.newKey(c, c.Record.Keys)
}

func (t *tx) newKey(c *conv, slot uint32) (*secret, error) {
	key, err := randomSecret()
	t.set(slot, key)
	c.Record.slot = slot
	return &key, err
}

// putUnder stores what goes with its conversation.
func (t *tx) putUnder(c *conv, table kv.Table, at kv.Key, value msgp.Marshaler) error {
	b, err := value.MarshalMsg(nil)
	if err != nil {
		return err
	}
	key, err := t.keyOf(c)
	if err != nil {
		return err
	}
	s, err := seal(table, *key, b)
	if err != nil {
		return err
	}
	if t.access == nil {
		return t.Put(table, at, s.inline())
	}
	return t.Put(table, at, s.at(c.Record.slot))
}

// putSegment stores a segment that was sealed before, its key in the slot that the version before does not use. free is that
// version's slot, or the other of the two if there was none.
func (t *tx) putSegment(c *conv, segment uint32, s *sealed, before uint32) (free uint32, err error) {
	at := place(c.Record.Ordinal, uint64(segment))
	if t.access == nil {
		return 0, t.Put(tableSegments, at, s.inline())
	}
	one, other, err := t.slotsOf(c, segment)
	if err != nil {
		return 0, err
	}
	if before == one {
		one, other = other, one
	}
	t.set(one, s.key)
	return other, t.Put(tableSegments, at, s.at(one))
}

// slotsOf are the two slots of a segment, from an extent that the conversation is given if it has none there.
func (t *tx) slotsOf(c *conv, segment uint32) (one, other uint32, err error) {
	if one, other = c.Record.slots(segment); one != 0 {
		return one, other, nil
	}
	first, n := block(segment)
	run, err := t.takeSpace(2 * n)
	if err != nil {
		return 0, 0, err
	}
	c.Record.Extents = append(c.Record.Extents[:len(c.Record.Extents):len(c.Record.Extents)], Extent{First: first, Slot: run.From})
	c.recordChange = true
	one, other = c.Record.slots(segment)
	return one, other, nil
}

// scattered is how many places of a transaction may be just anywhere, since an intent must name them all.
const scattered = maxIntent / 2

// takeSpace hands out slots. All of them are overwritten: intents and sweeps leave no key where nobody owns the slot, and this, which
// costs no write of its own, holds should one of them ever fail.
func (t *tx) takeSpace(n uint32) (keyring.Run, error) {
	t.spaceNew = true
	run, err := t.space.take(n, t.taken > scattered)
	for slot := run.From; err == nil && slot < run.End(); slot++ {
		t.set(slot, secret{})
	}
	t.taken++
	return run, err
}

// rekey gives the conversation a new key, under which its record and the rows of its tail are sealed again; free is the
// slot of the old one. rows are what stays in the tail.
func (t *tx) rekey(c *conv, rows []Row) (free []keyring.Run, err error) {
	c.change()
	if t.access != nil {
		old := c.Record.slot
		if old == 0 {
			if _, err := t.keyOf(c); err != nil { // of format 1: there is no old one
				return nil, err
			}
		} else if _, err := t.newKey(c, old^1); err != nil {
			return nil, err
		}
		free = []keyring.Run{{From: c.Record.slot ^ 1, N: 1}}
	}
	for i := range rows {
		if err := t.putUnder(c, tableTail, place(c.Record.Ordinal, uint64(rows[i].Slot)), &rows[i]); err != nil {
			return nil, err
		}
	}
	return free, nil
}

// Erases tells whether deleting destroys keys here; without a keyring it only removes rows.
func (v *Vault) Erases() bool { return v.ring != nil }
