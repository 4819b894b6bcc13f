package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// cancel takes back a send that may or may not have arrived.
func (c *connection) cancel(ctx context.Context, q wire.Cancel) (wire.CancelAck, error) {
	set, err := c.settings(ctx)
	if err != nil {
		return wire.CancelAck{}, err
	}
	ack, err := c.server.store.Cancel(ctx, c.who, q, set, c.server.now())
	if err == nil && !ack.Never {
		c.server.purgeSoon()
		c.publish(Topic{App: c.who.App, User: c.who.User}, Poke{N: ack.N})
	}
	return ack, err
}
