package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Read joins the user's read mark by max.
func (s *Store) Read(ctx context.Context, who server.Who, r wire.Read) (ack wire.ReadAck, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		own, o := change{who: who}, newOpening(who, r.ConversationID)
		if err := tx.ask(ctx, append(own.askHeld(tx), o.questions(wire.SurfaceHistory, nil)...)...); err != nil {
			return err
		}
		v, err := o.open(ctx, tx)
		if err != nil {
			return err
		}
		if r.UpTo > v.known() {
			return wire.Errorf(wire.AnchorAboveHead, "read mark %d is above the newest message %d", r.UpTo, v.reach)
		}
		// A room writes no user rows: its mark is the device's own.
		if !isRoom(r.ConversationID) {
			if err := v.joinMark(ctx, tx, &own, r.UpTo); err != nil {
				return err
			}
		}
		ack.N, err = own.number(ctx, tx)
		return err
	})
	return ack, err
}
