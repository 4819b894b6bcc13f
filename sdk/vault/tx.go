package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// probes is how many keys from its hash on a ledger may stand: with 10^6 conversations two share a key once in 10^4
// devices, four never.
const probes = 4

var errFull = errors.New("vault: no key left for a ledger")

// tx is one transaction of the vault: it loads conversations, lets its user change them in memory, and writes what changed
// when its user is done, so that reads come before writes.
type tx struct {
	kv.Tx
	keys
	v        *Vault
	writes   bool
	strict   bool // its commit will be on the disk
	dev      Device
	devNew   bool
	space    Space
	spaceNew bool
	convs    map[string]*conv
	loaded   []*conv           // the same, in the order in which they were loaded: what is written follows from what was asked
	used     map[kv.Key]string // keys that new ledgers take in this transaction
	dropped  []uint64
	gaps     []uint64              // places of rows that no key opens
	spoilt   map[kv.Table][]kv.Key // small records that cannot be read
	damage   Damage
	again    bool   // sealAll left out what cannot be read: a second look mends that
	clearTo  uint64 // see Vault
	older    *Note  // the newest of the whole notes that others left
	arrivals bool   // see Arrived
	behind   bool   // see Vault
}

// conv is a conversation inside a transaction.
type conv struct {
	ID     string
	Record *Record
	Ledger *Ledger

	key          kv.Key
	known        bool // the ledger stood in the database
	recordChange bool
	ledgerChange bool
	stained      bool // a draft was deleted: the record's key has sealed it
}

func (c *conv) book() *ledger.Book { return &c.Ledger.Book }

// change marks the record as changed.
func (c *conv) change() {
	c.Record.Version++
	c.recordChange = true
}

// changeBook marks the ledger as changed.
func (c *conv) changeBook() {
	c.Ledger.Book.Version++
	c.ledgerChange = true
}

// update runs fn as one transaction over all tables but those of messages, which it names. It holds the keyring's lock until
// the keys of what was written, or deleted, are settled.
func (v *Vault) update(ctx context.Context, d kv.Durability, messages []kv.Table, fn func(*tx) error) error {
	return v.updateOf(ctx, nil, d, messages, fn)
}

// updateOf is update for what loads these conversations: they are read in one round trip with the device.
func (v *Vault) updateOf(ctx context.Context, conversationIDs []string, d kv.Durability, messages []kv.Table, fn func(*tx) error) error {
	v.enter()
	defer v.leave()
	v.write.Lock()
	defer v.write.Unlock()
	return v.persist(ctx, func() error { return v.updateOnce(ctx, conversationIDs, d, messages, fn) })
}

func (v *Vault) updateLocked(ctx context.Context, d kv.Durability, messages []kv.Table, fn func(*tx) error) error {
	return v.persist(ctx, func() error { return v.updateOnce(ctx, nil, d, messages, fn) })
}

func (v *Vault) updateOnce(ctx context.Context, conversationIDs []string, d kv.Durability, messages []kv.Table, fn func(*tx) error) error {
	k, err := v.begin(ctx, true)
	if err != nil {
		return err
	}
	defer k.end()
	// How it ends must be known before the lock is let go.
	ctx = context.WithoutCancel(ctx)
	t := v.newTx(k)
	t.writes, t.strict = true, d == kv.Strict
	tables := append([]kv.Table{tableDevice, tableConversations, tableLedgers}, messages...)
	err = v.store.Update(ctx, d, tables, func(x kv.Tx) error {
		t.Tx = x
		t.ask(conversationIDs)
		if err := t.readDevice(); err != nil {
			return err
		}
		t.behind = t.dev != v.Device()
		if err := t.settleIntent(); err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		return t.flush()
	})
	if err != nil {
		return err // if keys were written, their intent stands
	}
	t.remember()
	if t.arrivals {
		v.arrivals.Store(true)
	}
	if v.kept = t.destroy(); v.kept != nil { // the notes stand: Reclaim does it again, or says why it cannot
		for n := range t.settles {
			delete(v.carried, n)
		}
		return nil
	}
	for n, stage := range t.settles {
		v.carried[n] = stage
	}
	v.clearTo = max(v.clearTo, t.clearTo)
	return nil
}

func (v *Vault) newTx(k keys) *tx {
	return &tx{keys: k, v: v, convs: map[string]*conv{}, used: map[kv.Key]string{}, spoilt: map[kv.Table][]kv.Key{}}
}

func (t *tx) readDevice() error {
	values, err := t.Get(tableDevice, 0, 1)
	if err != nil {
		return err
	}
	if values[0] == nil {
		return fmt.Errorf("%w: its content is gone", kv.ErrLost)
	}
	_, err = t.decode(tableDevice, values[0], &t.dev)
	if errors.Is(err, ErrUnreadable) { // another tab has begun it anew
		return fmt.Errorf("%w: it is another device's: %w", kv.ErrLost, err)
	}
	if err != nil || values[1] == nil {
		return err
	}
	_, err = t.decode(tableDevice, values[1], &t.space)
	return err
}

// ledgerKeys are where a conversation's ledger may stand.
func (v *Vault) ledgerKeys(d *Device, conversationID string) []kv.Key {
	key, _ := v.nameOf(d, conversationID)
	keys := make([]kv.Key, probes)
	for i := range keys {
		keys[i] = key + kv.Key(i)
	}
	return keys
}

// ask asks for what load will read of conversations, as far as memory knows where it stands.
func (t *tx) ask(conversationIDs []string) {
	device := t.v.Device()
	for _, id := range conversationIDs {
		t.Ask(tableLedgers, t.v.ledgerKeys(&device, id)...)
		if c, _ := t.v.Find(id); c.Record != nil {
			t.Ask(tableConversations, kv.Key(c.Record.Ordinal))
		}
	}
}

// load reads conversations: all ledgers at once, then all records at once.
func (t *tx) load(conversationIDs ...string) ([]*conv, error) {
	out := make([]*conv, len(conversationIDs))
	var keys []kv.Key
	var missing []*conv
	var ids []string // theirs
	for i, id := range conversationIDs {
		if c := t.convs[id]; c != nil {
			out[i] = c
			continue
		}
		c := &conv{ID: id}
		out[i], t.convs[id] = c, c
		t.loaded = append(t.loaded, c)
		missing, ids = append(missing, c), append(ids, id)
		keys = append(keys, t.v.ledgerKeys(&t.dev, id)...)
	}
	t.ask(ids)
	values, err := t.Get(tableLedgers, keys...)
	if err != nil {
		return nil, err
	}
	for i, c := range missing {
		if err := t.readLedger(c, keys[i*probes:(i+1)*probes], values[i*probes:(i+1)*probes]); err != nil {
			return nil, err
		}
	}
	return out, t.readRecords(missing)
}

func (t *tx) readLedger(c *conv, keys []kv.Key, values [][]byte) error {
	_, name := t.v.nameOf(&t.dev, c.ID)
	free := -1
	for j, value := range values {
		if value == nil {
			if owner, taken := t.used[keys[j]]; free < 0 && (!taken || owner == c.ID) {
				free = j
			}
			continue
		}
		l := &Ledger{}
		if _, err := t.decode(tableLedgers, value, l); err != nil {
			return err // what it hides is not known: Open mends it
		}
		if l.Name == name {
			c.Ledger, c.key, c.known = l, keys[j], true
			return nil
		}
	}
	if free < 0 {
		return errFull
	}
	c.Ledger, c.key = &Ledger{Name: name}, keys[free]
	t.used[c.key] = c.ID
	return nil
}

func (t *tx) readRecords(convs []*conv) error {
	var keys []kv.Key
	var owners []*conv
	for _, c := range convs {
		if c.Ledger.Ordinal > 0 {
			keys = append(keys, kv.Key(c.Ledger.Ordinal-1))
			owners = append(owners, c)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	values, err := t.Get(tableConversations, keys...)
	if err != nil {
		return err
	}
	if err := t.wantAll(values); err != nil {
		return err
	}
	for i, c := range owners {
		r := &Record{Ordinal: uint64(keys[i])}
		slot, err := t.decode(tableConversations, values[i], r)
		if errors.Is(err, ErrUnreadable) {
			if err := t.lose(c, r.Ordinal); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		r.slot = slot
		c.Record = r
	}
	return nil
}

// lose goes on without a record that is missing or that no key opens: its rows are reclaimed, and the server still knows the conversation.
func (t *tx) lose(c *conv, ordinal uint64) error {
	if !t.writes {
		return nil
	}
	t.dropped = append(t.dropped, ordinal)
	c.Ledger.Ordinal = 0
	c.ledgerChange = true
	_, err := t.note(Note{Ordinal: ordinal, Whole: true, Quiet: true, Until: uint32(c.book().Head/wire.SegmentSize) + 1})
	return err
}

// begin gives a conversation a record with a new ordinal if it has none.
func (t *tx) begin(c *conv, log uint64) error {
	if c.Record == nil {
		if t.dev.NextOrdinal > MaxOrdinal {
			return wire.Errorf(wire.StorageFull, "this device has used all %d ordinals", MaxOrdinal+1)
		}
		c.Record = &Record{ConversationID: c.ID, Ordinal: t.dev.NextOrdinal}
		t.dev.NextOrdinal++
		t.devNew = true
		// What came before, as of a conversation that was hidden, nobody has counted here.
		c.Record.Stale = c.book().Head > c.book().ReadUpTo()
		c.Ledger.Ordinal = c.Record.Ordinal + 1
		c.change()
		c.ledgerChange = true
	}
	if log != 0 && c.Record.Log != log {
		c.Record.Log = log
		c.book().Log = log
		c.change()
		c.ledgerChange = true
	}
	return nil
}

// drop takes a conversation's record away and retires its ordinal.
func (t *tx) drop(c *conv) {
	t.dropped = append(t.dropped, c.Record.Ordinal)
	c.Record = nil
	c.Ledger.Ordinal = 0
	c.ledgerChange = true
}

// enqueue appends an outbox entry.
func (t *tx) enqueue(e Entry) (Entry, error) {
	e.V, e.N = EntryVersion, t.dev.NextEntry
	t.dev.NextEntry++
	t.devNew = true
	return e, t.put(tableOutbox, kv.Key(e.N), &e)
}

// note keeps what is to be reclaimed, and numbers it.
func (t *tx) note(n Note) (Note, error) {
	n.N = t.dev.NextNote
	t.dev.NextNote++
	t.devNew = true
	return n, t.put(tableGarbage, kv.Key(n.N), &n)
}

func (t *tx) flush() error {
	if len(t.settles) > 0 && !t.strict {
		return errStrict
	}
	for _, span := range spansOf(t.dropped) {
		if err := t.Delete(tableConversations, span); err != nil {
			return err
		}
	}
	for _, c := range t.loaded {
		if c.recordChange && c.Record != nil {
			if _, err := t.keyOf(c); err != nil { // so that the record says where its first key is
				return err
			}
			if err := t.putUnder(c, tableConversations, kv.Key(c.Record.Ordinal), c.Record); err != nil {
				return err
			}
		}
		if c.ledgerChange {
			if err := t.put(tableLedgers, c.key, c.Ledger); err != nil {
				return err
			}
		}
	}
	if len(t.written) > 0 {
		t.dev.Commit++
		t.devNew = true
	}
	if t.devNew {
		if err := t.put(tableDevice, 0, &t.dev); err != nil {
			return err
		}
	}
	if t.spaceNew {
		if err := t.put(tableDevice, 1, &t.space); err != nil {
			return err
		}
	}
	return t.keys.write(t.dev.Commit)
}

// remember brings memory to what the transaction has committed.
func (t *tx) remember() {
	t.v.mu.Lock()
	defer t.v.mu.Unlock()
	t.v.device, t.v.behind = t.dev, t.v.behind || t.behind
	for id, c := range t.convs {
		if !c.known && !c.ledgerChange {
			continue
		}
		t.v.ledgers[c.key] = c.Ledger
		if c.Record == nil {
			if old := t.v.records[id]; old != nil {
				delete(t.v.logs, old.Log)
				delete(t.v.records, id)
			}
			continue
		}
		t.v.records[id] = c.Record
		t.v.logs[c.Record.Log] = id
	}
}

// spansOf is whole numbers as spans: a range costs the browser one request.
func spansOf(numbers []uint64) (spans []kv.Span) {
	slices.Sort(numbers)
	for _, n := range numbers {
		if last := len(spans) - 1; last >= 0 && uint64(spans[last].To)+1 >= n {
			spans[last].To = kv.Key(n)
			continue
		}
		spans = append(spans, kv.Span{From: kv.Key(n), To: kv.Key(n)})
	}
	return spans
}
