package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// read moves the user's read mark and tells the user's connections.
func (c *connection) read(ctx context.Context, r wire.Read) (wire.ReadAck, error) {
	ack, err := c.server.store.Read(ctx, c.who, r)
	if err == nil {
		c.publish(Topic{App: c.who.App, User: c.who.User}, Poke{N: ack.N})
	}
	return ack, err
}
