// Package server is Lethe's server: WebSocket at /v1/ws for devices, HTTP under /v1 for an app's own backend, and, if
// wanted, the web page. It keeps no state of its own but the open connections: truth is in a [Store], and a [Bus] tells
// connections to look there.
//
// A server can be mounted in any Go program:
//
//	s, err := server.New(server.Options{Store: store, Apps: map[string]server.App{"lethe": {Key: key, Settings: server.Lethe}}})
//	mux.Handle("/v1/", s.Handler())
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Options are what a server is made of. Store and Apps are needed, the rest has defaults.
type Options struct {
	Store Store
	Bus   Bus // default: in this process
	// Apps are the tenants by appID.
	Apps map[string]App
	// Dev adds GET /v1/dev/token, which gives anyone a token. Never in production.
	Dev bool
	// Web, if set, is served at /: its index.html and what is under dist/, nothing else.
	Web fs.FS
	// WebPolicy is the Content-Security-Policy of what is under Web; default [WebPolicy]. NoPolicy sends none.
	WebPolicy string
	// Origins are host patterns (filepath.Match) of pages on other hosts that may connect; the server's own host always may.
	// "*", which would let every page in, is refused.
	Origins []string
	// Proxies are the networks (10.0.0.0/8) or addresses of reverse proxies: X-Forwarded-For is read from them only.
	Proxies []string
	Limits  Limits
	Clock   func() time.Time // default: time.Now
	Logger  *slog.Logger     // default: slog.Default()
	// Observer is told what the server does; default: nobody is.
	Observer Observer
}

// App is one tenant.
type App struct {
	Key      []byte // signs and checks tokens: HS256, at least MinKey bytes
	Settings Settings
}

// MinKey is the least length of an app's key, in bytes.
const MinKey = 32

// Server answers devices and backends.
type Server struct {
	store   Store
	bus     Bus
	apps    map[string]App
	dev     bool
	web     http.Handler // nil without Web
	origins []string
	clock   func() time.Time
	logger  *slog.Logger
	limits  Limits

	observer Observer
	retiring atomic.Bool

	proxies    proxies
	handshakes *pace // by address
	operations *pace // by user
	admission  admission

	keys keyLocks // calls by their Idempotency-Key

	checking sync.Mutex // one health check at a time
	healthy  time.Time  // when the last one went well

	lost    chan struct{} // a view may have lost something that is to be purged
	stop    context.CancelFunc
	stopped sync.WaitGroup // the sweeper and the watcher
	sockets sync.WaitGroup // what the Handler upgrades, from before the upgrade until it is closed

	mu          sync.Mutex
	draining    bool
	connections map[*connection]struct{}
	gone        chan struct{} // closed when draining and no connection is left
}

// Check tells what is wrong with options, the Store left aside.
func (o Options) Check() error {
	if len(o.Apps) == 0 {
		return errors.New("server: at least one app is needed")
	}
	for id, app := range o.Apps {
		if err := wire.CheckIdentifier(id); err != nil {
			return err
		}
		if len(app.Key) < MinKey {
			return wire.Errorf(wire.ParameterInvalid, "app %q: a key needs at least %d bytes", id, MinKey)
		}
	}
	for _, pattern := range o.Origins {
		if pattern == "*" {
			return errors.New("server: the origin * would let every page connect: name hosts")
		}
		if _, err := filepath.Match(pattern, ""); err != nil {
			return fmt.Errorf("server: origin %q: %w", pattern, err)
		}
	}
	if _, err := parseProxies(o.Proxies); err != nil {
		return err
	}
	return o.Limits.check()
}

// New makes a server. Shutdown ends it.
func New(o Options) (*Server, error) {
	if o.Store == nil {
		return nil, errors.New("server: a Store is needed")
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	proxies, err := parseProxies(o.Proxies)
	if err != nil {
		return nil, err
	}
	if o.Bus == nil {
		o.Bus = NewBus()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Observer == nil {
		o.Observer = Unobserved{}
	}
	ctx, stop := context.WithCancel(context.Background())
	limits := o.Limits.withDefaults()
	s := &Server{
		store: o.Store, bus: o.Bus, apps: o.Apps, dev: o.Dev, origins: o.Origins, clock: o.Clock, logger: o.Logger,
		lost:        make(chan struct{}, 1),
		limits:      limits,
		observer:    o.Observer,
		proxies:     proxies,
		handshakes:  newPace(limits.HandshakeRate, limits.HandshakeBurst),
		operations:  newPace(limits.Rate, limits.Burst),
		admission:   newAdmission(limits),
		stop:        stop,
		connections: map[*connection]struct{}{},
		gone:        make(chan struct{}),
	}
	if o.Web != nil {
		s.web = newWeb(o.Web, o.WebPolicy)
	}
	s.stopped.Go(func() { s.sweep(ctx) })
	s.stopped.Go(func() { s.watchRevocations(ctx) })
	return s, nil
}

func (s *Server) now() int64 { return s.clock().UnixMilli() }

// sweep forgets old operations and sends, at the start and every hour, and purges: rooms every roomSweep, the rest as purging
// says.
func (s *Server) sweep(ctx context.Context) {
	tick, rooms, purge := time.NewTicker(time.Hour), time.NewTicker(roomSweep), newPurging()
	defer tick.Stop()
	defer rooms.Stop()
	defer purge.timer.Stop()
	forget := func() error {
		start := time.Now()
		return s.swept("forget", start, s.store.Forget(ctx, s.clock().Add(-Remembered).UnixMilli()))
	}
	for err := forget(); ; {
		if err != nil && ctx.Err() == nil {
			s.logger.Error("sweep", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err = forget()
		case <-rooms.C:
			start := time.Now()
			err = s.swept("rooms", start, s.purgeRooms(ctx))
			purge.within(purgeDelay)
		case <-s.lost:
			purge.within(purgeDelay)
		case <-purge.timer.C:
			start := time.Now()
			err = purge.ended(start, s.swept("purge", start, s.purge(ctx)))
		}
	}
}

// Shutdown lets every connection finish the request in hand, closes it with CloseDraining and waits for all to end; new
// ones are turned away the same way. When ctx ends first, what is left is cut and ctx's error returned. The Store stays
// open: it is the caller's.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Retire()
	s.stop()
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		if len(s.connections) == 0 {
			close(s.gone)
		}
	}
	for c := range s.connections {
		go c.drain()
	}
	s.mu.Unlock()

	var err error
	select {
	case <-s.gone:
	case <-ctx.Done():
		err = ctx.Err()
		s.mu.Lock()
		for c := range s.connections {
			c.cut()
		}
		s.mu.Unlock()
		<-s.gone
	}
	s.stopped.Wait()
	return err
}

// Await waits until every socket of the Handler is closed. After Shutdown that is for those who came last, and are still being told
// that they are turned away: a process that ends meanwhile cuts them off without a word. To be called when nothing serves the
// Handler any more. Errors: ctx's.
func (s *Server) Await(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.sockets.Wait()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter takes a connection in, or tells with which code it is turned away.
func (s *Server) enter(c *connection) wire.CloseCode {
	if err := c.countAddress(); err != nil {
		return wire.CloseFor(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return wire.CloseDraining
	}
	s.connections[c] = struct{}{}
	return 0
}

func (s *Server) leave(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, c)
	if s.draining && len(s.connections) == 0 {
		close(s.gone)
	}
}
