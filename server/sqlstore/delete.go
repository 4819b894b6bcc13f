package sqlstore

import (
	"context"

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
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		ack, err = applyDelete(ctx, tx, who, d, set, now, &op)
		return err
	})
	return ack, err
}

func applyDelete(ctx context.Context, tx *transaction, who server.Who, d wire.Delete, set server.Settings, now int64, op *operation) (ack wire.DeleteAck, err error) {
	own, o := change{who: who}, newOpening(who, d.ConversationID)
	questions := append(own.askHeld(tx), op.question(who))
	if err := tx.ask(ctx, append(questions, o.questions(wire.SurfaceDevices, d.Ranges)...)...); err != nil {
		return ack, err
	}
	if !op.answered && d.Scope == wire.ScopeRemote && !set.CloudHistory {
		return ack, wire.Errorf(wire.StorageNotEnabled, "this app keeps no history on the server")
	}
	v, err := o.open(ctx, tx)
	if err != nil {
		return ack, err
	}
	if !op.answered {
		if err := v.delete(ctx, tx, &own, &o.ledgers, d, set, now, op); err != nil {
			return ack, err
		}
	}
	ack.N, ack.Through = op.n, op.through
	ack.State, err = v.state(ctx, tx, who)
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

// delete applies a deletion to the view and to the ledgers that were read with it, and the view is as it leaves it.
// Errors: AnchorAboveHead.
func (v *view) delete(ctx context.Context, tx *transaction, own *change, of *ledgers, d wire.Delete, set server.Settings, now int64,
	op *operation,
) (err error) {
	if d.Anchor > v.known() {
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
	if err := of.join(ctx, tx, own, v.id, surfaces(d.Scope, d.What, set), add); err != nil {
		return err
	}
	v.history.Join(add)
	if err := oweLedger(ctx, tx, own.who, v.id, add); err != nil {
		return err
	}
	// Deleting through a seq reads through it.
	if err := v.joinMark(ctx, tx, own, add.Through); err != nil {
		return err
	}
	op.through = add.Through
	if op.n, err = own.number(ctx, tx); err != nil {
		return err
	}
	return op.remember(ctx, tx, own.who, now)
}
