package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// ErrElsewhere: the database's keys stand in a keyring, and there is none here. It was left as it is.
var ErrElsewhere = errors.New("vault: the keys are in a file that cannot be opened here")

// Open opens the vault of a user, or begins one in an empty store. ring is nil where the platform has no keyring. What an
// earlier tab had begun to destroy is destroyed, and a database of format 1 is sealed, before anything else. A database whose
// keys are lost is begun anew: it is a new device.
// Errors: ErrElsewhere, the store's, the keyring's.
func Open(ctx context.Context, store kv.Store, ring keyring.File, user string) (*Vault, error) {
	v := &Vault{
		store: store, ring: ring, user: user, write: make(lock, 1), carried: map[uint64]int{}, names: map[string]named{},
	}
	v.calm = sync.NewCond(&v.turn)
	if err := v.settleIn(ctx); err != nil {
		return nil, fmt.Errorf("vault: begin: %w", err)
	}
	if v.records == nil {
		if _, err := v.Owed(ctx, true); err != nil {
			return nil, fmt.Errorf("vault: load: %w", err)
		}
	}
	return v, nil
}

// settleIn brings database and keyring into a state that everything else can rely on, in one transaction under the lock.
func (v *Vault) settleIn(ctx context.Context) error {
	k, err := v.begin(ctx, true)
	if err != nil {
		return err
	}
	defer k.end()
	ctx = context.WithoutCancel(ctx)
	t := v.newTx(k)
	t.writes = true
	err = v.store.Update(ctx, kv.Strict, Tables, func(x kv.Tx) error {
		t.Tx = x
		values, err := x.Get(tableDevice, 0, 1, 3)
		if err != nil {
			return err
		}
		if err := t.recognise(values[0], values[2]); err != nil {
			return err
		}
		if err := t.settleIntent(); err != nil {
			return err
		}
		if values[1] != nil && t.space.Next == 0 {
			_, err := t.decode(tableDevice, values[1], &t.space)
			if t.spaceNew = errors.Is(err, ErrUnreadable); t.spaceNew {
				t.space = Space{} // what is in use is found below
			} else if err != nil {
				return err
			}
		}
		c, err := t.survey()
		if err != nil {
			return err
		}
		if !t.sealed {
			t.sealed, t.damage = true, Damage{} // as it was before sealAll: what that has left out is seen the next time
		} else if t.damage.any() {
			if err := t.mend(c); err != nil {
				return err
			}
		}
		if err := t.sweep(c.records); err != nil {
			return err
		}
		if !t.devNew { // as a rule: then this is all that there is to read
			v.take(t.dev, c.records, c.ledgers)
		}
		return t.flush()
	})
	if err != nil {
		return err
	}
	v.key = t.known[deviceSlot]
	v.clearTo = t.dev.NextNote
	v.damage = t.damage
	if err := t.destroy(); err != nil || !t.again {
		return err
	}
	k.end()
	return v.settleIn(ctx)
}

// recognise finds the device's key and record, or makes them. copied is what the database keeps of the record a second time.
func (t *tx) recognise(value, copied []byte) error {
	old, err := t.identify(value)
	if copied != nil && (errors.Is(err, ErrUnreadable) || errors.Is(err, ErrElsewhere)) {
		if again, failed := t.identify(copied); failed == nil {
			old, err = again, t.restoreDevice()
		}
	}
	switch {
	case errors.Is(err, ErrUnreadable):
		return t.beginAnew(value != nil || copied != nil)
	case err != nil:
		return err
	case old:
		err = t.sealAll()
	}
	t.sealed = !old
	if err == nil && (old || copied == nil) {
		err = t.copyDevice()
	}
	return err
}

// identify reads the device's record; old: its key is not in the keyring, though there is one, or it has none.
func (t *tx) identify(value []byte) (old bool, err error) {
	if value == nil {
		return false, ErrUnreadable
	}
	e, err := parse(value)
	if err != nil {
		return false, err
	}
	t.dev = Device{}
	switch {
	case e.plain:
		old, err = true, whole(&t.dev, e.body)
	case e.key == nil && t.access == nil:
		return false, ErrElsewhere
	default:
		if e.key != nil {
			t.known[deviceSlot] = *e.key
			old = t.access != nil // the keys move into the keyring
		}
		_, err = t.decode(tableDevice, value, &t.dev)
	}
	if err == nil && (t.dev.ID == wire.ID{} || t.dev.Secret == [32]byte{}) {
		err = ErrUnreadable
	}
	if err != nil {
		delete(t.known, deviceSlot)
	}
	return old, err
}

// beginAnew makes a new device where there is none, or none that can be read any more.
func (t *tx) beginAnew(was bool) error {
	t.damage.Anew = was
	for _, table := range Tables {
		if err := t.Delete(table, kv.All); err != nil {
			return err
		}
	}
	if err := t.beginDevice(); err != nil {
		return err
	}
	t.sealed = true
	return t.copyDevice()
}

// beginDevice makes a new device.
func (t *tx) beginDevice() error {
	t.dev = Device{}
	if _, err := rand.Read(t.dev.ID[:]); err != nil {
		return err
	}
	if _, err := rand.Read(t.dev.Secret[:]); err != nil {
		return err
	}
	t.devNew = true
	return t.beginKey()
}

func (t *tx) beginKey() error {
	key, err := randomSecret()
	if err != nil {
		return err
	}
	t.known[deviceSlot] = key
	if t.access != nil {
		t.set(deviceSlot, key)
	}
	return nil
}

// sealAll seals what was not under keys of the keyring: all small records at once, segments afterwards as Reclaim comes to
// them.
func (t *tx) sealAll() error {
	old := map[kv.Table][]kv.Entry{}
	for _, table := range []kv.Table{tableConversations, tableLedgers, tableTail, tableSent, tableOutbox, tableGarbage} {
		entries, err := t.Scan(table, kv.All, 0, false)
		if err != nil {
			return err
		}
		kept := entries[:0]
		for _, e := range entries {
			plain, _, err := t.open(table, e.Value)
			if err == nil {
				err = whole(emptyOf(table), plain)
			}
			if errors.Is(err, ErrUnreadable) {
				if err := t.Delete(table, kv.Span{From: e.Key, To: e.Key}); err != nil {
					return err
				}
				t.again = true
				continue
			}
			if err != nil {
				return err
			}
			kept = append(kept, kv.Entry{Key: e.Key, Value: plain})
		}
		old[table] = kept
	}
	if err := t.beginKey(); err != nil {
		return err
	}
	t.dev.SealedFrom, t.devNew = t.dev.NextOrdinal, true
	owners := map[uint64]*conv{}
	for _, e := range old[tableConversations] {
		c := &conv{Record: &Record{Ordinal: uint64(e.Key)}, recordChange: true}
		if _, err := c.Record.UnmarshalMsg(e.Value); err != nil {
			return err
		}
		c.Record.Keys, c.Record.Extents = 0, nil
		if _, err := t.keyOf(c); err != nil {
			return err
		}
		owners[c.Record.Ordinal] = c
		t.convs[c.Record.ConversationID] = c
		t.loaded = append(t.loaded, c)
		n := Note{Ordinal: c.Record.Ordinal, ConversationID: c.Record.ConversationID, Quiet: true, Segments: segmentsOf(c.Record.Covered)}
		if _, err := t.note(n); err != nil {
			return err
		}
	}
	for table, entries := range old {
		for _, e := range entries {
			var err error
			switch table {
			case tableConversations:
			case tableTail:
				if c := owners[uint64(e.Key)>>32]; c != nil {
					err = t.putUnder(c, table, e.Key, rawRecord(e.Value))
				} else {
					err = t.put(table, e.Key, rawRecord(e.Value)) // of a retired ordinal
				}
			default:
				err = t.put(table, e.Key, rawRecord(e.Value))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// emptyOf is what the values of a small table decode into.
func emptyOf(table kv.Table) msgp.Unmarshaler {
	switch table {
	case tableConversations:
		return &Record{}
	case tableLedgers:
		return &Ledger{}
	case tableTail:
		return &Row{}
	case tableSent:
		return &Sent{}
	case tableOutbox:
		return &Entry{}
	}
	return &Note{}
}

// rawRecord is a record's MessagePack.
type rawRecord []byte

// MarshalMsg implements msgp.Marshaler.
func (r rawRecord) MarshalMsg(b []byte) ([]byte, error) { return append(b, r...), nil }

// segmentsOf are the segments that intervals touch.
func segmentsOf(covered ledger.Intervals) (segments []uint32) {
	next := uint32(0)
	for _, x := range covered {
		for s := max(next, uint32(x.From/wire.SegmentSize)); s <= uint32(x.To/wire.SegmentSize); s++ {
			segments = append(segments, s)
			next = s + 1
		}
	}
	return segments
}

// sweep destroys the keys that nothing needs any more: those that notes name, and those that a transaction had written which
// never came to its end. What is in use follows from records and notes alone.
func (t *tx) sweep(records []*Record) error {
	if t.access == nil {
		return nil
	}
	used := []keyring.Run{{From: 0, N: firstSlot}}
	for _, r := range records {
		used = append(used, r.runs()...)
	}
	for _, c := range t.convs { // those that sealAll has just given slots
		if c.Record != nil {
			used = append(used, c.Record.runs()...)
		}
	}
	notes, err := t.Scan(tableGarbage, kv.All, 0, false)
	if err != nil {
		return err
	}
	for _, e := range notes {
		var n Note
		if _, err := t.decode(tableGarbage, e.Value, &n); err != nil {
			return err
		}
		used = append(used, n.Runs...)
		t.doomed = append(t.doomed, n.Runs...)
	}
	return t.sweepBetween(joinRuns(used))
}

// sweepBetween makes everything that is not in use free, and destroys what stands there.
func (t *tx) sweepBetween(used []keyring.Run) error {
	end := used[len(used)-1].End()
	space := Space{Next: end}
	for i := 1; i < len(used); i++ {
		from := used[i-1].End()
		space.Free = append(space.Free, keyring.Run{From: from, N: used[i].From - from})
	}
	if !space.equal(t.space) {
		t.space, t.spaceNew = space, true
	}
	for _, r := range space.Free {
		for from := r.From; from < r.End(); from += window {
			if _, err := t.sweepRun(keyring.Run{From: from, N: min(window, r.End()-from)}); err != nil {
				return err
			}
		}
	}
	for from := end; from <= keyring.MaxSlots-window; from += window {
		some, err := t.sweepRun(keyring.Run{From: from, N: window})
		if err != nil || !some {
			return err
		}
	}
	return nil
}

// sweepRun dooms a run if any key stands there.
func (t *tx) sweepRun(r keyring.Run) (some bool, err error) {
	b, err := t.access.Read(r)
	if err != nil {
		return false, err
	}
	for _, x := range b {
		if x != 0 {
			t.doomed = append(t.doomed, r)
			return true, nil
		}
	}
	return false, nil
}
