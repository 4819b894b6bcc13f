package server

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server/oneclose"
	"github.com/lethe-im/lethe/wire"
)

// connection is one WebSocket. Three goroutines serve it: one reads requests and answers them in order, one writes, one
// pushes.
type connection struct {
	server *Server
	id     uint64 // names it in Poke.Except
	ws     *websocket.Conn
	socket net.Conn
	out    *outbound

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

// connect upgrades to a WebSocket and serves it until it ends. Refusals come as close codes after the upgrade, since a
// page's script sees nothing of an HTTP status.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	address := s.proxies.address(r)
	if address != "" && !s.handshakes.take(address, time.Now()) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, wire.Errorf(wire.TooManyConnections, "too many handshakes"))
		return
	}
	keep := &hijacked{ResponseWriter: w}
	ws, err := websocket.Accept(oneclose.Writer(keep), r, &websocket.AcceptOptions{
		Subprotocols:    []string{wire.Subprotocol},
		OriginPatterns:  s.origins,
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		s.logger.Debug("no websocket", "err", err) // Accept has answered
		return
	}
	// Our own limit, with our own close code: the library would close with 1009.
	ws.SetReadLimit(-1)
	c := &connection{
		server: s, id: rand.Uint64() | 1, ws: ws, socket: keep.socket, out: newOutbound(s.limits.Queue),
		address: address, named: map[string]struct{}{},
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	defer c.uncount()
	if code := s.enter(c); code == 0 {
		defer s.leave(c)
		c.serve(context.WithoutCancel(r.Context()), ws.Subprotocol() == wire.Subprotocol)
	} else {
		c.out.end(code)
	}
	<-written
}

// hijacked keeps the socket that the library takes over: only closing it ends a close handshake that hangs.
type hijacked struct {
	http.ResponseWriter
	socket net.Conn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	socket, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.socket = socket
	return socket, rw, err
}

// cut ends the connection without a word.
func (c *connection) cut() { _ = c.socket.Close() }

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

// write sends what is queued, one frame at a time, and then the close code.
func (c *connection) write() {
	defer c.out.abandon()
	defer c.cut()
	for {
		w, code := c.out.next()
		if w.frame == nil {
			c.close(code)
			return
		}
		patience := c.server.limits.Write + time.Duration(len(w.frame))*time.Second/slowLine
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := c.ws.Write(ctx, websocket.MessageBinary, w.frame)
		cancel()
		if err != nil {
			return
		}
		c.out.wrote(w)
	}
}

// close does the closing handshake. The library has no bound for a peer that goes on sending one huge frame: the socket's
// end is the bound.
func (c *connection) close(code wire.CloseCode) {
	bound := time.AfterFunc(c.server.limits.Close, c.cut)
	defer bound.Stop()
	reason := ""
	if known := code.Code(); known != wire.NetworkError {
		reason = known.Name()
	}
	// What it returns is only how the peer took it.
	_ = c.ws.Close(websocket.StatusCode(code), reason)
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
			err = c.answer(ctx, f, first)
		}
		if errors.Is(err, errGone) {
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
			return errGone
		}
	}
	if !c.server.clock().Before(c.until) {
		return wire.Errorf(wire.TokenExpired, "the token has expired")
	}
	return nil
}

// errGone means that the peer has closed or the network failed: there is nobody to tell a code.
var errGone = errors.New("the connection is gone")

// readFrame reads one frame. Errors: FrameTooLarge, FrameInvalid, errGone.
func (c *connection) readFrame(ctx context.Context) (wire.Frame, error) {
	kind, r, err := c.ws.Reader(ctx)
	if err != nil {
		return wire.Frame{}, ended(err)
	}
	if kind != websocket.MessageBinary {
		return wire.Frame{}, wire.Errorf(wire.FrameInvalid, "a text frame")
	}
	data, err := io.ReadAll(io.LimitReader(r, wire.MaxClientFrame+1))
	if err != nil {
		return wire.Frame{}, ended(err)
	}
	return wire.DecodeFrame(data, wire.MaxClientFrame)
}

// ended is why nothing more can be read: errGone, or FrameInvalid where the peer is there and speaks no WebSocket. (Most such
// peers the library has sent away itself, with 1002.)
func ended(err error) error {
	var network net.Error
	if websocket.CloseStatus(err) != -1 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) {
		return errGone
	}
	return wire.Errorf(wire.FrameInvalid, "not a WebSocket frame: %w", err)
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
	frame, err := c.respond(ctx, f)
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
			c.server.logger.Error("panic", "op", f.Type, "panic", p, "stack", string(debug.Stack()))
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
