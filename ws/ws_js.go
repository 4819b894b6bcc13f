//go:build js && wasm

package ws

import (
	"context"
	"fmt"
	"sync"
	"syscall/js"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// maxQueued bounds the bytes that wait for Read: a browser receives whether one reads or not. Above it the connection
// ends with wire.CloseSlow.
const maxQueued = 16 * wire.MaxServerFrame

// Dial opens a connection; see sdk.Dialer. Every failure is a *sdk.Closed with the code 0.
func Dial(ctx context.Context, url string) (sdk.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, failed("%v", err)
	}
	c := &socket{end: newEnd(), opened: make(chan struct{}), arrived: make(chan struct{}, 1)}
	if err := try(func() { c.object = js.Global().Get("WebSocket").New(url, wire.Subprotocol) }); err != nil {
		return nil, failed("%v", err)
	}
	c.object.Set("binaryType", "arraybuffer")
	c.listen()
	select {
	case <-c.opened:
	case <-c.end.done: // the browser says no more than that
		return nil, failed("the connection could not be opened")
	case <-ctx.Done():
		c.shut(wire.CloseNormal, "")
		return nil, failed("%v", ctx.Err())
	}
	if c.object.Get("protocol").String() != wire.Subprotocol {
		c.shut(wire.CloseVersion, "no subprotocol in common")
		return nil, failed("the server does not speak %s", wire.Subprotocol)
	}
	return c, nil
}

type socket struct {
	object   js.Value // WebSocket
	callback js.Func
	end      end
	opened   chan struct{}

	mu      sync.Mutex
	inbox   [][]byte
	queued  int           // bytes in inbox
	arrived chan struct{} // holds a token when inbox has something new
}

var events = []string{"open", "message", "close"}

// listen has one callback for all events.
func (c *socket) listen() {
	c.callback = js.FuncOf(func(_ js.Value, args []js.Value) any {
		// What JavaScript throws at us here would end the program.
		if err := try(func() { c.hear(args[0]) }); err != nil {
			c.shut(wire.CloseFrameInvalid, "unreadable message")
		}
		return nil
	})
	for _, event := range events {
		c.object.Set("on"+event, c.callback)
	}
}

// unlisten releases the callback. It is called once, when the end is set.
func (c *socket) unlisten() {
	for _, event := range events {
		c.object.Set("on"+event, js.Null())
	}
	c.callback.Release()
}

func (c *socket) hear(event js.Value) {
	switch event.Get("type").String() {
	case "open":
		close(c.opened)
	case "message":
		c.receive(event.Get("data"))
	case "close":
		if c.end.set(wire.CloseCode(event.Get("code").Int()), event.Get("reason").String()) {
			c.unlisten()
		}
	}
}

var uint8Array = js.Global().Get("Uint8Array")

// receive puts a message into the inbox.
func (c *socket) receive(data js.Value) {
	if data.Type() == js.TypeString {
		c.shut(wire.CloseFrameInvalid, "a text message")
		return
	}
	n := data.Get("byteLength").Int()
	if n > wire.MaxServerFrame {
		c.shut(wire.CloseFrameTooLarge, "the message is too large")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queued+n > maxQueued {
		c.inbox = nil
		c.shut(wire.CloseSlow, "messages are not read")
		return
	}
	message := make([]byte, n)
	js.CopyBytesToGo(message, uint8Array.New(data))
	c.inbox = append(c.inbox, message)
	c.queued += n
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// take is the oldest message, if there is one.
func (c *socket) take() (message []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.inbox) == 0 {
		return nil, false
	}
	message, c.inbox[0] = c.inbox[0], nil
	c.inbox = c.inbox[1:]
	c.queued -= len(message)
	return message, true
}

// Read gives what came before the peer's close, then the close.
func (c *socket) Read(ctx context.Context) ([]byte, error) {
	for {
		if message, ok := c.take(); ok {
			return message, nil
		}
		if closed := c.end.get(); closed != nil {
			return nil, closed
		}
		select {
		case <-c.arrived:
		case <-c.end.done:
		case <-ctx.Done():
			c.shut(givenUp(ctx))
		}
	}
}

func (c *socket) Write(ctx context.Context, message []byte) error {
	if closed := c.end.get(); closed != nil {
		return closed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	array := uint8Array.New(len(message))
	js.CopyBytesToJS(array, message)
	return try(func() { c.object.Call("send", array) })
}

func (c *socket) Close(code wire.CloseCode, reason string) error {
	code, reason, err := sendable(code, reason)
	c.mu.Lock()
	c.inbox, c.queued = nil, 0
	c.mu.Unlock()
	c.shut(code, reason)
	return err
}

// shut ends the connection. The browser does the closing handshake, and closes the socket if the peer does not.
func (c *socket) shut(code wire.CloseCode, reason string) {
	if !c.end.set(code, reason) {
		return
	}
	c.unlisten()
	// It throws only for codes and reasons that sendable does not let through.
	_ = try(func() { c.object.Call("close", int(code), reason) })
}

// try runs fn and returns what JavaScript throws in it.
func try(fn func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case js.Error:
			err = fmt.Errorf("ws: %w", r)
		default:
			panic(r)
		}
	}()
	fn()
	return nil
}
