package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// pageBytes bounds the messages of one page before packing: with them a frame stays below MaxServerFrame, whatever
// packing adds.
const pageBytes = wire.MaxServerFrame / 2

// page answers with the user's view, downwards, or with what a new device is given.
func (c *connection) page(ctx context.Context, p wire.PageRequest) (wire.Page, error) {
	set, err := c.settings(ctx)
	if err != nil {
		return wire.Page{}, err
	}
	if p.Compensation {
		return c.server.store.Compensation(ctx, c.who, p, set.Compensated(c.server.now()), pageBytes)
	}
	return c.server.store.Page(ctx, c.viewer(set), p, pageBytes)
}

// count answers with how many messages the user's view has.
func (c *connection) count(ctx context.Context, q wire.CountRequest) (wire.Count, error) {
	set, err := c.settings(ctx)
	if err != nil {
		return wire.Count{}, err
	}
	return c.server.store.Count(ctx, c.viewer(set), q)
}
