package load

import (
	"context"
	"fmt"
	"sync"
)

// Checked is how what the server holds compares with what it has acknowledged.
type Checked struct {
	Conversations int `json:"conversations"`
	// Lost are acknowledged sends and deletions that are not there; Doubled are those that took effect twice.
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`
	// Open are operations that were never answered. Whether they were done is not known.
	Open int `json:"open"`
}

// Check asks the server what every active user's conversation holds now. Errors: what was lost or doubled; ctx's.
func (c *Crowd) Check(ctx context.Context) (Checked, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Patience)
	defer cancel()
	var mu sync.Mutex
	var sum Checked
	seen := map[*conversation]bool{}
	err := together(ctx, c.active, func(ctx context.Context, w *worker) error {
		n, err := w.count(ctx)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		s := w.shared
		sent := len(s.seqs)
		if !seen[s] {
			seen[s] = true
			sum.Conversations++
			sum.Open += s.open
			sum.Doubled += s.twice
			// A send without an answer may be there.
			sum.differ(int(n.Head)-int(s.head)-sent, s.open)
			for seq := range s.seqs {
				if seq > n.Head {
					sum.Lost++
				}
			}
		}
		sum.Open += w.open
		// What is gone from the view was deleted. A deletion without an answer may have been done.
		gone := int(w.before) + int(n.Head-s.head) - int(n.Messages)
		sum.differ(gone-w.deleted, w.open)
		return nil
	})
	if err == nil && sum.Lost+sum.Doubled > 0 {
		err = fmt.Errorf("the server has lost %d acknowledged operations and done %d twice", sum.Lost, sum.Doubled)
	}
	return sum, err
}

// differ counts a difference from what was acknowledged, of which up to open may be there.
func (s *Checked) differ(more, open int) {
	switch {
	case more < 0:
		s.Lost -= more
	case more > open:
		s.Doubled += more - open
	}
}
