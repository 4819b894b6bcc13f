//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

// connection is an open IDBDatabase.
type connection struct {
	js.Value

	// gone is closed some time after the connection has ended. Transactions under way are aborted when the browser ends it by itself,
	// says the specification, but Chromium tells those nothing that began in the moment before (seen with 156, a site's data being
	// cleared).
	gone   chan struct{}
	hungUp bool
}

// connect opens a connection. With create it makes what is missing; without, a database that is not as it was is lost.
func (s *store) connect(ctx context.Context, create bool) (*connection, error) {
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
			o.abandon()
			return nil, kv.ErrBlocked
		case <-ctx.Done():
			o.abandon()
			return nil, unknown(ctx)
		}
	}
}

// reopens is how often a broken connection is opened again, reopenWait how long before the first time; then twice as long.
const (
	reopens    = 3
	reopenWait = 50 * time.Millisecond
)

// connectPatiently is connect, again where the browser fails for no reason of ours.
func (s *store) connectPatiently(ctx context.Context, create bool) (conn *connection, err error) {
	for i := 0; ; i++ {
		conn, err = s.connect(ctx, create)
		if !errors.Is(err, kv.ErrBroken) || i == reopens {
			return conn, err
		}
		select {
		case <-time.After(reopenWait << i):
		case <-ctx.Done():
			return nil, unknown(ctx)
		}
	}
}

// abandoned counts the openings that nobody waits for any more and that have not ended.
var abandoned sync.WaitGroup

// Abandoned waits until no opening is under way that nobody waits for any more: such a database is closed when the browser has
// opened it, which a program that has ended would not do.
func Abandoned() { abandoned.Wait() }

// abandon leaves the opening to itself. It may just have ended.
func (o *opening) abandon() {
	for {
		select {
		case event := <-o.events:
			switch event {
			case "blocked":
				continue
			case "success":
				o.request.Get("result").Call("close")
			}
			return
		default:
			o.abandoned = true
			abandoned.Add(1)
			return
		}
	}
}

// start makes the request. go-indexeddb runs the upgrade; the request is made here, since it does not let one listen
// for blocked.
func (o *opening) start() (err error) {
	s := o.store
	indexedDB := js.Global().Get("indexedDB")
	if !indexedDB.Truthy() {
		return ErrUnavailable
	}
	if err := try(func() { o.request = indexedDB.Call("open", s.name, s.version) }); err != nil {
		return unavailable(err)
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
			if o.abandoned {
				abandoned.Done()
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
	return unavailable(err)
}

// ErrUnavailable: the browser gives this page no databases, as in some private windows and in frames without an origin.
var ErrUnavailable = errors.New("idb: this browser gives the page no IndexedDB")

// unavailable adds ErrUnavailable to what browsers say then.
func unavailable(err error) error {
	if isNamed(err, "SecurityError") || isNamed(err, invalidState) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// succeed sets the new connection up.
func (o *opening) succeed() (*connection, error) {
	s, conn := o.store, &connection{Value: o.request.Get("result"), gone: make(chan struct{})}
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
	listen(conn.Value, func(event string) {
		hangUp(conn, event == "close") // at once, so that the other tab can go on
		switch event {
		case "versionchange":
			s.drop(conn, kv.ErrNewer)
			tell(s.events.VersionChange)
		case deletion:
			s.drop(conn, kv.ErrLost)
			tell(s.events.VersionChange)
		default:
			s.drop(conn, nil)
			s.doubt()
			tell(s.events.Closed)
		}
	}, "versionchange", "close")
	return conn, nil
}

// finishing is how long the transactions of a connection have that we closed.
const finishing = 5 * time.Second

// hangUp closes a connection; ended: the browser has done so itself. Transactions under way finish, or wait no longer for how they
// ended after a while: the browser may be ending what we close, and then nobody hears of that any more.
func hangUp(conn *connection, ended bool) {
	unlisten(conn.Value)
	conn.Call("close")
	if conn.hungUp {
		return
	}
	conn.hungUp = true
	patience := finishing
	if ended {
		patience = closing
	}
	time.AfterFunc(patience, func() { close(conn.gone) })
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
