package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// join makes the user a member of an open group, or this device a visitor of a room. The user's connections follow it.
func (c *connection) join(ctx context.Context, q wire.Join) (wire.JoinAck, error) {
	set, err := c.settings(ctx)
	if err != nil {
		return wire.JoinAck{}, err
	}
	ack, err := c.server.store.Join(ctx, c.who, q, set)
	if err == nil {
		c.publish(Topic{App: c.who.App, User: c.who.User}, Poke{})
	}
	return ack, err
}

// leave ends the stay. The user's connections follow it no longer.
func (c *connection) leave(ctx context.Context, q wire.Leave) (wire.LeaveAck, error) {
	ack, err := c.server.store.Leave(ctx, c.who, q)
	if err == nil {
		c.publish(Topic{App: c.who.App, User: c.who.User}, Poke{})
	}
	return ack, err
}
