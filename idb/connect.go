//go:build js && wasm

package idb

import (
	"context"
	"fmt"
	"slices"
	"syscall/js"
	"time"

	"github.com/hack-pad/go-indexeddb/idb"

	"github.com/lethe-im/lethe/sdk/kv"
)

const (
	// blockedPatience is how long an open or a deletion waits for other tabs to let go.
	blockedPatience = 4 * time.Second
	// openPatience is how long an open waits when no event says why; it may stand behind another tab's deletion.
	openPatience = 30 * time.Second
)

// opening is one attempt to open the database.
type opening struct {
	store   *store
	make    bool     // may create and upgrade; else the database must be as it was
	request js.Value // IDBOpenDBRequest
	events  chan string

	// These are used in callbacks and by the opening goroutine, never at once: JavaScript has one thread.
	abandoned bool  // nobody waits any more
	failed    error // why the upgrade was aborted
}

// connect opens a connection. With create it makes what is missing; without, a database that is not as it was is lost.
func (s *store) connect(ctx context.Context, create bool) (*js.Value, error) {
	if ctx.Err() != nil {
		return nil, unknown(ctx)
	}
	o := &opening{store: s, make: create, events: make(chan string, 3)} // at most: blocked, then success or error
	if err := o.start(); err != nil {
		return nil, err
	}
	timer := time.NewTimer(openPatience)
	defer timer.Stop()
	for {
		select {
		case event := <-o.events:
			switch event {
			case "blocked":
				timer.Reset(blockedPatience)
				tell(s.events.Blocked)
			case "success":
				return o.succeed()
			default:
				return nil, o.fail()
			}
		case <-timer.C:
			o.abandoned = true
			return nil, kv.ErrBlocked
		case <-ctx.Done():
			o.abandoned = true
			return nil, unknown(ctx)
		}
	}
}

// start makes the request. go-indexeddb runs the upgrade; the request is made here, since it does not let one listen
// for blocked.
func (o *opening) start() (err error) {
	s := o.store
	indexedDB := js.Global().Get("indexedDB")
	if !indexedDB.Truthy() {
		return fmt.Errorf("this browser gives the page no IndexedDB")
	}
	if err := try(func() { o.request = indexedDB.Call("open", s.name, s.version) }); err != nil {
		return err
	}
	listening, stop := context.WithCancel(context.Background())
	listen(o.request, o.hear(stop), "blocked", "success", "error") // before go-indexeddb's, so that these get no further

	ready := js.FuncOf(func(js.Value, []js.Value) any { return o.request })
	defer ready.Release()
	factory, err := idb.WrapFactory(js.ValueOf(map[string]any{"open": ready}))
	if err != nil {
		return err
	}
	// The listener for the upgrade must stay until the request has ended, also when nobody waits for it any more: without
	// it the database would get its new version and no tables.
	_, err = factory.Open(listening, s.name, s.version, o.upgrade)
	return err
}

// hear passes the request's events on; what comes too late is closed.
func (o *opening) hear(stop context.CancelFunc) func(string) {
	return func(event string) {
		if event != "blocked" {
			unlisten(o.request)
			stop()
			if o.abandoned && event == "success" {
				o.request.Get("result").Call("close")
			}
		}
		o.events <- event
	}
}

// upgrade makes the tables that are missing. It returns no error ever, as go-indexeddb would panic in a callback, which
// ends the program; it aborts instead.
func (o *opening) upgrade(db *idb.Database, from, to uint) error {
	err := recovered(func() error {
		switch {
		case o.abandoned:
			return kv.ErrBlocked
		case !o.make:
			return kv.ErrLost
		}
		have, err := db.ObjectStoreNames()
		if err != nil {
			return err
		}
		for _, table := range o.store.tables {
			if slices.Contains(have, string(table)) {
				continue
			}
			if _, err := db.CreateObjectStore(string(table), idb.ObjectStoreOptions{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.failed = err
		// It cannot fail: the transaction is active inside its own event. If it did, the tables would be found missing.
		_ = try(func() { o.request.Get("transaction").Call("abort") })
	}
	return nil
}

func (o *opening) fail() error {
	if o.failed != nil {
		return o.failed
	}
	err := thrown(o.request.Get("error"))
	if isNamed(err, aborted) { // Chromium's word near the end of the disk
		return fmt.Errorf("%w: %w", kv.ErrFull, err)
	}
	return err
}

// succeed sets the new connection up.
func (o *opening) succeed() (*js.Value, error) {
	s, conn := o.store, o.request.Get("result")
	names := conn.Get("objectStoreNames")
	for _, table := range s.tables {
		if !names.Call("contains", string(table)).Bool() {
			conn.Call("close")
			if !o.make {
				return nil, kv.ErrLost
			}
			return nil, fmt.Errorf("%w: version %d of the database has no %s", kv.ErrTable, s.version, table)
		}
	}
	listen(conn, func(event string) {
		hangUp(conn) // at once, so that the other tab can go on
		if event == "versionchange" {
			s.drop(&conn, kv.ErrLost)
			tell(s.events.VersionChange)
			return
		}
		s.drop(&conn, nil)
		tell(s.events.Closed)
	}, "versionchange", "close")
	return &conn, nil
}

// hangUp closes a connection; transactions under way finish.
func hangUp(conn js.Value) {
	unlisten(conn)
	conn.Call("close")
}

// Destroy implements kv.Store. Other tabs are asked to let go; it waits 4 s for them, then gives kv.ErrBlocked, and the
// browser deletes the database when they do.
func (s *store) Destroy(ctx context.Context) error {
	if ctx.Err() != nil {
		return unknown(ctx)
	}
	if err := s.Close(); err != nil {
		return err
	}
	result := make(chan error, 1)
	request, err := idb.Global().DeleteDatabase(s.name)
	if err == nil {
		// The listeners stay until it ends, also when nobody waits any more.
		err = request.Listen(context.Background(), func() { result <- nil }, func() { result <- request.Err() })
	}
	if err != nil {
		return fmt.Errorf("idb: delete %s: %w", s.name, err)
	}
	timer := time.NewTimer(blockedPatience)
	defer timer.Stop()
	select {
	case err := <-result:
		if err != nil {
			return fmt.Errorf("idb: delete %s: %w", s.name, err)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("idb: delete %s: %w", s.name, kv.ErrBlocked)
	case <-ctx.Done():
		return unknown(ctx)
	}
}
