package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Read joins the user's read mark by max.
func (s *Store) Read(ctx context.Context, who server.Who, r wire.Read) (ack wire.ReadAck, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		v, err := openView(ctx, tx, who, r.ConversationID)
		if err != nil {
			return err
		}
		if r.UpTo > v.reach {
			return wire.Errorf(wire.AnchorAboveHead, "read mark %d is above the newest message %d", r.UpTo, v.reach)
		}
		own := change{who: who}
		// A room writes no user rows: its mark is the device's own.
		if !isRoom(r.ConversationID) {
			if err := joinMark(ctx, tx, &own, v.id, r.UpTo); err != nil {
				return err
			}
		}
		ack.N, err = own.number(ctx, tx)
		return err
	})
	return ack, err
}
