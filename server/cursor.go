package server

import (
	"context"
	"math"

	"github.com/lethe-im/lethe/wire"
)

// Whoever calls asked or answered holds the cursor.

// asked notes that rows are asked for: until they are answered to the end none are pushed. What is told of meanwhile leads to a
// look at everything, and so does what was told of before and is not pushed yet: the answer has it, but nobody looks at its logs.
func (p *pusher) asked() {
	p.following = false
	p.mu.Lock()
	again := p.base != math.MaxUint64
	p.rows = p.rows || again
	p.base = math.MaxUint64
	p.mu.Unlock()
	if again {
		p.signal()
	}
}

// answered notes that rows were answered to the end, up to the number n: from there on they are pushed. What is told of up to n
// was in the answer.
func (p *pusher) answered(n uint64) {
	p.following, p.n = true, n
	p.mu.Lock()
	p.base = n
	p.mu.Unlock()
}

// pushRows pushes the rows after those that the connection has, if there may be some up to the number told. Where the user has
// come into logs or left some, it looks at the logs before, and then at the rows again: the logs may tell of more than these.
func (p *pusher) pushRows(ctx context.Context, told uint64) error {
	p.cursor <- struct{}{}
	defer func() { <-p.cursor }()
	for more := true; more && p.following && p.n < told; {
		r, err := p.c.server.store.Rows(ctx, p.c.who, p.n, rowsLimit)
		if err != nil {
			return err
		}
		if r.N == p.n {
			return nil
		}
		frame, err := wire.NewEvent(wire.EventRows, &r)
		if err != nil {
			return err
		}
		if more = r.More || len(r.Spans) > 0; len(r.Spans) > 0 {
			if err := p.refresh(ctx, false); err != nil {
				return err
			}
			told = math.MaxUint64
		}
		p.c.event(wire.EventRows, frame)
		p.n = r.N
	}
	return nil
}
