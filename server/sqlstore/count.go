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
		count.Messages, err = v.count(ctx, tx)
		return err
	})
	return count, err
}

// count counts what the spans reach in one query a stay, then takes off what is deleted singly.
func (v *view) count(ctx context.Context, tx *sql.Tx) (n uint64, err error) {
	for seq := v.reach; ; {
		first, last, ok := v.below(seq)
		if !ok {
			break
		}
		var held uint64
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM messages
			WHERE app = ? AND log = ? AND seq >= ? AND seq <= ?`, v.app, v.id, first, last).Scan(&held); err != nil {
			return 0, err
		}
		n += held
		seq = first - 1
	}
	for _, part := range v.history.Ranges {
		err := each(ctx, tx, `SELECT seq FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq < ?`,
			[]any{v.app, v.id, uint64(part.Segment) * wire.SegmentSize, uint64(part.Segment+1) * wire.SegmentSize},
			func(scan func(...any) error) error {
				var seq uint64
				err := scan(&seq)
				if first, last, ok := v.below(seq); err == nil && ok && first <= seq && seq <= last && part.Bits.Has(seq%wire.SegmentSize) {
					n--
				}
				return err
			})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}
