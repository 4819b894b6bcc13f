package sdk

import (
	"github.com/lethe-im/lethe/wire"
)

// catchUp decides what to ask after the own operations are out: first the user's rows, so that deletions are known before
// any message, then the heads of what this device has, in slices, then the rest. It does no I/O.
type catchUp struct {
	epoch  uint32
	since  uint64
	stage  catchUpStage
	heads  []wire.Head // still to be asked
	asking int         // how many of them the request under way names
}

type catchUpStage uint8

const (
	askRows catchUpStage = iota
	needHeads
	askHeads
	askRest
	caughtUp
)

// next is the request to make now. needHeads: call withHeads first.
func (c *catchUp) next() (rows *wire.RowsRequest, heads *wire.HeadsRequest) {
	switch c.stage {
	case askRows:
		return &wire.RowsRequest{Epoch: c.epoch, Since: c.since}, nil
	case askHeads:
		c.asking = min(len(c.heads), wire.MaxHeads)
		return nil, &wire.HeadsRequest{Heads: c.heads[:c.asking]}
	case askRest:
		return nil, &wire.HeadsRequest{Rest: true}
	}
	return nil, nil
}

// gotRows takes an answer that has been stored.
func (c *catchUp) gotRows(r *wire.Rows) {
	c.epoch, c.since = r.Epoch, r.N
	if !r.More {
		c.stage = needHeads
	}
}

// withHeads gives what the device knows once all rows are in.
func (c *catchUp) withHeads(heads []wire.Head) {
	c.heads, c.stage = heads, askHeads
	if len(heads) == 0 {
		c.stage = askRest
	}
}

// gotHeads takes an answer that has been stored.
func (c *catchUp) gotHeads(h *wire.Heads) {
	switch {
	case c.stage == askRest && !h.More:
		c.stage = caughtUp
	case c.stage == askHeads:
		// A server that answers nothing of a slice would be asked for ever: go on behind it.
		done := int(h.Done)
		if done == 0 || done > c.asking {
			done = c.asking
		}
		if c.heads = c.heads[done:]; len(c.heads) == 0 {
			c.stage = askRest
		}
	}
}
