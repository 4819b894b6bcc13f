package server

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// handler answers one operation's body.
type handler func(ctx context.Context, c *connection, raw msgp.Raw) (msgp.Marshaler, error)

// operations are all that a device may ask for.
var operations = map[string]handler{
	wire.OpHello:  answer((*connection).hello),
	wire.OpPing:   answer((*connection).ping),
	wire.OpRows:   answer((*connection).rows),
	wire.OpHeads:  answer((*connection).heads),
	wire.OpPage:   answer((*connection).page),
	wire.OpSend:   answer((*connection).send),
	wire.OpCancel: answer((*connection).cancel),
	wire.OpDelete: answer((*connection).delete),
	wire.OpRead:   answer((*connection).read),
	wire.OpCount:  answer((*connection).count),

	wire.OpRecall:  answer((*connection).recall),
	wire.OpRecalls: answer((*connection).recalls),
	wire.OpJoin:    answer((*connection).join),
	wire.OpLeave:   answer((*connection).leave),
	wire.OpHave:    answer((*connection).have),
}

// answer makes a handler of a method that takes the decoded body.
func answer[Q, A any, PQ interface {
	*Q
	msgp.Unmarshaler
}, PA interface {
	*A
	msgp.Marshaler
}](method func(*connection, context.Context, Q) (A, error)) handler {
	return func(ctx context.Context, c *connection, raw msgp.Raw) (msgp.Marshaler, error) {
		var q Q
		if err := wire.DecodeBody(raw, PQ(&q).UnmarshalMsg); err != nil {
			return nil, err
		}
		a, err := method(c, ctx, q)
		if err != nil {
			return nil, err
		}
		return PA(&a), nil
	}
}
