package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Cancel takes a SendID back, once per OpID.
func (s *Store) Cancel(ctx context.Context, who server.Who, c wire.Cancel, set server.Settings, now int64) (ack wire.CancelAck, err error) {
	conversation, err := wire.ParseConversation(c.ConversationID)
	if err != nil {
		return wire.CancelAck{}, err
	}
	if !c.Scope.Valid() || c.SendID == (wire.ID{}) {
		return wire.CancelAck{}, wire.Errorf(wire.ParameterInvalid, "cancel: a scope and a sendID are needed")
	}
	if isRoom(c.ConversationID) && c.Scope.Remote() {
		return wire.CancelAck{}, wire.Errorf(wire.RoomNotDeletable, "messages of a room are not deleted by its visitors")
	}
	op, err := newOperation(wire.OpCancel, c.OpID, &c)
	if err != nil {
		return wire.CancelAck{}, err
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		own := change{who: who}
		var sent sending
		var known bool
		questions := append(own.askHeld(tx), op.question(who), askSend(who, c.SendID, &sent, &known))
		if err := tx.ask(ctx, questions...); err != nil || op.answered {
			return err
		}
		if !known {
			// From now on Send refuses it.
			if err := (sending{log: 0, at: now}).remember(ctx, tx, who, c.SendID); err != nil {
				return err
			}
		}
		return applyCancel(ctx, tx, &own, c, conversation, sent, set, now, &op)
	})
	if err != nil {
		return wire.CancelAck{}, err
	}
	return wire.CancelAck{Never: op.seq == 0, Seq: op.seq, N: op.n}, nil
}

// applyCancel deletes what was sent, if anything was.
func applyCancel(ctx context.Context, tx *transaction, own *change, c wire.Cancel, conversation wire.Conversation,
	sent sending, set server.Settings, now int64, op *operation,
) (err error) {
	who := own.who
	if sent.seq != 0 {
		l, ok, err := findLog(ctx, tx, who, conversation)
		if err != nil {
			return err
		}
		if !ok || l.id != sent.log {
			return wire.Errorf(wire.ParameterInvalid, "cancel: this sendID went to another conversation")
		}
		add := wire.Ledger{Ranges: wire.RangesOf(sent.seq)}
		if c.Hide {
			add.HiddenAt = sent.seq + 1
		}
		var was ledgers
		if err := tx.ask(ctx, was.question(who, byNumber(l.id), wire.SurfaceHistory, wire.SurfaceDevices, add.Ranges)); err != nil {
			return err
		}
		if err := was.join(ctx, tx, own, l.id, surfaces(c.Scope, wire.WhatMessages, set), add); err != nil {
			return err
		}
		if err := oweLedger(ctx, tx, who, l.id, add); err != nil {
			return err
		}
	}
	op.seq = sent.seq
	if op.n, err = own.number(ctx, tx); err != nil {
		return err
	}
	return op.remember(ctx, tx, who, now)
}
