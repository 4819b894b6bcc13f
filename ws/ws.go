// Package ws is the WebSocket under the client core: nhooyr.io/websocket in native programs, and in the browser its own
// WebSocket, in a page or a worker. nhooyr's browser side links net/http and leaves sockets open, since it closes with
// codes that browsers refuse.
//
// Both sides end a connection with wire.CloseFrameTooLarge at a message above wire.MaxServerFrame, with
// wire.CloseFrameInvalid at a text message, and when a Read's context ends: with wire.CloseTimeout at its deadline, else
// wire.CloseNormal.
package ws

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

var _ sdk.Dialer = Dial

// end is how a connection ends: once, and for all who wait.
type end struct {
	once   sync.Once
	done   chan struct{}
	closed *sdk.Closed // set before done is closed
}

func newEnd() end { return end{done: make(chan struct{})} }

// set ends it; false if it had ended before.
func (e *end) set(code wire.CloseCode, reason string) (first bool) {
	e.once.Do(func() {
		e.closed, first = &sdk.Closed{Code: code, Reason: reason}, true
		close(e.done)
	})
	return first
}

// get is how it ended, nil while it has not.
func (e *end) get() *sdk.Closed {
	select {
	case <-e.done:
		return e.closed
	default:
		return nil
	}
}

// failed is the error of a dial that failed.
func failed(format string, args ...any) error {
	return &sdk.Closed{Reason: fmt.Sprintf(format, args...)}
}

// givenUp is the close code for a read whose context has ended.
func givenUp(ctx context.Context) (wire.CloseCode, string) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return wire.CloseTimeout, "no message in time"
	}
	return wire.CloseNormal, "reading was given up"
}

// sendable makes a code and a reason such as a browser sends. An error says that they were not.
func sendable(code wire.CloseCode, reason string) (wire.CloseCode, string, error) {
	const longest = 123
	for len(reason) > longest {
		_, n := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-n]
	}
	if code != wire.CloseNormal && (code < 3000 || code > 4999) {
		return wire.CloseNormal, reason, fmt.Errorf("ws: close code %d must not be sent; sent 1000", code)
	}
	return code, reason, nil
}
