package vault

import (
	"context"
	"errors"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
)

// Vault is one user's store on one device. Its methods may be called from many goroutines and tabs: what they decide by is
// read in their own transaction. The conversations are also held in memory, as the last transaction left them.
type Vault struct {
	store kv.Store
	ring  keyring.File // nil where the platform has none: keys then stand in the database, beside what they seal
	user  string
	key   secret // the device's

	damage  Damage      // what Open found
	reserve kv.Reserve  // nil where there is none
	short   atomic.Bool // some of the reserve is not held

	write   lock           // one writer of this tab at a time; also guards the order in which memory is refreshed
	carried map[uint64]int // notes whose keys this tab has destroyed, and how far they had got then; guarded by write
	clearTo uint64         // the keys of all whole notes below this number are destroyed; guarded by write
	kept    error          // why the last transaction could not destroy its keys; guarded by write

	arrivals atomic.Bool // see Arrived

	turn    sync.Mutex // guards what follows
	calm    *sync.Cond // nobody works but Reclaim
	working int

	mu      sync.Mutex // guards what follows
	device  Device
	behind  bool               // others have committed since memory was loaded whole
	records map[string]*Record // by conversationID; never changed in place
	ledgers map[kv.Key]*Ledger // never changed in place
	logs    map[uint64]string  // log → conversationID, of those with a record

	naming sync.Mutex // guards what follows
	names  map[string]named
}

// lock is a mutex that is kept while the disk works. It waits as a channel does, so that a simulation, whose disk answers when
// everything else waits, sees that it waits.
type lock chan struct{}

// Lock takes the lock.
func (l lock) Lock() { l <- struct{}{} }

// Unlock gives it back.
func (l lock) Unlock() { <-l }

// named is where a conversation's ledger stands: the hash is asked for once an id of a call.
type named struct {
	key  kv.Key
	name [16]byte
}

// nameOf is Device.nameOf, whose result never changes.
func (v *Vault) nameOf(d *Device, conversationID string) (kv.Key, [16]byte) {
	v.naming.Lock()
	defer v.naming.Unlock()
	n, ok := v.names[conversationID]
	if !ok {
		n.key, n.name = d.nameOf(conversationID)
		v.names[conversationID] = n
	}
	return n.key, n.name
}

// enter and leave stand around every piece of work but Reclaim's, which waits for its turn.
func (v *Vault) enter() {
	v.turn.Lock()
	v.working++
	v.turn.Unlock()
}

func (v *Vault) leave() {
	v.turn.Lock()
	defer v.turn.Unlock()
	if v.working--; v.working == 0 {
		v.calm.Broadcast()
	}
}

// giveWay waits until nobody else works.
func (v *Vault) giveWay() {
	v.turn.Lock()
	defer v.turn.Unlock()
	for v.working > 0 {
		v.calm.Wait()
	}
}

func (v *Vault) isBehind(now Device) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.behind || now != v.device
}

// take holds in memory what was read.
func (v *Vault) take(device Device, records []*Record, ledgers map[kv.Key]*Ledger) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.device, v.ledgers, v.behind = device, ledgers, false
	v.records, v.logs = make(map[string]*Record, len(records)), make(map[uint64]string, len(records))
	for _, r := range records {
		v.records[r.ConversationID] = r
		v.logs[r.Log] = r.ConversationID
	}
}

// allLedgers reads every ledger; those that cannot be read are noted as spoilt.
func (t *tx) allLedgers() (map[kv.Key]*Ledger, error) {
	ledgers := map[kv.Key]*Ledger{}
	err := t.each(tableLedgers, func(e kv.Entry) error {
		l := &Ledger{}
		_, err := t.decode(tableLedgers, e.Value, l)
		if err == nil {
			ledgers[e.Key] = l
		}
		return err
	})
	return ledgers, err
}

// allRecords reads every record that its key opens; the others are noted as spoilt.
func (t *tx) allRecords() (records []*Record, err error) {
	err = t.each(tableConversations, func(e kv.Entry) error {
		r := &Record{Ordinal: uint64(e.Key)}
		slot, err := t.decode(tableConversations, e.Value, r)
		if r.slot = slot; err == nil {
			records = append(records, r)
		}
		return err
	})
	return records, err
}

// Device is what the device knows of itself.
func (v *Vault) Device() Device {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.device
}

// Conversation is a conversation as it stands in memory. Callers change neither part.
type Conversation struct {
	ID     string
	Record *Record // nil after a whole deletion
	Ledger *Ledger // never nil
}

// Find returns a conversation by its conversationID; false if this device has neither record nor ledger of it.
func (v *Vault) Find(conversationID string) (Conversation, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.ledgerOf(conversationID)
	return Conversation{ID: conversationID, Record: v.records[conversationID], Ledger: l}, l != nil
}

// FindLog returns the conversationID of a log that has a record here.
func (v *Vault) FindLog(log uint64) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	id, ok := v.logs[log]
	return id, ok
}

// FindOrdinal returns the conversationID of an ordinal in use; retired tells that it was in use once.
func (v *Vault) FindOrdinal(ordinal uint64) (conversationID string, ok, retired bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, r := range v.records {
		if r.Ordinal == ordinal {
			return id, true, false
		}
	}
	return "", false, ordinal < v.device.NextOrdinal
}

// Deleted tells whether a seq of a log is hidden on this device, also where the conversation has no record any more.
func (v *Vault) Deleted(log, seq uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.ledgers {
		if l.Book.Log == log {
			return l.Book.HidesSeq(seq)
		}
	}
	return false
}

func (v *Vault) ledgerOf(conversationID string) *Ledger {
	return ledgerOf(v.ledgers, v, &v.device, conversationID)
}

// ledgerOf finds a conversation's ledger among those of a device.
func ledgerOf(ledgers map[kv.Key]*Ledger, v *Vault, d *Device, conversationID string) *Ledger {
	key, name := v.nameOf(d, conversationID)
	for i := kv.Key(0); i < probes; i++ {
		if l := ledgers[key+i]; l != nil && l.Name == name {
			return l
		}
	}
	return nil
}

// List returns the conversations of the list, newest first.
func (v *Vault) List() []Conversation {
	list := v.All()
	kept := list[:0]
	for _, c := range list {
		if !c.Ledger.Book.HidesConversation() {
			kept = append(kept, c)
		}
	}
	return kept
}

// All returns every conversation that has a record, hidden ones too, newest first.
func (v *Vault) All() []Conversation {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]Conversation, 0, len(v.records))
	for id, r := range v.records {
		if l := v.ledgerOf(id); l != nil {
			list = append(list, Conversation{ID: id, Record: r, Ledger: l})
		}
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Record.Time != b.Record.Time {
			return a.Record.Time > b.Record.Time
		}
		return a.ID < b.ID
	})
	return list
}

// Close closes the store and its keyring.
func (v *Vault) Close() error {
	err := v.store.Close()
	if v.ring != nil {
		err = errors.Join(err, v.ring.Close())
	}
	if v.reserve != nil {
		err = errors.Join(err, v.reserve.Close())
	}
	return err
}

// Destroy destroys the keys, and then removes the database, whose bytes stay on the disk for as long as the browser likes.
func (v *Vault) Destroy(ctx context.Context) error {
	if v.reserve != nil {
		if err := errors.Join(v.reserve.Give(ctx), v.reserve.Close()); err != nil {
			return err
		}
	}
	if v.ring != nil {
		if err := v.ring.Destroy(ctx); err != nil {
			return err
		}
	}
	return v.store.Destroy(ctx)
}
