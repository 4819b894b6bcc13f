package vault

import (
	"context"
	"crypto/rand"
	"fmt"
	"sort"
	"sync"

	"github.com/lethe-im/lethe/sdk/kv"
)

// Vault is one user's store on one device. Its methods may be called from many goroutines and tabs: what they decide by is
// read in their own transaction. The conversations are also held in memory, as the last transaction left them.
type Vault struct {
	store kv.Store
	user  string

	write sync.Mutex // one writer of this tab at a time; also guards the order in which memory is refreshed

	mu      sync.Mutex // guards what follows
	device  Device
	records map[string]*Record // by conversationID; never changed in place
	ledgers map[kv.Key]*Ledger // never changed in place
	logs    map[uint64]string  // log → conversationID, of those with a record
}

// Open reads the vault of a user from its store, or begins one in an empty store.
func Open(ctx context.Context, store kv.Store, user string) (*Vault, error) {
	v := &Vault{store: store, user: user}
	err := store.Update(ctx, kv.Relaxed, []kv.Table{tableDevice}, func(x kv.Tx) error {
		values, err := x.Get(tableDevice, 0)
		if err != nil || values[0] != nil {
			return err
		}
		var d Device
		if _, err := rand.Read(d.ID[:]); err != nil {
			return err
		}
		if _, err := rand.Read(d.Secret[:]); err != nil {
			return err
		}
		return put(x, tableDevice, 0, &d)
	})
	if err != nil {
		return nil, fmt.Errorf("vault: begin: %w", err)
	}
	if err := v.Reload(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// Reload reads again into memory what other tabs may have changed.
func (v *Vault) Reload(ctx context.Context) error {
	v.write.Lock()
	defer v.write.Unlock()
	var device Device
	records := map[string]*Record{}
	ledgers := map[kv.Key]*Ledger{}
	logs := map[uint64]string{}
	err := v.store.View(ctx, []kv.Table{tableDevice, tableConversations, tableLedgers}, func(x kv.Tx) error {
		values, err := x.Get(tableDevice, 0)
		if err != nil {
			return err
		}
		if err := decode(values[0], &device); err != nil {
			return err
		}
		entries, err := x.Scan(tableConversations, kv.All, 0, false)
		if err != nil {
			return err
		}
		for _, e := range entries {
			r := &Record{}
			if err := decode(e.Value, r); err != nil {
				return err
			}
			r.Ordinal = uint64(e.Key)
			records[r.ConversationID] = r
			logs[r.Log] = r.ConversationID
		}
		if entries, err = x.Scan(tableLedgers, kv.All, 0, false); err != nil {
			return err
		}
		for _, e := range entries {
			l := &Ledger{}
			if err := decode(e.Value, l); err != nil {
				return err
			}
			ledgers[e.Key] = l
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("vault: load: %w", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.device, v.records, v.ledgers, v.logs = device, records, ledgers, logs
	return nil
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

// KnowsLog tells whether the device has ever had a conversation on this log.
func (v *Vault) KnowsLog(log uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.ledgers {
		if l.Book.Log == log {
			return true
		}
	}
	return false
}

func (v *Vault) ledgerOf(conversationID string) *Ledger {
	key, name := v.device.nameOf(conversationID)
	for i := kv.Key(0); i < probes; i++ {
		if l := v.ledgers[key+i]; l != nil && l.Name == name {
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

// Close closes the store.
func (v *Vault) Close() error { return v.store.Close() }

// Destroy removes the database.
func (v *Vault) Destroy(ctx context.Context) error { return v.store.Destroy(ctx) }
