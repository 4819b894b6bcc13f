// Package natsbus is a server.Bus over NATS: what one node changes is poked at the connections on all others.
//
// It carries no truth, so it may fail in any way: a poke only says where in the Store to look. With NATS away every
// operation goes on as before, and connections of this node are poked as before. What other nodes do is then looked up every
// few seconds (lookCut); a device's ping finds deletions too. When NATS is back every subscription is poked once, and so are
// those of other nodes, since pokes of this one may not have arrived. Pokes may also be lost unseen (a node dies between its commit and
// its poke): connections look by themselves, too, once a minute (server/push.go).
//
// # Subjects
//
//	lethe.1.APP.u.USER    a user's rows or rooms changed
//	lethe.1.APP.l.LOG     a log got messages or recalls, or was closed
//	lethe.1.look          pokes of a node may not have arrived: everybody is to look
//
// APP is a hash of the appID and USER one of both names (the first 16 bytes of a SHA-256 in base64url, 22 characters), since a
// token of a subject takes neither dots nor spaces; LOG is the log's number, 16 hexadecimal digits. A message is the [server.Poke], see
// appendPoke. A node is subscribed to what its own connections are, and to lethe.1.look.
//
// Whoever may publish there can keep a connection from being pushed to until it comes back: NATS wants a password or a network
// of its own.
package natsbus

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/lethe-im/lethe/server"
)

// queueLimit is how many pokes wait for NATS at most, out and in each. What comes above is dropped, counted and made up for.
const queueLimit = 16 << 10

// How the connection to NATS is kept: a silent one is given up after pingEvery · (pingsOut+1), a write that hangs after
// writeWait, and then it is tried again every retryWait and up to retryJitter more, for ever.
const (
	pingEvery   = 4 * time.Second
	pingsOut    = 2
	writeWait   = 5 * time.Second
	dialWait    = 2 * time.Second
	retryWait   = 250 * time.Millisecond
	retryJitter = 500 * time.Millisecond
	closeWait   = time.Second // for the last pokes
)

// Options say where NATS is.
type Options struct {
	// URL is one server or several of a cluster, with commas between: nats://user:password@host:4222, nats://token@host, or
	// tls://. It is never logged; its hosts are.
	URL    string
	Name   string       // tells NATS who connects; default "lethe"
	Logger *slog.Logger // default: slog.Default()
}

// Stats are counts since Open.
type Stats struct {
	Connected  bool
	Reconnects uint64 // how often NATS came back
	Topics     int    // that this node listens to now
	Published  uint64 // pokes handed to NATS
	Received   uint64 // pokes from other nodes
	Dropped    uint64 // pokes to other nodes that were given up, since NATS was away or slow
	Overflows  uint64 // times that pokes came faster than they were taken, so that some were dropped
	Looks      uint64 // times that everybody here was poked since something may have been missed
}

// Bus is a server.Bus over NATS.
type Bus struct {
	local  server.Bus
	nats   *nats.Conn
	logger *slog.Logger

	mu     sync.Mutex
	topics map[server.Topic]*interest
	// subscribed are the topics that NATS was told, by subscription.
	subscribed map[*nats.Subscription]server.Topic
	changed    map[server.Topic]struct{} // those whose interest NATS has not been told
	queue      []outgoing
	fresh      []server.Topic // those that NATS was told, but has not said to have
	met        bool           // NATS was there once
	absence    string         // why it was not, the last time that it was looked for

	wake    chan struct{} // queue or changed have something
	confirm chan struct{} // fresh has something
	in      chan *nats.Msg
	looking chan struct{} // everybody is to be poked

	owing     atomic.Bool // a poke to others was dropped
	connected atomic.Bool
	reconnects, published, received, dropped, overflows,
	looks atomic.Uint64

	closing sync.Once
	ending  chan struct{} // closed: send what is queued and stop
	stop    chan struct{} // closed: stop
	sent    sync.WaitGroup
	stopped sync.WaitGroup
}

var _ server.Bus = (*Bus)(nil)

// interest is a topic that connections of this node listen to.
type interest struct {
	listeners    int
	subscription *nats.Subscription // only the sender's
}

type outgoing struct {
	topic server.Topic
	poke  server.Poke
}

// Open begins to connect and returns at once: NATS may come later, and go and come again. Errors: a URL that names no server.
func Open(o Options) (*Bus, error) {
	hosts, err := hosts(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "lethe"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	b := &Bus{
		local: server.NewBus(), logger: o.Logger.With("nats", hosts),
		topics: map[server.Topic]*interest{}, subscribed: map[*nats.Subscription]server.Topic{}, changed: map[server.Topic]struct{}{},
		wake: make(chan struct{}, 1), confirm: make(chan struct{}, 1), in: make(chan *nats.Msg, queueLimit),
		looking: make(chan struct{}, 1),
		ending:  make(chan struct{}), stop: make(chan struct{}),
	}
	b.nats, err = nats.Connect(o.URL,
		nats.Name(o.Name), nats.NoEcho(),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.Timeout(dialWait),
		nats.ReconnectWait(retryWait), nats.ReconnectJitter(retryJitter, retryJitter),
		nats.ReconnectBufSize(-1), // what cannot be sent at once is dropped, see send
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(pingsOut), nats.FlusherTimeout(writeWait),
		nats.IgnoreAuthErrorAbort(), // passwords are changed on the servers first
		nats.ConnectHandler(func(*nats.Conn) { b.arrived(false) }),
		nats.ReconnectHandler(func(*nats.Conn) { b.arrived(true) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.absent(err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.departed(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.logger.Warn("nats", "err", err) }),
	)
	if err != nil {
		return nil, errors.New("nats: " + strings.ReplaceAll(err.Error(), o.URL, hosts))
	}
	if _, err = b.nats.ChanSubscribe(lookSubject, b.in); err != nil {
		b.nats.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	b.sent.Go(b.send)
	b.stopped.Go(b.confirmAll)
	b.stopped.Go(b.receive)
	b.stopped.Go(b.look)
	return b, nil
}

// hosts are the hosts of a URL, without what is secret in it.
func hosts(list string) (string, error) {
	var hosts []string
	for _, one := range strings.Split(list, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		switch {
		case err != nil:
			return "", errors.New("nats: not a URL") // its own text would repeat the password
		case u.Scheme != "nats" && u.Scheme != "tls":
			return "", errors.New("nats: the URL begins with nats:// or tls://")
		case u.Hostname() == "":
			return "", errors.New("nats: the URL names no host")
		}
		hosts = append(hosts, u.Host)
	}
	return strings.Join(hosts, ","), nil
}

// Close sends what is queued, if NATS takes it within closeWait, and leaves NATS. Connections of this node are poked on.
func (b *Bus) Close() error {
	b.closing.Do(func() {
		close(b.ending)
		b.sent.Wait()
		close(b.stop)
		b.nats.Close()
		b.stopped.Wait()
	})
	return nil
}

// Stats are the counts now.
func (b *Bus) Stats() Stats {
	b.mu.Lock()
	topics := len(b.topics)
	b.mu.Unlock()
	return Stats{
		Connected: b.connected.Load(), Reconnects: b.reconnects.Load(), Topics: topics, Published: b.published.Load(),
		Received: b.received.Load(), Dropped: b.dropped.Load(), Overflows: b.overflows.Load(), Looks: b.looks.Load(),
	}
}

// arrived notes that NATS is there, with all subscriptions told to it.
func (b *Bus) arrived(again bool) {
	if again {
		b.reconnects.Add(1)
		b.logger.Info("NATS is back")
	} else {
		b.logger.Info("NATS is there")
	}
	b.connected.Store(true)
	b.mu.Lock()
	b.met = true
	b.mu.Unlock()
	signal(b.wake)
	b.lookSoon()
}

// absent notes that NATS is not there yet, and why, once for each reason that follows another. (What LastError says at that time
// the library may have cleared.) Once NATS was there, its other handlers tell.
func (b *Bus) absent(err error) {
	b.mu.Lock()
	told := b.met || b.absence == err.Error()
	b.absence = err.Error()
	b.mu.Unlock()
	if !told {
		b.logger.Warn("NATS does not answer: other nodes are looked at every few seconds until it does", "err", err)
	}
}

// departed notes that NATS is gone.
func (b *Bus) departed(err error) {
	if !b.connected.Swap(false) {
		return
	}
	b.owing.Store(true) // what was just handed over may not have arrived
	b.logger.Warn("NATS is gone: other nodes are looked at every few seconds until it is back", "err", err)
}

// signal wakes who waits at a channel of one; it looks anyway if it has been woken.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
