//go:build !js

package ws

import (
	"context"
	"errors"
	"fmt"
	"io"

	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// abnormal is the code where no close frame came.
const abnormal wire.CloseCode = 1006

// Dial opens a connection; see sdk.Dialer. Every failure is a *sdk.Closed with the code 0.
func Dial(ctx context.Context, url string) (sdk.Conn, error) {
	socket, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		Subprotocols:    []string{wire.Subprotocol},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, failed("%v", err)
	}
	if got := socket.Subprotocol(); got != wire.Subprotocol {
		go socket.Close(websocket.StatusCode(wire.CloseVersion), "no subprotocol in common")
		return nil, failed("the server does not speak %s", wire.Subprotocol)
	}
	socket.SetReadLimit(-1) // receive has its own, which closes with our code
	c := &conn{socket: socket, end: newEnd(), inbox: make(chan []byte)}
	go c.receive()
	return c, nil
}

// conn receives on a goroutine of its own: a Read whose context ends could not tell the peer why otherwise, and a peer's
// close is answered also while nobody reads.
type conn struct {
	socket *websocket.Conn
	end    end
	inbox  chan []byte
}

// receive hands messages to Read until the connection ends.
func (c *conn) receive() {
	for {
		message, err := c.next()
		if err != nil {
			return
		}
		select {
		case c.inbox <- message:
		case <-c.end.done:
			return
		}
	}
}

// next receives one message, or ends the connection.
func (c *conn) next() ([]byte, error) {
	kind, reader, err := c.socket.Reader(context.Background())
	if err != nil {
		return nil, c.lost(err)
	}
	if kind != websocket.MessageBinary {
		c.shut(wire.CloseFrameInvalid, "a text message")
		return nil, c.end.closed
	}
	message, err := io.ReadAll(io.LimitReader(reader, wire.MaxServerFrame+1))
	if err != nil {
		return nil, c.lost(err)
	}
	if len(message) > wire.MaxServerFrame {
		c.shut(wire.CloseFrameTooLarge, "the message is too large")
		return nil, c.end.closed
	}
	return message, nil
}

// lost ends the connection after a failed read. The library leaves the socket open where the network failed.
func (c *conn) lost(err error) error {
	defer func() { _ = c.socket.CloseNow() }()
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		c.end.set(wire.CloseCode(closed.Code), closed.Reason)
	} else {
		c.end.set(abnormal, err.Error())
	}
	return c.end.closed
}

func (c *conn) Read(ctx context.Context) ([]byte, error) {
	if closed := c.end.get(); closed != nil {
		return nil, closed
	}
	select {
	case message := <-c.inbox:
		return message, nil
	case <-c.end.done:
	case <-ctx.Done():
		c.shut(givenUp(ctx))
	}
	return nil, c.end.closed
}

func (c *conn) Write(ctx context.Context, message []byte) error {
	if closed := c.end.get(); closed != nil {
		return closed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.socket.Write(ctx, websocket.MessageBinary, message); err != nil {
		// How it ended is for receive to find out: a close frame may have come.
		return fmt.Errorf("ws: write: %w", err)
	}
	return nil
}

func (c *conn) Close(code wire.CloseCode, reason string) error {
	code, reason, err := sendable(code, reason)
	c.shut(code, reason)
	return err
}

// shut ends the connection. The closing handshake goes on behind it, 10 s at most, and then the socket is closed.
func (c *conn) shut(code wire.CloseCode, reason string) {
	if c.end.set(code, reason) {
		go c.socket.Close(websocket.StatusCode(code), reason)
	}
}
