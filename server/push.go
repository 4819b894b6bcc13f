package server

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// pushMessages bounds the messages of one event: so many of the largest fit a frame.
const pushMessages = wire.MaxServerFrame / (wire.MaxPayload + 1<<10) / 2

// pushBehind bounds how far an open log is pushed after: what is older a device asks for in pages.
const pushBehind = wire.MaxPage

// pusher reads the Store when the Bus pokes and queues events. Pokes may be lost, doubled or overtaken, so it keeps
// itself how far each log was pushed and pushes without gaps from there. Rows events go to the connection that caused
// them as well: each is the change after the number that the connection has, and leaving one out would be a gap.
type pusher struct {
	c    *connection
	ctx  context.Context // of run
	runs sync.WaitGroup

	mu      sync.Mutex
	running bool // run is there, or is not to begin yet
	again   bool // it is to look once more
	stopped bool

	rows bool   // the user's rows, or the heads of the logs, may have changed
	told uint64 // the user's rows have changed, up to this number; no log that they do not tell of
	base uint64 // what is told up to this number leads to a look at everything; see asked
	logs map[uint64]*following
	own  map[uint64]uint64 // the seq with which the connection itself has made a log that is not followed yet

	looked time.Time // when the pusher last looked at everything, told or not

	user func() // ends the user's subscription

	// cursor guards the rows that the connection has; see (*connection).rows. It holds one token: it is kept while the Store works.
	cursor    chan struct{}
	following bool   // a rows request was answered to the end
	n         uint64 // the number that the connection has then
}

// following is one log that the connection hears of.
type following struct {
	pushed uint64 // the connection has or will get what is up to here
	head   uint64 // the newest seq heard of
	// recalled is the recall up to which the connection has or will get all, recall the newest heard of.
	recalled, recall uint64
	room             string // a room's conversationID
	closed           bool   // the room is said to be closed
	cancel           func()
}

func newPusher(c *connection) *pusher {
	return &pusher{
		c: c, running: true, logs: map[uint64]*following{}, own: map[uint64]uint64{}, cursor: make(chan struct{}, 1),
		looked: time.Now(), base: math.MaxUint64,
	}
}

// start lets it push from now on.
func (p *pusher) start(ctx context.Context) {
	p.ctx = ctx
	p.runs.Go(p.run)
}

// signal has it look for what is to be pushed.
func (p *pusher) signal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.running:
		p.again = true
	case !p.stopped:
		p.running = true
		p.runs.Go(p.run)
	}
}

// follow subscribes to the user and to the logs that are open now, from their heads on.
func (p *pusher) follow(ctx context.Context) error {
	p.user = p.c.server.bus.Subscribe(Topic{App: p.c.who.App, User: p.c.who.User}, func(poke Poke) {
		p.mu.Lock()
		p.rows = p.rows || poke.N <= p.base
		p.told = max(p.told, poke.N)
		p.mu.Unlock()
		p.signal()
	})
	return p.refresh(ctx, true)
}

// refresh follows the logs that the user has come into and leaves the others. At the start a log is pushed from its
// head on, later from where the stay began, since its first messages may have come before the subscription.
func (p *pusher) refresh(ctx context.Context, start bool) error {
	open, err := p.c.server.store.Logs(ctx, p.c.who)
	if err != nil {
		return err
	}
	added := false
	stays := make(map[uint64]struct{}, len(open))
	for _, l := range open {
		stays[l.Log] = struct{}{}
		if p.heard(l) {
			continue
		}
		added = true
		f := &following{pushed: l.Head, head: l.Head, recalled: l.Recall, recall: l.Recall, room: l.Room}
		p.mu.Lock()
		if !start {
			f.pushed = l.Joined - 1
			f.recalled = 0 // the device did not hear of those while it was out
			if p.own[l.Log] == l.Joined {
				f.pushed = l.Joined
			}
			delete(p.own, l.Log)
		}
		p.logs[l.Log] = f
		p.mu.Unlock()
		f.cancel = p.c.server.bus.Subscribe(Topic{App: p.c.who.App, Log: l.Log}, func(poke Poke) { p.poke(f, poke) })
	}
	if err := p.part(stays); err != nil || !added {
		return err
	}
	// What came between reading the heads and subscribing.
	if open, err = p.c.server.store.Logs(ctx, p.c.who); err != nil {
		return err
	}
	for _, l := range open {
		p.heard(l)
	}
	p.signal()
	return nil
}

// part leaves the logs in which the user does not stay any more. A room from which the device was sent away is told of.
func (p *pusher) part(stays map[uint64]struct{}) error {
	var rooms []string
	p.mu.Lock()
	for log, f := range p.logs {
		if _, ok := stays[log]; ok {
			f.closed = false // it is open again, and the device has come back
			continue
		}
		delete(p.logs, log)
		defer f.cancel()
		if f.closed {
			rooms = append(rooms, f.room)
		}
	}
	p.mu.Unlock()
	for _, room := range rooms {
		frame, err := wire.NewEvent(wire.EventClosed, &wire.ClosedEvent{ConversationID: room})
		if err != nil {
			return err
		}
		p.c.event(wire.EventClosed, frame)
	}
	return nil
}

// lookEvery is how often it is looked for what a lost poke would have told. Rows that are missing a device finds by the number
// in the pong; of new messages nothing else tells until the next one comes.
const lookEvery = time.Minute

// look lets the pusher look at everything, if that was long ago.
func (p *pusher) look() {
	p.mu.Lock()
	due := time.Since(p.looked) >= lookEvery
	if due {
		p.looked, p.rows = time.Now(), true
	}
	p.mu.Unlock()
	if due {
		p.signal()
	}
}

// follows tells whether the log is followed.
func (p *pusher) follows(log uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logs[log] != nil
}

// heard notes a log's head and recall number and tells whether the log is followed.
func (p *pusher) heard(l OpenLog) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.logs[l.Log]
	if ok {
		f.head, f.recall = max(f.head, l.Head), max(f.recall, l.Recall)
	}
	return ok
}

// sent notes that the connection has made a log by its message seq: it has the answer to that.
func (p *pusher) sent(log, seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logs[log] == nil && p.own[log] == 0 {
		p.own[log] = seq
	}
}

// poke notes new messages and recalls. The connection's own are passed over, unless others before them are still to be pushed.
func (p *pusher) poke(f *following, poke Poke) {
	p.mu.Lock()
	f.head = max(f.head, poke.To)
	f.recall = max(f.recall, poke.Recall)
	if poke.Except == p.c.id && poke.From == f.pushed+1 {
		f.pushed = poke.To
	}
	if poke.Except == p.c.id && poke.Recall == f.recalled+1 {
		f.recalled = poke.Recall
	}
	if poke.Closed {
		f.closed, p.rows = true, true // the Store tells whether it is so
	}
	if poke == (Poke{}) {
		p.rows = true // something may have been missed
	}
	p.mu.Unlock()
	p.signal()
}

// unfollow ends the subscriptions. Their ends take the Bus's lock, under which pokes take mu: never the other way round.
func (p *pusher) unfollow() {
	p.mu.Lock()
	logs := p.logs
	p.logs = nil
	p.mu.Unlock()
	for _, f := range logs {
		f.cancel()
	}
	p.user()
}

// run pushes until there is nothing to push. A failing Store ends the connection: the device comes back and asks.
func (p *pusher) run() {
	for more := true; more; {
		if err := p.pushAll(p.ctx); err != nil {
			p.c.server.logger.Error("push failed", "app", p.c.who.App, "user", p.c.who.User, "err", err)
			p.c.out.end(wire.CloseInternal)
			return
		}
		p.mu.Lock()
		more = p.again && !p.stopped
		p.again, p.running = false, more
		p.mu.Unlock()
	}
}

// stop ends run, then the subscriptions.
func (p *pusher) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.runs.Wait()
	p.unfollow()
}

// pushAll pushes rows before messages, so that a device knows a conversation before its first message comes.
func (p *pusher) pushAll(ctx context.Context) error {
	p.mu.Lock()
	rows, told := p.rows, p.told
	p.rows, p.told = false, 0
	p.mu.Unlock()
	if rows {
		if err := p.refresh(ctx, false); err != nil {
			return err
		}
		told = math.MaxUint64
	}
	if told > 0 {
		if err := p.pushRows(ctx, told); err != nil {
			return err
		}
	}
	for {
		d, ok := p.due()
		if !ok {
			return nil
		}
		if err := p.pushLog(ctx, d.log, d.from, d.to); err != nil {
			return err
		}
		if err := p.pushRecalls(ctx, d.log, d.recalled, d.recall); err != nil {
			return err
		}
	}
}

// due is what is to be pushed of one log: the seqs from … to, if from ≤ to, and the recalls after recalled up to recall.
type due struct {
	log, from, to, recalled, recall uint64
}

// due takes one log that has something to push.
func (p *pusher) due() (due, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, log := range slices.Sorted(maps.Keys(p.logs)) { // in an order that can be had again
		if f := p.logs[log]; f.head > f.pushed || f.recall > f.recalled {
			d := due{log, f.pushed + 1, f.head, f.recalled, f.recall}
			f.pushed, f.recalled = max(f.pushed, f.head), f.recall
			if d.from+pushBehind <= d.to {
				d.from = d.to - pushBehind + 1
			}
			return d, true
		}
	}
	return due{}, false
}

func (p *pusher) pushLog(ctx context.Context, log, from, to uint64) error {
	for ; from <= to; from += pushMessages {
		e, err := p.c.server.store.Messages(ctx, p.c.who, log, from, min(to, from+pushMessages-1))
		if err != nil {
			return err
		}
		if len(e.Messages) == 0 {
			continue
		}
		frame, err := wire.NewEvent(wire.EventMessages, &e)
		if err != nil {
			return err
		}
		p.c.event(wire.EventMessages, frame)
	}
	return nil
}

// pushRecalls pushes recalls after the messages that they may be of: those read before show what was recalled since.
func (p *pusher) pushRecalls(ctx context.Context, log, since, to uint64) error {
	for since < to {
		e, err := p.c.server.store.RecallsSince(ctx, p.c.who, log, since, int(min(recallsLimit, to-since)))
		if err != nil {
			return err
		}
		if len(e.Recalls) == 0 {
			return nil // not in it any more
		}
		frame, err := wire.NewEvent(wire.EventRecalls, &e)
		if err != nil {
			return err
		}
		p.c.event(wire.EventRecalls, frame)
		since = e.Recalls[len(e.Recalls)-1].Change
	}
	return nil
}
