package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// link is one connection: two pipes of whole messages, each in order. An end may learn late, or never, that the other is gone,
// and what the client wrote before may come when it has long had a newer connection.
type link struct {
	w        *world
	id       int
	tab      *tab
	host     *host
	up, down pipe // to the server, to the client
}

// pipe is one direction.
type pipe struct {
	name  string
	line  []parcel  // on its way
	until time.Time // nothing is delivered before
	lost  bool      // nothing is delivered any more

	mu    sync.Mutex
	moved *sync.Cond
	inbox [][]byte
	over  bool
	code  wire.CloseCode
}

// parcel is a message, or the end of the connection.
type parcel struct {
	data []byte
	end  bool
	code wire.CloseCode
}

const abnormal wire.CloseCode = 1006

// dial is a tab's sdk.Dialer.
func (t *tab) dial(_ context.Context, _ string) (sdk.Conn, error) {
	w := t.device.w
	if !t.pass("dial", nil, nil) {
		return nil, &sdk.Closed{}
	}
	w.books.Lock()
	defer w.books.Unlock()
	h := w.balance()
	if h == nil || h.dead.Load() || t.device.cutOff {
		return nil, &sdk.Closed{}
	}
	if t.on != h.name && t.on != "" {
		w.bite("another node after a loss")
	}
	t.on = h.name
	w.linkN++
	l := &link{w: w, id: w.linkN, tab: t, host: h}
	for _, p := range []*pipe{&l.up, &l.down} {
		p.moved = sync.NewCond(&p.mu)
	}
	l.up.name, l.down.name = fmt.Sprintf("link %d up ", l.id), fmt.Sprintf("link %d down ", l.id)
	w.links = append(w.links, l)
	w.tell("%s has link %d to %s", t.name, l.id, h.name)
	h.serving.Go(func() { h.server.Serve(context.WithValue(context.Background(), onLink{}, l.id), &serverEnd{l}, "") })
	return &clientEnd{l}, nil
}

// balance picks a node for a new connection; nil if that one is down.
func (w *world) balance() *host {
	if len(w.hosts) == 1 {
		return w.hosts[0]
	}
	return w.hosts[w.rng.IntN(len(w.hosts))]
}

// deliveries are the messages of the link that may come now.
func (l *link) deliveries() (ready []*event) {
	for _, p := range []*pipe{&l.up, &l.down} {
		p.mu.Lock()
		if len(p.line) > 0 && !p.lost && !l.tab.device.cutOff && !time.Now().Before(p.until) {
			ready = append(ready, &event{name: p.name + p.line[0].String(), fire: p.deliver})
		}
		p.mu.Unlock()
	}
	return ready
}

func (p *pipe) deliver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.line[0]
	p.line = p.line[1:]
	if x.end {
		p.over, p.code = true, x.code
	} else if !p.over {
		p.inbox = append(p.inbox, x.data)
	}
	p.moved.Broadcast()
}

// String names what is delivered, as far as it is the same whenever the history is run.
func (x parcel) String() string {
	if x.end {
		return fmt.Sprintf("end %d", x.code)
	}
	f, err := wire.DecodeFrame(x.data, wire.MaxServerFrame)
	switch {
	case err != nil:
		return "garbage"
	case f.Kind == wire.Event:
		return "event " + f.Type
	case f.Kind == wire.Request:
		return fmt.Sprintf("%s %d", f.Type, f.ID)
	}
	return fmt.Sprintf("answer %d", f.ID)
}

func (p *pipe) put(x parcel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lost {
		p.line = append(p.line, x)
	}
}

// end has the reader of the pipe see the end now; what was on its way is lost.
func (p *pipe) end(code wire.CloseCode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.lost = nil, true
	if !p.over {
		p.over, p.code = true, code
	}
	p.moved.Broadcast()
}

// lose has nothing more come through the pipe, without anybody noticing.
func (p *pipe) lose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.lost = nil, true
}

// take waits for the next message.
func (p *pipe) take() ([]byte, wire.CloseCode, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.inbox) == 0 && !p.over {
		p.moved.Wait()
	}
	if len(p.inbox) == 0 {
		return nil, p.code, false
	}
	data := p.inbox[0]
	p.inbox = p.inbox[1:]
	return data, 0, true
}

func (p *pipe) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// open tells whether either end may still use the link.
func (l *link) open() bool { return !l.up.ended() || !l.down.ended() }

// forget drops links that have come to their end.
func (w *world) forgetLinks() {
	w.links = slices.DeleteFunc(w.links, func(l *link) bool { return !l.open() })
}

// clientEnd is the client's sdk.Conn.
type clientEnd struct{ l *link }

// Read implements sdk.Conn.
func (c *clientEnd) Read(context.Context) ([]byte, error) {
	data, code, ok := c.l.down.take()
	if !ok {
		return nil, &sdk.Closed{Code: code}
	}
	return data, nil
}

// Write implements sdk.Conn.
func (c *clientEnd) Write(_ context.Context, message []byte) error {
	if c.l.tab.dead.Load() || c.l.down.ended() {
		return &sdk.Closed{Code: abnormal}
	}
	for _, frame := range c.l.said(message) {
		c.l.up.put(parcel{data: frame})
	}
	c.l.w.nudge()
	return nil
}

// Close implements sdk.Conn.
func (c *clientEnd) Close(code wire.CloseCode, _ string) error {
	if !c.l.down.ended() && !c.l.tab.dead.Load() {
		c.l.up.put(parcel{end: true, code: code})
		c.l.w.nudge()
	}
	c.l.down.end(code)
	return nil
}

// serverEnd is the server's server.Socket.
type serverEnd struct{ l *link }

// Read implements server.Socket.
func (s *serverEnd) Read(context.Context) ([]byte, error) {
	data, _, ok := s.l.up.take()
	if !ok {
		return nil, server.ErrGone
	}
	return data, nil
}

var errEnded = errors.New("the link has ended")

// Write implements server.Socket.
func (s *serverEnd) Write(_ context.Context, message []byte) error {
	if s.l.up.ended() || s.l.host.dead.Load() {
		return errEnded
	}
	for _, frame := range s.l.told(message) {
		s.l.down.put(parcel{data: frame})
	}
	s.l.w.nudge()
	return nil
}

// Close implements server.Socket.
func (s *serverEnd) Close(code wire.CloseCode, _ string) {
	if !s.l.host.dead.Load() {
		s.l.down.put(parcel{end: true, code: code})
		s.l.w.nudge()
	}
	s.l.up.end(code)
}

// Cut implements server.Socket.
func (s *serverEnd) Cut() {
	if !s.l.up.ended() && !s.l.host.dead.Load() {
		s.l.down.put(parcel{end: true, code: abnormal})
		s.l.w.nudge()
	}
	s.l.up.end(abnormal)
}
