package sdk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// requestTimeout is how long an answer may take; a connection that exceeds it counts as dead. pingEvery keeps the server's
// 90 s of patience, also where background tabs are slowed to one timer a minute.
const (
	requestTimeout = 15 * time.Second
	pingEvery      = 25 * time.Second
)

// connection is one greeted or ungreeted connection: requests with their answers, and what the server pushes.
type connection struct {
	conn   Conn
	events func(wire.Frame)

	mu      sync.Mutex
	next    uint32
	waiting map[uint32]chan wire.Frame
	ended   chan struct{}
	how     wire.CloseCode
}

func newConnection(conn Conn, events func(wire.Frame)) *connection {
	c := &connection{conn: conn, events: events, waiting: map[uint32]chan wire.Frame{}, ended: make(chan struct{})}
	go c.read()
	return c
}

// read runs until the connection ends.
func (c *connection) read() {
	for {
		data, err := c.conn.Read(context.Background())
		if err != nil {
			c.end(closeCode(err))
			return
		}
		f, err := wire.DecodeFrame(data, wire.MaxServerFrame)
		if err != nil {
			c.close(wire.CloseFrameInvalid, "bad frame")
			continue // Read now tells that it ended
		}
		if f.Kind == wire.Event {
			c.events(f)
			continue
		}
		c.mu.Lock()
		answer := c.waiting[f.ID]
		delete(c.waiting, f.ID)
		c.mu.Unlock()
		if answer != nil {
			answer <- f
		}
	}
}

func closeCode(err error) wire.CloseCode {
	var closed *Closed
	if errors.As(err, &closed) {
		return closed.Code
	}
	return 0
}

func (c *connection) end(code wire.CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !isOver(c.ended) {
		c.how = code
		close(c.ended)
	}
}

// close ends the connection from this side.
func (c *connection) close(code wire.CloseCode, reason string) {
	// The peer may be gone already: that is what closing is for.
	_ = c.conn.Close(code, reason)
}

// closed is how the connection ended, once ended is closed.
func (c *connection) closed() wire.CloseCode {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.how
}

// request sends one operation, by its MarshalMsg, and decodes its answer, by the UnmarshalMsg of that.
// Errors: the server's, NetworkError when the connection ends first, NetworkTimeout.
func (c *connection) request(ctx context.Context, op string, body wire.Encoder, into wire.Decoder) error {
	c.mu.Lock()
	c.next++
	id := c.next
	answer := make(chan wire.Frame, 1)
	c.waiting[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	data, err := wire.NewTracedRequest(id, op, traceOf(ctx), body)
	if err != nil {
		return err
	}
	if len(data) > wire.MaxClientFrame {
		return wire.Errorf(wire.FrameTooLarge, "%s of %d bytes, at most %d", op, len(data), wire.MaxClientFrame)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := c.conn.Write(ctx, data); err != nil {
		return wire.Errorf(wire.NetworkError, "%s: %w", op, err)
	}
	select {
	case f := <-answer:
		if f.Code != wire.OK {
			return &wire.Error{Code: f.Code, Text: f.Text}
		}
		return wire.DecodeBody(f.Body, into)
	case <-c.ended:
		code := c.closed()
		return wire.Errorf(code.Code(), "%s: connection closed with %d", op, code)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			c.close(wire.CloseTimeout, "no answer")
		}
		return wire.Errorf(wire.NetworkTimeout, "%s: no answer", op)
	}
}
