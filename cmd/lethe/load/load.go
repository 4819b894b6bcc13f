// Package load opens many connections to a server and lets some of them send and delete, to learn what the server bears: how
// long an acknowledgement takes, what is refused, how soon all are back after a restart, and whether anything was lost.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Options say how large the crowd is and what it does.
type Options struct {
	URL     string // of the server, http(s)://
	App     string // the appID of the tokens
	Prefix  string // users are Prefix + a number
	Sockets int    // connections, one a user
	Active  int    // how many of them send and delete
	// Rate is the operations a second of all active ones together, 0 for as many as are answered: each has one under way.
	Rate float64
	// Deletes is the share of deletions among the operations, 0 to 1. Where nothing is left to delete, the socket sends.
	Deletes float64
	History int // messages that each active user has to delete before it begins, imported by the HTTP API
	Payload int // bytes of text in a message
	// Token gives the token of a user, with the role given.
	Token func(ctx context.Context, user, role string) (string, error)
	// Address is what a reverse proxy would say the i-th user's address is; nil where there is none.
	Address func(i int) string
	// Patience is how long is waited for what must come in the end: an answer, all sockets. Default 60 s.
	Patience time.Duration
}

// handshakes is how many are under way at once.
const handshakes = 64

// Crowd is what Gather has connected.
type Crowd struct {
	o      Options
	gate   chan struct{} // a token for each handshake under way
	client *http.Client

	members []*member
	active  []*worker

	ctx    context.Context // ends with Leave, or when the server refuses for good
	cancel context.CancelCauseFunc
	jobs   sync.WaitGroup

	tally tally
}

// Gather connects all sockets and imports the history. Errors: the options', ErrDescriptors, that not all sockets connect in time.
func Gather(ctx context.Context, o Options) (*Crowd, error) {
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := allowDescriptors(o.Sockets + spareDescriptors); err != nil {
		return nil, err
	}
	c := &Crowd{o: o, gate: make(chan struct{}, handshakes), client: newClient()}
	c.tally.errors = map[string]int{}
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := c.importHistory(ctx); err != nil {
		c.Leave()
		return nil, err
	}
	// One alone first, so that a crowd does not run against a closed door.
	if _, err := o.Token(ctx, c.user(0), ""); err != nil {
		c.Leave()
		return nil, err
	}
	start := time.Now()
	for i := range o.Sockets {
		m := &member{crowd: c, user: c.user(i), header: o.header(i), changed: make(chan struct{})}
		c.members = append(c.members, m)
		c.jobs.Go(m.run)
	}
	err := c.AllBack(ctx)
	if err == nil {
		c.tally.gathered = time.Since(start)
		err = c.hire(ctx)
	}
	if err != nil {
		c.Leave()
		return nil, err
	}
	return c, nil
}

// Check refuses what makes no sense.
func (o Options) Check() error {
	switch {
	case o.Sockets < 1:
		return errors.New("at least one socket is needed")
	case o.Active < 0 || o.Active > o.Sockets:
		return fmt.Errorf("of %d sockets %d cannot be active", o.Sockets, o.Active)
	case !(o.Rate >= 0):
		return errors.New("the rate cannot be negative")
	case !(o.Deletes >= 0 && o.Deletes <= 1):
		return errors.New("the share of deletions is 0 to 1")
	case o.History < 0:
		return errors.New("the history cannot be negative")
	case o.Payload < 1 || o.Payload > wire.MaxContent:
		return fmt.Errorf("a message has 1 to %d bytes of text", wire.MaxContent)
	}
	return nil
}

// header goes with the handshakes of the i-th user.
func (o Options) header(i int) http.Header {
	if o.Address == nil {
		return nil
	}
	return http.Header{"X-Forwarded-For": {o.Address(i)}}
}

// user is the name of the i-th user. Users 0 and 1, 2 and 3 … write to each other.
func (c *Crowd) user(i int) string { return c.o.Prefix + strconv.Itoa(i) }

// activeAt is the index of the i-th active user: first those with even numbers, so that few active ones have listeners.
func (c *Crowd) activeAt(i int) int {
	if even := (c.o.Sockets + 1) / 2; i >= even {
		return 2*(i-even) + 1
	}
	return 2 * i
}

// AllBack waits until all sockets are connected. Errors: how many are not in time, and why; the server's refusal.
func (c *Crowd) AllBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Patience)
	defer cancel()
	for _, m := range c.members {
		switch _, err := m.connected(ctx); {
		case errors.Is(err, errRefused):
			return err
		case err != nil:
			up, why := c.tally.connected()
			return fmt.Errorf("%d of %d sockets are connected after %v%s", up, len(c.members), c.o.Patience, why)
		}
	}
	return nil
}

// Connected is how many sockets are connected now.
func (c *Crowd) Connected() int {
	up, _ := c.tally.connected()
	return up
}

// Leave closes all sockets.
func (c *Crowd) Leave() {
	c.cancel(nil)
	c.jobs.Wait()
	c.client.CloseIdleConnections()
}

// Work lets the active sockets send and delete for a time, and waits for the answers that are owed then. What is reported is of
// this time only. Errors: ctx's.
func (c *Crowd) Work(ctx context.Context, duration time.Duration) (Report, error) {
	c.tally.reset()
	start := time.Now()
	until := start.Add(duration)
	working, cancel := context.WithDeadline(ctx, until.Add(c.o.Patience))
	defer cancel()
	var jobs sync.WaitGroup
	for _, w := range c.active {
		jobs.Go(func() { w.work(working, start, until, c.pace()) })
	}
	jobs.Wait()
	r := c.report(min(time.Since(start), duration))
	return r, ctx.Err()
}

// pace is the time between two operations of one active socket, 0 where each follows the answer.
func (c *Crowd) pace() time.Duration {
	if c.o.Rate == 0 {
		return 0
	}
	return time.Duration(float64(c.o.Active) / c.o.Rate * float64(time.Second))
}

// hire makes the workers and asks what their conversations hold now.
func (c *Crowd) hire(ctx context.Context) error {
	pairs := map[int]*conversation{}
	for i := range c.o.Active {
		at := c.activeAt(i)
		pair := pairs[at/2]
		if pair == nil {
			pair = &conversation{}
			pairs[at/2] = pair
		}
		w := &worker{member: c.members[at], id: "C2C" + c.user(at^1), shared: pair, random: rand.New(rand.NewPCG(uint64(at), 1))}
		c.active = append(c.active, w)
	}
	return together(ctx, c.active, func(ctx context.Context, w *worker) error { return w.begin(ctx, c.o.History) })
}

// together runs fn for all, some at once, and returns the first error.
func together[T any](ctx context.Context, all []T, fn func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T)
	var jobs sync.WaitGroup
	for range handshakes {
		jobs.Go(func() {
			for item := range next {
				if err := fn(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range all {
		if ctx.Err() != nil {
			break
		}
		next <- item
	}
	close(next)
	jobs.Wait()
	return context.Cause(ctx)
}
