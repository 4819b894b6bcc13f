//go:build js && wasm

// Package idb is the store of sdk/kv on the browser's IndexedDB, and what tabs need of the browser to share it: pokes,
// locks, lasting storage.
//
// go-indexeddb opens, upgrades and deletes databases. Transactions speak to JavaScript themselves: go-indexeddb keeps its
// objects to itself, so that what it lacks (getAll, the end of an abort, one callback for all events) could not be added
// beside it, and it makes several callbacks and goroutines a request.
package idb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/lethe-im/lethe/sdk/kv"
)

// Events are told what other tabs and the browser do to the database. Each may be nil and is called on a goroutine of
// its own.
type Events struct {
	// Blocked: another tab keeps an older version open; Open fails with kv.ErrBlocked if that lasts.
	Blocked func()
	// VersionChange: another tab wants to upgrade or delete the database, so this store let go of it: kv.ErrNewer or kv.ErrLost
	// from now on.
	VersionChange func()
	// Closed: the browser closed the database, as when the user clears the site's data. The next call opens it again, or
	// gives kv.ErrLost for good if it is not there any more.
	Closed func()
}

// Open opens the database, making it and the tables it lacks if it is new or of an older version. Out-of-line number
// keys, Uint8Array values, no index.
// Errors: kv.ErrBlocked after 4 s, kv.ErrNewer (the database is left as it is), kv.ErrFull, kv.ErrUnknown.
func Open(ctx context.Context, name string, version uint, tables []kv.Table, events Events) (kv.Store, error) {
	s := &store{name: name, version: version, tables: tables, events: events, opener: make(chan struct{}, 1)}
	err := s.roomAtStart(ctx)
	if err == nil {
		s.conn, err = s.connectPatiently(ctx, true)
	}
	if err != nil {
		return nil, fmt.Errorf("idb: open %s: %w", name, err)
	}
	return s, nil
}

// store is an open database. Its connection comes and goes.
type store struct {
	name    string
	version uint
	tables  []kv.Table
	events  Events
	opener  chan struct{} // holds a token while somebody reopens

	mu       sync.Mutex
	doubtful bool        // the log may end in half a record: see renew.go
	conn     *connection // nil when the browser closed it: the next call opens it again
	end      error       // why there will be none any more
}

// View implements kv.Store. fn may run again on another connection.
func (s *store) View(ctx context.Context, tables []kv.Table, fn func(kv.Tx) error) error {
	for i := 0; ; i++ {
		t, err := s.begin(ctx, false, kv.Relaxed, tables)
		if err != nil {
			return err
		}
		err = fn(t)
		t.over = true // it ends by itself, having no more requests
		if !s.broke(t, err) || i == reopens {
			return err
		}
	}
}

// broke drops the connection of a transaction that failed because it broke: the next one opens another.
func (s *store) broke(t *transaction, err error) bool {
	if !errors.Is(err, kv.ErrBroken) {
		return false
	}
	s.doubt()
	hangUp(t.conn, errors.Is(err, kv.ErrLost))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == t.conn {
		s.conn = nil
	}
	return true
}

// Update implements kv.Store.
func (s *store) Update(ctx context.Context, durability kv.Durability, tables []kv.Table, fn func(kv.Tx) error) error {
	t, err := s.begin(ctx, true, durability, tables)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // fn panicked
			t.abort()
		}
	}()
	err = fn(t)
	returned = true
	if err != nil {
		err = t.fail(err)
	} else {
		err = t.commit()
	}
	s.broke(t, err)
	return err
}

// begin starts a transaction, opening the database again if the browser closed it. From then on nothing may wait but
// for the transaction itself.
func (s *store) begin(ctx context.Context, write bool, durability kv.Durability, tables []kv.Table) (*transaction, error) {
	if ctx.Err() != nil {
		return nil, unknown(ctx)
	}
	if len(tables) == 0 {
		return nil, fmt.Errorf("%w: none named", kv.ErrTable)
	}
	for again := false; ; again = true {
		conn, err := s.connection(ctx)
		if err != nil {
			return nil, err
		}
		if write {
			if err := s.sure(ctx, conn); err != nil {
				return nil, err
			}
		}
		t, err := newTransaction(ctx, conn, write, durability, tables)
		if err == nil || !isNamed(err, invalidState) {
			return t, err
		}
		// The connection is dead though no event said so (Safari does that to tabs in the background).
		hangUp(conn, true)
		s.drop(conn, nil)
		s.doubt()
		if again {
			return nil, fmt.Errorf("%w: %w", kv.ErrLost, err)
		}
	}
}

// connection is the open connection, opened again if need be.
func (s *store) connection(ctx context.Context) (*connection, error) {
	if conn, err := s.current(); conn != nil || err != nil {
		return conn, err
	}
	select {
	case s.opener <- struct{}{}:
		defer func() { <-s.opener }()
	case <-ctx.Done():
		return nil, unknown(ctx)
	}
	if conn, err := s.current(); conn != nil || err != nil {
		return conn, err
	}
	err := s.settleDown(ctx)
	var conn *connection
	if err == nil {
		conn, err = s.connectPatiently(ctx, false)
	}
	if err != nil {
		return nil, fmt.Errorf("idb: open %s again: %w", s.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		hangUp(conn, false)
		return nil, s.end
	}
	s.conn = conn
	return conn, nil
}

func (s *store) current() (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn, s.end
}

// drop forgets the connection if it is the current one, for good if end says why.
func (s *store) drop(conn *connection, end error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == conn {
		s.conn = nil
	}
	if s.end == nil {
		s.end = end
	}
}

// Close implements kv.Store. Transactions under way have 5 s to finish.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		hangUp(s.conn, false)
		s.conn = nil
	}
	s.end = kv.ErrClosed
	return nil
}
