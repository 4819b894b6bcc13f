package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Compensation answers a PageRequest with what a new device is given.
func (s *Store) Compensation(ctx context.Context, who server.Who, p wire.PageRequest, since int64, maxBytes int) (page wire.Page, err error) {
	if err := checkPage(p); err != nil {
		return wire.Page{}, err
	}
	who.Waiting = false // what other devices of the user were given is given to this one too
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		v, err := openView(ctx, tx, who, p.ConversationID)
		if err != nil {
			return err
		}
		if err := v.compensate(ctx, tx, who, since); err != nil {
			return err
		}
		page, err = v.page(ctx, tx, p, maxBytes)
		return err
	})
	return page, err
}

// compensate makes the view of a user's history the view of the user's compensation.
func (v *view) compensate(ctx context.Context, tx *transaction, who server.Who, since int64) error {
	var of ledgers
	if err := tx.ask(ctx, of.question(who, byNumber(v.id), wire.SurfaceCompensation, wire.SurfaceCompensation, nil)); err != nil {
		return err
	}
	v.history = of[wire.SurfaceCompensation]
	old, err := lastBefore(ctx, tx, v.log, v.head, since)
	v.history.Join(wire.Ledger{Through: max(v.cleared, old)})
	return err
}
