package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Delete applies one deletion once per OpID, in one transaction.
func (s *Store) Delete(ctx context.Context, who server.Who, d wire.Delete, set server.Settings, now int64) (ack wire.DeleteAck, err error) {
	if err := checkDelete(d); err != nil {
		return wire.DeleteAck{}, err
	}
	op, err := newOperation(wire.OpDelete, d.OpID, &d)
	if err != nil {
		return wire.DeleteAck{}, err
	}
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		answered, err := op.answered(ctx, tx, who)
		if err != nil {
			return err
		}
		if !answered {
			if err := applyDelete(ctx, tx, who, d, set, now, &op); err != nil {
				return err
			}
		}
		ack.N, ack.Through = op.n, op.through
		// Opened again, since the deletion has changed it.
		v, err := openView(ctx, tx, who, d.ConversationID)
		if err != nil {
			return err
		}
		ack.State, err = v.state(ctx, tx, who, 0)
		return err
	})
	return ack, err
}

// checkDelete refuses what no state of the store could make right.
// Errors: RoomNotDeletable, ParameterInvalid.
func checkDelete(d wire.Delete) error {
	bad := func(text string) error { return wire.Errorf(wire.ParameterInvalid, "delete: %s", text) }
	switch {
	case isRoom(d.ConversationID):
		return wire.Errorf(wire.RoomNotDeletable, "messages of a room are not deleted by its visitors")
	case !d.Scope.Valid() || !d.Scope.Remote():
		return bad("the scope must be remote or both")
	case d.What < wire.WhatMessages || d.What > wire.WhatNothing:
		return bad("unknown kind")
	case d.What == wire.WhatTime && d.Before <= 0:
		return bad("a deletion by time needs a positive time")
	case d.What != wire.WhatTime && d.Before != 0:
		return bad("only a deletion by time has a time")
	case d.What == wire.WhatMessages && len(d.Ranges) == 0:
		return bad("a deletion of messages names none")
	case d.What != wire.WhatMessages && len(d.Ranges) != 0:
		return bad("only a deletion of messages has ranges")
	case !d.Ranges.Valid() || d.Ranges.Has(0):
		return bad("malformed ranges")
	case d.Ranges.Max() > d.Anchor:
		return bad("ranges above the anchor")
	case d.What == wire.WhatNothing && !d.Hide:
		return bad("it neither deletes nor hides")
	}
	return nil
}

// surfaces is DESIGN §2 rule 3: which ledgers a deletion joins.
func surfaces(scope wire.Scope, what wire.What, set server.Settings) []wire.Surface {
	var s []wire.Surface
	if scope.Remote() {
		s = append(s, wire.SurfaceHistory)
		if what != wire.WhatTime || set.CompensationClearedByTime {
			s = append(s, wire.SurfaceCompensation)
		}
		if scope.Local() && set.SyncDeletions {
			s = append(s, wire.SurfaceDevices)
		}
	}
	return s
}

func applyDelete(ctx context.Context, tx *sql.Tx, who server.Who, d wire.Delete, set server.Settings, now int64, op *operation) error {
	if d.Scope == wire.ScopeRemote && !set.CloudHistory {
		return wire.Errorf(wire.StorageNotEnabled, "this app keeps no history on the server")
	}
	v, err := openView(ctx, tx, who, d.ConversationID)
	if err != nil {
		return err
	}
	if d.Anchor > v.reach {
		return wire.Errorf(wire.AnchorAboveHead, "anchor %d is above the newest message %d", d.Anchor, v.reach)
	}
	add := wire.Ledger{Ranges: d.Ranges}
	switch d.What {
	case wire.WhatConversation:
		add.Through = d.Anchor
	case wire.WhatTime:
		if add.Through, err = lastBefore(ctx, tx, v.log, d.Anchor, d.Before); err != nil {
			return err
		}
	}
	if d.Hide {
		add.HiddenAt = d.Anchor + 1
	}
	own := change{who: who}
	for _, surface := range surfaces(d.Scope, d.What, set) {
		if err := joinLedger(ctx, tx, &own, v.id, surface, add); err != nil {
			return err
		}
	}
	if err := oweLedger(ctx, tx, v.log, add); err != nil {
		return err
	}
	// Deleting through a seq reads through it.
	if err := joinMark(ctx, tx, &own, v.id, add.Through); err != nil {
		return err
	}
	op.through = add.Through
	if op.n, err = own.number(ctx, tx); err != nil {
		return err
	}
	return op.remember(ctx, tx, who, now)
}
