package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Count counts the messages in the user's view.
func (s *Store) Count(ctx context.Context, who server.Who, c wire.CountRequest) (count wire.Count, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		v, err := openView(ctx, tx, who, c.ConversationID)
		if err != nil {
			return err
		}
		count.Head = v.reach
		count.Messages, err = v.tally(ctx, tx, 0, "")
		return err
	})
	return count, err
}

// unread counts the others' messages of the view above a seq.
func (v *view) unread(ctx context.Context, tx *sql.Tx, user string, above uint64) (uint32, error) {
	n, err := v.tally(ctx, tx, above, ` AND sender <> ?`, user)
	return uint32(n), err
}

// tally counts the view's messages above a seq that meet a condition: what the spans reach in one query a stay, then it
// takes off what is deleted singly.
func (v *view) tally(ctx context.Context, tx *sql.Tx, above uint64, condition string, args ...any) (n uint64, err error) {
	for seq := v.reach; ; {
		first, last, ok := v.below(seq)
		if !ok || last <= above {
			return n, nil
		}
		first = max(first, above+1)
		var held uint64
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq <= ?`+condition,
			append([]any{v.app, v.id, first, last}, args...)...).Scan(&held); err != nil {
			return 0, err
		}
		gone, err := v.gone(ctx, tx, first, last, condition, args)
		if err != nil {
			return 0, err
		}
		n += held - gone
		seq = first - 1
	}
}

// gone counts the messages from first to last that are deleted singly and meet the condition.
func (v *view) gone(ctx context.Context, tx *sql.Tx, first, last uint64, condition string, args []any) (n uint64, err error) {
	for i := range v.history.Ranges {
		part := &v.history.Ranges[i]
		start := uint64(part.Segment) * wire.SegmentSize
		from, to := max(first, start), min(last, start+wire.SegmentSize-1)
		if from > to {
			continue
		}
		if err := each(ctx, tx, `SELECT seq FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq <= ?`+condition,
			append([]any{v.app, v.id, from, to}, args...), func(scan func(...any) error) error {
				var seq uint64
				err := scan(&seq)
				if part.Bits.Has(seq % wire.SegmentSize) {
					n++
				}
				return err
			}); err != nil {
			return 0, err
		}
	}
	return n, nil
}
