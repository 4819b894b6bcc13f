package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// headsBytes bounds one answer, well below MaxServerFrame.
const headsBytes = wire.MaxServerFrame / 2

// heads answers with the conversations that differ, or with those that the device has not named on this connection.
func (c *connection) heads(ctx context.Context, q wire.HeadsRequest) (wire.Heads, error) {
	switch {
	case len(q.Heads) > wire.MaxHeads:
		return wire.Heads{}, wire.Errorf(wire.LimitExceeded, "at most %d conversations at once", wire.MaxHeads)
	case q.Rest && len(q.Heads) > 0:
		return wire.Heads{}, wire.Errorf(wire.ParameterInvalid, "the rest is asked for without names")
	}
	set, err := c.settings(ctx)
	if err != nil {
		return wire.Heads{}, err
	}
	who := c.viewer(set)
	if q.Rest {
		return c.rest(ctx, who)
	}
	h, err := c.server.store.Heads(ctx, who, q.Heads, headsBytes)
	if err != nil {
		return wire.Heads{}, err
	}
	// Only what the user has is remembered, so that no client can fill this memory.
	unknown := make(map[string]struct{}, len(h.Unknown))
	for _, id := range h.Unknown {
		unknown[id] = struct{}{}
	}
	for _, head := range q.Heads[:h.Done] {
		if _, ok := unknown[head.ConversationID]; !ok {
			c.named[head.ConversationID] = struct{}{}
		}
	}
	return h, nil
}

func (c *connection) rest(ctx context.Context, who Who) (wire.Heads, error) {
	h, err := c.server.store.Rest(ctx, who, func(id string) bool { _, ok := c.named[id]; return ok }, headsBytes)
	if err != nil {
		return wire.Heads{}, err
	}
	for i := range h.States {
		c.named[h.States[i].ConversationID] = struct{}{}
	}
	return h, nil
}
