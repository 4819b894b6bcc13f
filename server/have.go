package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// have notes what this device holds, so that nothing waits for it longer than needed.
func (c *connection) have(ctx context.Context, h wire.Have) (wire.HaveAck, error) {
	if len(h.Heads) > wire.MaxHeads {
		return wire.HaveAck{}, wire.Errorf(wire.LimitExceeded, "at most %d conversations at once", wire.MaxHeads)
	}
	set, err := c.settings(ctx)
	if err != nil || set.CloudHistory {
		return wire.HaveAck{}, err // nothing waits
	}
	if err := c.server.store.Have(ctx, c.who, h.Heads, c.server.now()); err != nil {
		return wire.HaveAck{}, err
	}
	c.server.purgeSoon()
	return wire.HaveAck{}, nil
}
