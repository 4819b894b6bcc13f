package sdk

import (
	"context"
	"fmt"

	"github.com/lethe-im/lethe/wire"
)

// Dialer opens a connection to a server's WebSocket address (ws:// or wss://, path included) with the subprotocol
// wire.Subprotocol. The context bounds the dialling only. Package ws has one for the browser and one for native programs.
type Dialer func(ctx context.Context, url string) (Conn, error)

// Conn is one WebSocket connection, message by message. Read is called by one goroutine at a time, the rest by any.
type Conn interface {
	// Read returns the next binary message. Once the connection has ended, however it did, it returns a *Closed.
	Read(ctx context.Context) ([]byte, error)
	// Write sends one binary message. In a browser it never blocks, so a nil error says only that it was queued.
	Write(ctx context.Context, message []byte) error
	// Close ends the connection with a code that browsers may send: 1000 or 3000–4999. It does not wait for the peer, may
	// be called twice, and leaves no socket open on any path.
	Close(code wire.CloseCode, reason string) error
}

// Closed is how a connection ended. Code is 1006 where no close frame came, and 0 where the dialling failed: a browser
// tells no more than that.
type Closed struct {
	Code   wire.CloseCode
	Reason string
}

func (c *Closed) Error() string { return fmt.Sprintf("connection closed: %d %s", c.Code, c.Reason) }
