package sqlstore

import (
	"context"
	"database/sql"
	"math"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// seqSet is a set of seqs from first on.
type seqSet struct {
	first uint64
	in    []bool
	left  int // how many are in
}

func allSeqs(first, last uint64) *seqSet {
	s := &seqSet{first: first}
	if last >= first {
		s.in = make([]bool, last-first+1)
		s.left = len(s.in)
	}
	for i := range s.in {
		s.in[i] = true
	}
	return s
}

func (s *seqSet) has(seq uint64) bool {
	return seq >= s.first && seq-s.first < uint64(len(s.in)) && s.in[seq-s.first]
}

// drop takes out what a view holds and tells whether that was anything.
func (s *seqSet) drop(v *view) (some bool) {
	for last := s.first + uint64(len(s.in)) - 1; ; {
		part, ok := v.next(last, s.first-1)
		if !ok {
			return some
		}
		for seq := part.first; seq <= part.last; seq++ {
			if part.has(seq) && s.has(seq) {
				s.in[seq-s.first] = false
				s.left--
				some = true
			}
		}
		last = part.first - 1
	}
}

// unheld returns which of the seqs owed no view holds, and when to look again: 0 = not by time alone.
func (p *purge) unheld(ctx context.Context, tx *transaction, o *owed) (free *seqSet, again int64, err error) {
	o.first, o.last = max(o.first, 1), min(o.last, o.log.head)
	free = allSeqs(o.first, o.last)
	var users []string
	if err := each(ctx, tx, `SELECT DISTINCT uid FROM spans WHERE app = ? AND log = ? ORDER BY uid`, []any{p.app, o.log.id},
		func(scan func(...any) error) error {
			var user string
			err := scan(&user)
			users = append(users, user)
			return err
		}); err != nil {
		return nil, 0, err
	}
	for _, user := range users {
		if free.left == 0 {
			break // as a rule the first one asked holds it all
		}
		later, err := p.dropHeld(ctx, tx, server.Who{App: p.app, User: user}, o.log, free)
		if err != nil {
			return nil, 0, err
		}
		again = earlier(again, later)
	}
	return free, again, nil
}

// dropHeld takes out what a user's history and compensation hold.
func (p *purge) dropHeld(ctx context.Context, tx *transaction, who server.Who, l log, free *seqSet) (again int64, err error) {
	v, err := viewOf(ctx, tx, who, l)
	if err != nil {
		return 0, err
	}
	until, err := p.waiting(ctx, tx, who, v)
	if err != nil {
		return 0, err
	}
	if free.drop(v) {
		again = until
	}
	since := p.set.Compensated(p.now)
	if since == math.MaxInt64 {
		return again, nil
	}
	if err := v.compensate(ctx, tx, who, since); err != nil {
		return 0, err
	}
	if free.drop(v) {
		again = earlier(again, p.now+(24*time.Hour).Milliseconds())
	}
	return again, nil
}

// waiting narrows a view, where cloud history is off, to what a device of the user still waits for. A user none of whose
// devices was seen lately waits for everything. until is when one of the devices is not waited for any more.
func (p *purge) waiting(ctx context.Context, tx *transaction, who server.Who, v *view) (until int64, err error) {
	if p.set.CloudHistory {
		return 0, nil
	}
	lately := p.now - server.DeliveryDays*(24*time.Hour).Milliseconds()
	var devices int
	var have, seen sql.NullInt64
	err = tx.row(ctx, `SELECT count(*), min(coalesce(h.up_to, 0)), min(d.last_seen) FROM devices d
		LEFT JOIN haves h ON h.app = d.app AND h.uid = d.uid AND h.log = ? AND h.device = d.device
		WHERE d.app = ? AND d.uid = ? AND d.last_seen > ?`, v.id, who.App, who.User, lately).Scan(&devices, &have, &seen)
	if err != nil {
		return 0, err
	}
	v.history.Join(wire.Ledger{Through: uint64(have.Int64)})
	if devices > 1 {
		until = seen.Int64 + server.DeliveryDays*(24*time.Hour).Milliseconds()
	}
	return until, nil
}

// earlier is the earlier of two times; 0 is never.
func earlier(a, b int64) int64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}
