package sqlstore

import (
	"context"
	"math"

	"github.com/lethe-im/lethe/wire"
)

// counting is the step to version 7: what is unread is counted by segments, not by messages.
var counting = []string{
	// stored: which seqs of a segment the log has messages of. sender is empty for everybody's, else these are the sender's own.
	// Place i of the segment is bit i%64 of w(i/64); n is how many bits are set. No row where there is none.
	`CREATE TABLE stored (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		sender TEXT NOT NULL,
		segment INTEGER NOT NULL,
		w0 INTEGER NOT NULL,
		w1 INTEGER NOT NULL,
		w2 INTEGER NOT NULL,
		w3 INTEGER NOT NULL,
		n INTEGER NOT NULL,
		PRIMARY KEY (app, log, sender, segment)
	) WITHOUT ROWID`,
}

// noteAllStored fills the table stored from the messages, a slice at a time.
func noteAllStored(ctx context.Context, tx *transaction) error {
	var logs []log
	if err := each(ctx, tx, `SELECT app, log FROM logs ORDER BY app, log`, nil, func(scan func(...any) error) error {
		var l log
		err := scan(&l.app, &l.id)
		logs = append(logs, l)
		return err
	}); err != nil {
		return err
	}
	for _, l := range logs {
		for next := uint64(0); next <= math.MaxInt64; {
			p, last, err := storedFrom(ctx, tx, l, next)
			if err != nil {
				return err
			}
			if len(p) == 0 {
				break
			}
			if err := p.add(ctx, tx, l.app, l.id); err != nil {
				return err
			}
			next = last + 1
		}
	}
	return nil
}

// storedFrom reads which messages of a log are there, a slice from a seq on.
func storedFrom(ctx context.Context, tx *transaction, l log, from uint64) (p presence, last uint64, err error) {
	p = presence{}
	err = each(ctx, tx, `SELECT seq, sender FROM messages WHERE app = ? AND log = ? AND seq >= ? ORDER BY seq LIMIT CAST(? AS BIGINT)`,
		[]any{l.app, l.id, from, 16 * wire.SegmentSize}, func(scan func(...any) error) error {
			var sender string
			err := scan(&last, &sender)
			p.note(sender, last)
			return err
		})
	return p, last, err
}
