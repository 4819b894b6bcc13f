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
	c.push.cursor <- struct{}{}
	c.after = append(c.after, func() { <-c.push.cursor })
	c.push.asked()

	r, err := c.server.store.Rows(ctx, c.who, q.Since, rowsLimit)
	if err == nil && r.Epoch != q.Epoch && q.Since > 0 {
		q.Since = 0 // another store has given out that number
		r, err = c.server.store.Rows(ctx, c.who, 0, rowsLimit)
	}
	if err != nil {
		return wire.Rows{}, err
	}
	if c.isNew && q.Since > 0 {
		// Its cursor says that it has stored rows, with what belongs to them: it will not be new when it comes back.
		if err := c.server.store.Settle(ctx, c.who); err != nil {
			return wire.Rows{}, err
		}
		c.isNew = false
	}
	if !r.More {
		c.push.answered(r.N)
	}
	return r, nil
}
