package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// delete applies one deletion and tells the user's connections, this one too: its rows keep the numbers it is pushed
// without a gap.
func (c *connection) delete(ctx context.Context, d wire.Delete) (wire.DeleteAck, error) {
	if n := d.Ranges.Count(); n > wire.MaxMessages {
		return wire.DeleteAck{}, wire.Errorf(wire.LimitExceeded, "%d messages in one deletion, at most %d", n, wire.MaxMessages)
	}
	set, err := c.settings(ctx)
	if err != nil {
		return wire.DeleteAck{}, err
	}
	ack, err := c.server.store.Delete(ctx, c.who, d, set, c.server.now())
	if err == nil {
		c.server.purgeSoon()
		c.publish(Topic{App: c.who.App, User: c.who.User}, Poke{N: ack.N})
	}
	return ack, err
}
