package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

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
	v       *Vault
	dev     Device
	devNew  bool
	convs   map[string]*conv
	used    map[kv.Key]string // keys that new ledgers take in this transaction
	dropped []uint64
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

// update runs fn as one transaction over all tables but those of messages, which it names.
func (v *Vault) update(ctx context.Context, d kv.Durability, messages []kv.Table, fn func(*tx) error) error {
	v.write.Lock()
	defer v.write.Unlock()
	return v.updateLocked(ctx, d, messages, fn)
}

func (v *Vault) updateLocked(ctx context.Context, d kv.Durability, messages []kv.Table, fn func(*tx) error) error {
	t := &tx{v: v, convs: map[string]*conv{}, used: map[kv.Key]string{}}
	tables := append([]kv.Table{tableDevice, tableConversations, tableLedgers}, messages...)
	err := v.store.Update(ctx, d, tables, func(x kv.Tx) error {
		t.Tx = x
		values, err := x.Get(tableDevice, 0)
		if err != nil {
			return err
		}
		if err := decode(values[0], &t.dev); err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		return t.flush()
	})
	if err != nil {
		return err
	}
	t.remember()
	return nil
}

// load reads conversations: all ledgers at once, then all records at once.
func (t *tx) load(conversationIDs ...string) ([]*conv, error) {
	out := make([]*conv, len(conversationIDs))
	var keys []kv.Key
	var missing []*conv
	for i, id := range conversationIDs {
		if c := t.convs[id]; c != nil {
			out[i] = c
			continue
		}
		c := &conv{ID: id}
		out[i], t.convs[id] = c, c
		missing = append(missing, c)
		key, _ := t.dev.nameOf(id)
		for j := kv.Key(0); j < probes; j++ {
			keys = append(keys, key+j)
		}
	}
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
	_, name := t.dev.nameOf(c.ID)
	free := -1
	for j, value := range values {
		if value == nil {
			if owner, taken := t.used[keys[j]]; free < 0 && (!taken || owner == c.ID) {
				free = j
			}
			continue
		}
		l := &Ledger{}
		if err := decode(value, l); err != nil {
			return err
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
	for i, c := range owners {
		if values[i] == nil {
			return fmt.Errorf("vault: conversation %d has no record", keys[i])
		}
		c.Record = &Record{}
		if err := decode(values[i], c.Record); err != nil {
			return err
		}
		c.Record.Ordinal = uint64(keys[i])
	}
	return nil
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
	return e, put(t.Tx, tableOutbox, kv.Key(e.N), &e)
}

// note keeps what is to be reclaimed.
func (t *tx) note(n Note) error {
	n.N = t.dev.NextNote
	t.dev.NextNote++
	t.devNew = true
	return put(t.Tx, tableGarbage, kv.Key(n.N), &n)
}

func (t *tx) flush() error {
	for _, ordinal := range t.dropped {
		if err := t.Delete(tableConversations, kv.Span{From: kv.Key(ordinal), To: kv.Key(ordinal)}); err != nil {
			return err
		}
	}
	for _, c := range t.convs {
		if c.recordChange && c.Record != nil {
			if err := put(t.Tx, tableConversations, kv.Key(c.Record.Ordinal), c.Record); err != nil {
				return err
			}
		}
		if c.ledgerChange {
			if err := put(t.Tx, tableLedgers, c.key, c.Ledger); err != nil {
				return err
			}
		}
	}
	if t.devNew {
		return put(t.Tx, tableDevice, 0, &t.dev)
	}
	return nil
}

// remember brings memory to what the transaction has committed.
func (t *tx) remember() {
	t.v.mu.Lock()
	defer t.v.mu.Unlock()
	t.v.device = t.dev
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

func put(x kv.Tx, table kv.Table, key kv.Key, value msgp.Marshaler) error {
	b, err := value.MarshalMsg(nil)
	if err != nil {
		return err
	}
	return x.Put(table, key, b)
}

func decode(value []byte, into msgp.Unmarshaler) error {
	if value == nil {
		return errors.New("vault: record missing")
	}
	if _, err := into.UnmarshalMsg(value); err != nil {
		return fmt.Errorf("vault: record: %w", err)
	}
	return nil
}
