package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Have raises a device's have marks.
func (s *Store) Have(ctx context.Context, who server.Who, heads []wire.Head, now int64) error {
	if err := wire.CheckIdentifier(who.Device); err != nil {
		return wire.Errorf(wire.ParameterInvalid, "have: a device is needed: %w", err)
	}
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := lockUser(ctx, tx, who); err != nil {
			return err
		}
		for _, h := range heads {
			v, err := openView(ctx, tx, who, h.ConversationID)
			switch wire.CodeOf(err) {
			case wire.OK:
			case wire.ConversationNotFound, wire.ConversationIDInvalid, wire.NotInRoom:
				continue // it is not the user's any more: nothing waits there
			default:
				return err
			}
			if isRoom(h.ConversationID) {
				continue // rooms wait for nobody
			}
			if err := raiseHave(ctx, tx, who, v.log, min(h.Head, v.reach)); err != nil {
				return err
			}
		}
		err := tx.exec(ctx, `UPDATE devices SET last_seen = `+tx.greatest+`(last_seen, ?) WHERE app = ? AND uid = ? AND device = ?`,
			now, who.App, who.User, who.Device)
		return err
	})
}

// raiseHave is a max-join. What is newly held may have waited for this device only.
func raiseHave(ctx context.Context, tx *transaction, who server.Who, l log, upTo uint64) error {
	had, err := haveOf(ctx, tx, who, l.id)
	if err != nil || upTo <= had {
		return err
	}
	if err := tx.exec(ctx, `INSERT INTO haves (app, uid, log, device, up_to) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (app, uid, log, device) DO UPDATE SET up_to = excluded.up_to`,
		who.App, who.User, l.id, who.Device, upTo); err != nil {
		return err
	}
	return owe(ctx, tx, who, l.id, had+1, upTo)
}
