package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// pageBytes bounds the messages of one page before packing: with them a frame stays below MaxServerFrame, whatever
// packing adds.
const pageBytes = wire.MaxServerFrame / 2

// page answers with the user's view, downwards.
func (c *connection) page(ctx context.Context, p wire.PageRequest) (wire.Page, error) {
	return c.server.store.Page(ctx, c.who, p, pageBytes)
}

// count answers with how many messages the user's view has.
func (c *connection) count(ctx context.Context, q wire.CountRequest) (wire.Count, error) {
	return c.server.store.Count(ctx, c.who, q)
}
