package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// connection is one Socket. One goroutine reads requests and answers them in order. Two more, one that writes and one that
// pushes, are there only while they have something to do: most connections are idle, and a goroutine costs more than its struct.
type connection struct {
	server *Server
	id     uint64 // names it in Poke.Except
	socket Socket
	out    *outbound
	// written is closed when nothing will be written any more.
	written chan struct{}

	// busy is held while a request is answered, so that draining waits for it.
	busy sync.Mutex
	// counted takes the connection out of what admission counts; greeted out of those that have not said hello.
	counted []func()
	greeted func()
	address string // what it is counted under
	grant   Grant  // guarded by server.mu
	// after is what the request in hand does once its answer is queued.
	after []func()

	// Set by hello.
	who    Who
	isNew  bool  // the server has not known the device to have stored anything
	seen   int64 // when it was last noted that the device is there, ms
	push   *pusher
	named  map[string]struct{} // the conversations that the device has named or was told of
	expiry *time.Timer
	until  time.Time // the token's end
}

// Serve serves a device on a socket until that ends, and closes it. Over WebSockets the handler does so by itself. The socket
// counts as one from the address, which may be empty.
func (s *Server) Serve(ctx context.Context, socket Socket, address string) {
	s.serve(ctx, socket, address, true)
}

// serve is Serve; speaks is false where the peer does not name our subprotocol.
func (s *Server) serve(ctx context.Context, socket Socket, address string, speaks bool) {
	c := &connection{
		server: s, id: rand.Uint64() | 1, socket: socket, written: make(chan struct{}),
		address: address, named: map[string]struct{}{},
	}
	c.out = newOutbound(s.limits.Queue, c.write)
	defer c.uncount()
	gone := s.observer.Connected()
	defer func() { gone(c.out.closing()) }()
	if code := s.enter(c); code == 0 {
		defer s.leave(c)
		c.serve(ctx, speaks)
	} else {
		c.out.end(code)
	}
	<-c.written
}

// cut ends the connection without a word.
func (c *connection) cut() { c.socket.Cut() }

// expel ends the connection at once: what is queued is given up, and after expelWait the socket is cut.
func (c *connection) expel(code wire.CloseCode) {
	c.out.giveUp(code)
	time.AfterFunc(expelWait, c.cut)
}

// expelWait is how long who is sent away may take to read the close code.
const expelWait = 2 * time.Second

// drain ends the connection after the request in hand.
func (c *connection) drain() {
	c.busy.Lock()
	defer c.busy.Unlock()
	c.out.end(wire.CloseDraining)
}

// write sends what is queued, one frame at a time, and, when the connection has ended, the close code.
func (c *connection) write() {
	for {
		w, code := c.out.next()
		switch {
		case w.frame == nil && code == 0:
			return // until there is more
		case w.frame == nil:
			c.close(code)
			c.silence()
			return
		}
		patience := c.server.limits.Write + time.Duration(len(w.frame))*time.Second/slowLine
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := c.socket.Write(ctx, w.frame)
		cancel()
		if err != nil {
			c.silence()
			return
		}
		c.out.wrote(w)
	}
}

// silence is the end of writing.
func (c *connection) silence() {
	c.cut()
	c.out.abandon()
	close(c.written)
}

// close tells the peer the code. The socket's end is the bound for a peer that does not take it.
func (c *connection) close(code wire.CloseCode) {
	bound := time.AfterFunc(c.server.limits.Close, c.cut)
	defer bound.Stop()
	reason := ""
	if known := code.Code(); known != wire.NetworkError {
		reason = known.Name()
	}
	c.socket.Close(code, reason)
}

// serve reads and answers until the connection ends.
func (c *connection) serve(ctx context.Context, speaks bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	code := wire.CloseVersion
	if speaks {
		code = c.readAll(ctx)
	}
	if c.push != nil {
		c.push.stop()
	}
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.out.end(code)
}

// readAll answers frames until one ends the connection, and returns the code for that.
func (c *connection) readAll(ctx context.Context) wire.CloseCode {
	quiet := time.AfterFunc(c.server.limits.Hello, func() { c.out.end(wire.CloseUnauthenticated) })
	defer quiet.Stop()
	for first := true; c.out.room(); first = false {
		f, err := c.readFrame(ctx)
		if err == nil && first {
			// From here silence means idle; a timer that has fired already has ended the connection.
			quiet.Stop()
			quiet = time.AfterFunc(c.server.limits.Idle, func() { c.out.end(wire.CloseIdle) })
			defer quiet.Stop()
		}
		if err == nil {
			quiet.Reset(c.server.limits.Idle)
			err = c.turn(first)
		}
		if err == nil {
			err = c.answerAside(ctx, f, first)
		}
		if errors.Is(err, ErrGone) {
			return wire.CloseNormal
		}
		if err != nil {
			return wire.CloseFor(err)
		}
	}
	return wire.CloseNormal // something else has ended it, with its own code
}

// turn waits for the user's turn. Meanwhile nothing is read, so that who is too fast is slowed by its own line. It also looks
// whether the token still holds: the timer that ends the connection stands still while a machine sleeps.
func (c *connection) turn(first bool) error {
	if first {
		return nil
	}
	if wait := c.server.operations.wait(c.who.App+"\x00"+c.who.User, time.Now()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.out.done:
			return ErrGone
		}
	}
	if !c.server.clock().Before(c.until) {
		return wire.Errorf(wire.TokenExpired, "the token has expired")
	}
	return nil
}

// readFrame reads one frame. Errors: FrameTooLarge, FrameInvalid, ErrGone.
func (c *connection) readFrame(ctx context.Context) (wire.Frame, error) {
	data, err := c.socket.Read(ctx)
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.DecodeFrame(data, wire.MaxClientFrame)
}

// answerAside is answer on a goroutine of its own. What answering needs of a stack is freed that way: this one waits for the next
// request most of its life, and keeps what it has grown to.
func (c *connection) answerAside(ctx context.Context, f wire.Frame, first bool) error {
	answered := make(chan error)
	go func() { answered <- c.answer(ctx, f, first) }()
	return <-answered
}

// answer answers one request. An error ends the connection; an operation's own error is answered and does not.
func (c *connection) answer(ctx context.Context, f wire.Frame, first bool) (err error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	defer func() {
		for _, fn := range c.after {
			fn()
		}
		c.after = c.after[:0]
	}()
	switch {
	case first && (f.Kind != wire.Request || f.Type != wire.OpHello):
		return wire.Errorf(wire.NotReady, "the first frame must be hello")
	case f.Kind != wire.Request:
		return wire.Errorf(wire.FrameInvalid, "only requests come from a client")
	}
	frame, err := c.observe(ctx, f)
	if err != nil && first {
		return err
	}
	if err != nil {
		if wire.CodeOf(err) == wire.Internal {
			c.server.logger.Error("request failed", "op", f.Type, "app", c.who.App, "user", c.who.User, "err", err)
		}
		if frame, err = wire.NewRefusal(f.ID, err); err != nil {
			return err
		}
	}
	c.out.answer(frame)
	return nil
}

// respond runs the operation and encodes its answer. A panic becomes Internal.
func (c *connection) respond(ctx context.Context, f wire.Frame) (frame []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			frame, err = nil, wire.Errorf(wire.Internal, "internal error")
			c.server.logger.Error("panic", "op", f.Type, "panic", panicked(p), "stack", string(debug.Stack()))
		}
	}()
	op, ok := operations[f.Type]
	if !ok {
		return nil, wire.Errorf(wire.OperationUnknown, "unknown operation")
	}
	body, err := op(ctx, c, f.Body)
	if err != nil {
		return nil, err
	}
	if frame, err = wire.NewResponse(f.ID, body); err != nil {
		return nil, err
	}
	if len(frame) > wire.MaxServerFrame {
		return nil, wire.Errorf(wire.LimitExceeded, "the answer has more than %d bytes: ask for less", wire.MaxServerFrame)
	}
	return frame, nil
}

// publish pokes a topic once the answer is queued.
func (c *connection) publish(t Topic, p Poke) {
	c.after = append(c.after, func() { c.server.bus.Publish(t, p) })
}
