package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// rowsLimit bounds the rows of one answer; the largest single deletion may exceed it and still fits a frame.
const rowsLimit = 2000

// rows answers with the changes of the user's rows. With the last of them pushing begins, from that number on.
func (c *connection) rows(ctx context.Context, q wire.RowsRequest) (wire.Rows, error) {
	// Held until the answer is queued: a push that goes on from this answer must not overtake it.
	c.push.cursor.Lock()
	c.after = append(c.after, c.push.cursor.Unlock)
	c.push.following = false

	_, epoch, err := c.server.store.Number(ctx, c.who)
	if err != nil {
		return wire.Rows{}, err
	}
	if q.Epoch != epoch {
		q.Since = 0
	}
	if c.isNew && q.Since > 0 {
		// Its cursor says that it has stored rows, with what belongs to them: it will not be new when it comes back.
		if err := c.server.store.Settle(ctx, c.who); err != nil {
			return wire.Rows{}, err
		}
		c.isNew = false
	}
	r, err := c.server.store.Rows(ctx, c.who, q.Since, rowsLimit)
	if err == nil && !r.More {
		c.push.following, c.push.n = true, r.N
	}
	return r, err
}
