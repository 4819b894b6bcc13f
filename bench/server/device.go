package main

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/wire"
)

// device is a user's connection to a server, which has one request under way at a time.
type device struct {
	ws *websocket.Conn
	id uint32
}

// connect connects a user, who is then greeted.
func (r *rig) connect(ctx context.Context, url, user string) (*device, error) {
	token, err := r.token(ctx, user, "")
	if err != nil {
		return nil, err
	}
	ws, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+"/v1/ws", &websocket.DialOptions{
		Subprotocols: []string{wire.Subprotocol}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(wire.MaxServerFrame)
	d := &device{ws: ws}
	if err := d.ask(ctx, wire.OpHello, &wire.Hello{
		Versions: []uint8{wire.Version}, AppID: app, UserID: user, Token: token, DeviceID: "bench",
	}, &wire.Welcome{}); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// close ends the connection; the server has nothing more to say on it.
func (d *device) close() { _ = d.ws.CloseNow() }

// ask waits for the answer. Errors: a refusal, a connection that ends.
func (d *device) ask(ctx context.Context, op string, body msgp.Marshaler, into msgp.Unmarshaler) error {
	d.id++
	data, err := wire.NewRequest(d.id, op, body.MarshalMsg)
	if err != nil {
		return err
	}
	if err := d.ws.Write(ctx, websocket.MessageBinary, data); err != nil {
		return err
	}
	for {
		_, data, err := d.ws.Read(ctx)
		if err != nil {
			return err
		}
		f, err := wire.DecodeFrame(data, wire.MaxServerFrame)
		switch {
		case err != nil:
			return err
		case f.Kind != wire.Response || f.ID != d.id: // an event
		case f.Code != wire.OK:
			return &wire.Error{Code: f.Code, Text: f.Text}
		default:
			return wire.DecodeBody(f.Body, into.UnmarshalMsg)
		}
	}
}

// newID names an operation or a message.
func newID() (id wire.ID) {
	_, _ = rand.Read(id[:]) // it never fails
	return id
}
