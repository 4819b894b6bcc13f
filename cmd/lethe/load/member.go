package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/wire"
)

// As the client core has them (sdk/session.go, sdk/connection.go): full jitter, a ping each 25 s, 20 s for an answer.
const (
	backoffBase = 500 * time.Millisecond
	backoffCap  = 30 * time.Second
	pingEvery   = 25 * time.Second
	answerWait  = 20 * time.Second
)

// errLost means that the connection has ended before the answer, errRefused that the server does not want to see the device again.
var (
	errLost    = errors.New("the connection was lost")
	errRefused = errors.New("refused for good")
)

// member is one user, connected or on the way back.
type member struct {
	crowd  *Crowd
	user   string
	header http.Header
	token  string
	epoch  uint32
	n      uint64 // the user's number, up to which it knows the rows

	mu      sync.Mutex
	line    *line         // nil while it is away
	changed chan struct{} // closed when line changes
	away    time.Time     // since when
}

// newClient dials for websocket.Dial. Nothing is kept or compressed.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: answerWait, KeepAlive: -1}
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, MaxIdleConnsPerHost: handshakes, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: answerWait, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, DisableCompression: true,
	}}
}

// run connects, and comes back with jitter whenever the connection is lost, until the crowd leaves.
func (m *member) run() {
	tally := &m.crowd.tally
	m.away = time.Now()
	for attempt := 0; ; attempt++ {
		l, err := m.connect(m.crowd.ctx)
		if err == nil {
			attempt = 0
			tally.cameBack(time.Since(m.away), l.again)
			m.set(l)
			err = l.read(m.crowd.ctx)
			m.set(nil)
			m.away = time.Now()
			tally.wentAway()
			l.end()
		}
		if m.crowd.ctx.Err() != nil {
			return
		}
		tally.failed(err)
		if errors.Is(err, errRefused) {
			m.crowd.cancel(err)
			return
		}
		wait := time.Duration(rand.Float64() * float64(min(backoffBase<<min(attempt, 10), backoffCap)))
		select {
		case <-m.crowd.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (m *member) set(l *line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line = l
	close(m.changed)
	m.changed = make(chan struct{})
}

// connected waits for the connection. Errors: errRefused, ctx's.
func (m *member) connected(ctx context.Context) (*line, error) {
	for {
		m.mu.Lock()
		l, changed := m.line, m.changed
		m.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-changed:
		case <-m.crowd.ctx.Done():
			return nil, context.Cause(m.crowd.ctx)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// connect dials, says hello, and asks what a device asks after that: rows and heads.
func (m *member) connect(ctx context.Context) (l *line, err error) {
	select {
	case m.crowd.gate <- struct{}{}:
		defer func() { <-m.crowd.gate }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	again := m.token != ""
	if !again {
		if m.token, err = m.crowd.o.Token(ctx, m.user, ""); err != nil {
			return nil, err
		}
	}
	ws, response, err := websocket.Dial(ctx, m.crowd.o.URL+"/v1/ws", &websocket.DialOptions{
		HTTPClient: m.crowd.client, HTTPHeader: m.header, Subprotocols: []string{wire.Subprotocol},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if response != nil {
			return nil, fmt.Errorf("HTTP %d", response.StatusCode)
		}
		return nil, dialError{err}
	}
	ws.SetReadLimit(wire.MaxServerFrame)
	l = &line{ws: ws, again: again, gone: make(chan struct{})}
	if err := m.greet(ctx, l); err != nil {
		_ = ws.CloseNow()
		return nil, err
	}
	l.timer = time.AfterFunc(time.Duration(rand.Float64()*float64(pingEvery)), l.ping)
	return l, nil
}

// dialError hides addresses and ports, so that equal failures count as one.
type dialError struct{ err error }

func (e dialError) Error() string {
	var op *net.OpError
	if errors.As(e.err, &op) {
		return "dial: " + op.Err.Error()
	}
	return "dial: " + e.err.Error()
}

func (e dialError) Unwrap() error { return e.err }

// greet says hello and syncs. Nobody else reads yet.
func (m *member) greet(ctx context.Context, l *line) error {
	ask := func(op string, body msgp.Marshaler, into msgp.Unmarshaler) error {
		waiting, err := l.send(ctx, op, body)
		for err == nil {
			select {
			case f := <-waiting:
				return decode(f, into)
			default:
				err = l.next(ctx)
			}
		}
		return err
	}
	var welcome wire.Welcome
	hello := wire.Hello{Versions: []uint8{wire.Version}, AppID: m.crowd.o.App, UserID: m.user, Token: m.token, DeviceID: "load"}
	if err := ask(wire.OpHello, &hello, &welcome); err != nil {
		return err
	}
	for more := true; more; {
		var rows wire.Rows
		if err := ask(wire.OpRows, &wire.RowsRequest{Epoch: m.epoch, Since: m.n}, &rows); err != nil {
			return err
		}
		m.epoch, m.n, more = rows.Epoch, rows.N, rows.More
	}
	for more := true; more; {
		var heads wire.Heads
		if err := ask(wire.OpHeads, &wire.HeadsRequest{Rest: true}, &heads); err != nil {
			return err
		}
		more = heads.More
	}
	return nil
}

// line is one connection. One goroutine reads, any may ask.
type line struct {
	ws    *websocket.Conn
	again bool // the member was connected before
	timer *time.Timer
	gone  chan struct{} // closed when it has ended

	mu      sync.Mutex
	id      uint32
	waiting []request // answers come in the order of the requests
}

type request struct {
	id     uint32
	answer chan wire.Frame
}

// read takes in answers until the connection ends, and returns why it did.
func (l *line) read(ctx context.Context) error {
	for {
		if err := l.next(ctx); err != nil {
			return err
		}
	}
}

// next takes in one frame. Errors: why the connection has ended.
func (l *line) next(ctx context.Context) error {
	_, data, err := l.ws.Read(ctx)
	if err != nil {
		var closed websocket.CloseError
		if !errors.As(err, &closed) {
			return errLost
		}
		code := wire.CloseCode(closed.Code)
		if code.Terminal() {
			return fmt.Errorf("%w: closed %d %s", errRefused, code, code.Code().Name())
		}
		return fmt.Errorf("closed %d", code)
	}
	f, err := wire.DecodeFrame(data, wire.MaxServerFrame)
	if err != nil || f.Kind != wire.Response {
		return err // an event: the server has done its work, and a device its own
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 || l.waiting[0].id != f.ID {
		return fmt.Errorf("an answer to no request (%d)", f.ID)
	}
	l.waiting[0].answer <- f
	l.waiting = l.waiting[1:]
	return nil
}

// send writes a request; its answer will come in the channel.
func (l *line) send(ctx context.Context, op string, body msgp.Marshaler) (<-chan wire.Frame, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id++
	data, err := wire.NewRequest(l.id, op, body.MarshalMsg)
	if err != nil {
		return nil, err
	}
	r := request{l.id, make(chan wire.Frame, 1)}
	l.waiting = append(l.waiting, r)
	if err := l.ws.Write(ctx, websocket.MessageBinary, data); err != nil {
		return nil, errLost
	}
	return r.answer, nil
}

// ask waits for the answer to a request. Errors: the refusal, errLost (which leaves open whether it was done), ctx's.
func (l *line) ask(ctx context.Context, op string, body msgp.Marshaler, into msgp.Unmarshaler) error {
	answer, err := l.send(context.WithoutCancel(ctx), op, body)
	if err != nil {
		return err
	}
	patience := time.NewTimer(answerWait)
	defer patience.Stop()
	select {
	case f := <-answer:
		return decode(f, into)
	case <-l.gone:
		return errLost
	case <-patience.C:
		_ = l.ws.CloseNow() // as the client core does: it counts as dead
		return errLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

func decode(f wire.Frame, into msgp.Unmarshaler) error {
	if f.Code != wire.OK {
		return &wire.Error{Code: f.Code, Text: f.Text}
	}
	return wire.DecodeBody(f.Body, into.UnmarshalMsg)
}

// ping keeps the server from taking the connection for idle. Where it fails, reading fails too.
func (l *line) ping() {
	ctx, cancel := context.WithTimeout(context.Background(), answerWait)
	defer cancel()
	if _, err := l.send(ctx, wire.OpPing, &wire.Ping{}); err == nil {
		l.timer.Reset(pingEvery)
	}
}

// end closes the connection, if it is not closed yet.
func (l *line) end() {
	l.timer.Stop()
	close(l.gone)
	_ = l.ws.CloseNow()
}

// newID names a send or an operation.
func newID() (id wire.ID) {
	binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64()|1)
	return id
}
