package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
	"github.com/lethe-im/lethe/ws"
)

// bare is a bare connection: frames, and nothing that makes up for what is lost.
type bare struct {
	conn sdk.Conn
	id   uint32
}

// errLost means that the connection ended before the answer came.
var errLost = errors.New("no answer")

const patience = 60 * time.Second

func dial(w *world, user, device string) (*bare, error) {
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	conn, err := ws.Dial(ctx, strings.Replace(w.url, "http", "ws", 1)+"/v1/ws")
	if err != nil {
		return nil, errLost
	}
	l := &bare{conn: conn}
	return l, l.ask(wire.OpHello, &wire.Hello{
		Versions: []uint8{wire.Version}, AppID: "lethe", UserID: user, Token: w.token(user, ""), DeviceID: device,
	}, &wire.Welcome{})
}

func (l *bare) close() { _ = l.conn.Close(wire.CloseNormal, "") }

// ask asks and waits for the answer. Errors: errLost, the server's refusal.
func (l *bare) ask(op string, body msgp.Marshaler, into msgp.Unmarshaler) error {
	l.id++
	raw, err := wire.NewRequest(l.id, op, body.MarshalMsg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if l.conn.Write(ctx, raw) != nil {
		return errLost
	}
	for {
		data, err := l.conn.Read(ctx)
		if err != nil {
			return errLost
		}
		f, err := wire.DecodeFrame(data, wire.MaxServerFrame)
		if err != nil {
			return err
		}
		switch {
		case f.Kind != wire.Response || f.ID != l.id:
		case f.Code != wire.OK:
			return wire.Errorf(f.Code, "%s", f.Text)
		default:
			return wire.DecodeBody(f.Body, into.UnmarshalMsg)
		}
	}
}

// page is the whole of a conversation as the server shows it, by rising seq.
func (l *bare) page(t *testing.T, conversation string) (all []wire.Message, head uint64) {
	t.Helper()
	for below := uint64(0); ; {
		var p wire.Page
		require.NoError(t, l.ask(wire.OpPage, &wire.PageRequest{ConversationID: conversation, Below: below, Limit: wire.MaxPage}, &p))
		if below == 0 {
			head = p.Head
		}
		var part []wire.Message
		for i := range p.Batches {
			m, err := p.Batches[i].Messages()
			require.NoError(t, err)
			part = append(part, m...)
		}
		all = append(part, all...)
		if p.First {
			return all, head
		}
		below = p.From
	}
}

func newID(t *testing.T) (id wire.ID) {
	_, err := rand.Read(id[:])
	require.NoError(t, err)
	return id
}

// request is what a worker has asked: its name, what was answered if anything was, whether it had to ask again for an answer,
// and whether it never will.
type request struct {
	op        string
	body      msgp.Marshaler
	answer    any // nil: none came
	again     bool
	abandoned bool
}

// do asks once. A refusal counts as an answer.
func (r *request) do(l *bare) (any, error) {
	var err error
	var answer any
	switch body := r.body.(type) {
	case *wire.Send:
		var ack wire.SendAck
		err = l.ask(r.op, body, &ack)
		answer = ack
	case *wire.Delete:
		var ack wire.DeleteAck
		err = l.ask(r.op, body, &ack)
		ack.State = wire.HeadState{} // as of now, not as of then
		answer = ack
	case *wire.Cancel:
		var ack wire.CancelAck
		err = l.ask(r.op, body, &ack)
		answer = ack
	case *wire.Recall:
		var ack wire.Recalled
		err = l.ask(r.op, body, &ack)
		answer = ack
	case *wire.Read:
		var ack wire.ReadAck
		err = l.ask(r.op, body, &ack)
		answer = ack
	default:
		err = fmt.Errorf("unknown request %T", body)
	}
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code != wire.Internal {
		return "refused " + refused.Code.Name(), nil
	}
	return answer, err
}
