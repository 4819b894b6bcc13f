package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Recall takes a message away from everybody on behalf of a user.
func (s *Store) Recall(ctx context.Context, who server.Who, q wire.Recall, set server.Settings, now int64) (r wire.Recalled, id uint64, err error) {
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *transaction) error {
		v, err := lockView(ctx, tx, who, q.ConversationID)
		if err != nil {
			return err
		}
		// Not the view's: what the server has given out and no longer keeps is recalled as well.
		switch {
		case v.ended():
			return wire.Errorf(wire.PermissionDenied, "not a member any more")
		case !v.reaches(q.Seq) || v.deleted.Has(q.Seq):
			return messageNotFound(q.Seq)
		}
		id = v.id
		r, err = takeAway(ctx, tx, v.log, wire.Recalled{Seq: q.Seq, By: who.User, Time: now}, func(sender string, sent int64) error {
			return mayRecall(who, q, sender, now-sent, set)
		})
		return err
	})
	if err != nil {
		return wire.Recalled{}, 0, err
	}
	return r, id, nil
}

// mayRecall refuses a recall by who is not allowed to, or comes too late. age is the message's, in ms.
// Errors: PermissionDenied, RecallTooLate.
func mayRecall(who server.Who, q wire.Recall, sender string, age int64, set server.Settings) error {
	c, err := wire.ParseConversation(q.ConversationID)
	switch {
	case err != nil:
		return err
	case c.Kind == wire.SystemKind:
		// Whatever the notice names as its sender, a user did not send it.
		return wire.Errorf(wire.PermissionDenied, "notices are recalled by administrators")
	case sender != who.User && set.RecallOwnOnly:
		return wire.Errorf(wire.PermissionDenied, "only the sender may recall a message")
	case set.RecallWindow != 0 && age > set.RecallWindow*1000:
		return wire.Errorf(wire.RecallTooLate, "a message may be recalled for %d seconds", set.RecallWindow)
	}
	return nil
}

// RecallByAdmin takes a message away from everybody on behalf of the app.
func (s *Store) RecallByAdmin(ctx context.Context, app, as string, q wire.Recall, now int64) (r wire.Recalled, id uint64, err error) {
	c, err := wire.ParseConversation(q.ConversationID)
	if err == nil && (c.Kind == wire.C2CKind || c.Kind == wire.SystemKind) {
		err = wire.CheckIdentifier(as)
	}
	if err != nil {
		return wire.Recalled{}, 0, err
	}
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := lockLog(ctx, tx, server.Who{App: app, User: as}, c)
		if err == nil && !ok {
			err = notFound(q.ConversationID)
		}
		if err != nil {
			return err
		}
		id = l.id
		r, err = takeAway(ctx, tx, l, wire.Recalled{Seq: q.Seq, Time: now}, func(string, int64) error { return nil })
		return err
	})
	if err != nil {
		return wire.Recalled{}, 0, err
	}
	return r, id, nil
}

// takeAway puts the notice into the message's place, under the log's next recall number. may refuses by the message's
// sender and time. What is recalled already is answered as it was.
func takeAway(ctx context.Context, tx *transaction, l log, r wire.Recalled, may func(sender string, sent int64) error) (wire.Recalled, error) {
	before := wire.Recalled{Seq: r.Seq}
	if ok, err := found(tx.row(ctx, `SELECT recaller, time, change FROM recalls WHERE app = ? AND log = ? AND seq = ?`,
		l.app, l.id, r.Seq), &before.By, &before.Time, &before.Change); ok || err != nil {
		return before, err
	}
	sender, sent, ok, err := sentBy(ctx, tx, l, r.Seq)
	if err == nil && !ok {
		err = messageNotFound(r.Seq)
	}
	if err == nil {
		err = may(sender, sent)
	}
	if err != nil {
		return r, err
	}
	notice, err := (&wire.RecallNotice{By: r.By, Time: r.Time}).MarshalMsg(nil)
	if err != nil {
		return r, err
	}
	if err := tx.row(ctx, `UPDATE logs SET recall = recall + 1 WHERE app = ? AND log = ? RETURNING recall`,
		l.app, l.id).Scan(&r.Change); err != nil {
		return r, err
	}
	if err := tx.exec(ctx, `INSERT INTO recalls (app, log, change, seq, recaller, time) VALUES (?, ?, ?, ?, ?, ?)`,
		l.app, l.id, r.Change, r.Seq, r.By, r.Time); err != nil {
		return r, err
	}
	if err := tx.exec(ctx, `UPDATE messages SET type = ?, payload = ?, quote = 0 WHERE app = ? AND log = ? AND seq = ?`,
		wire.TypeRecalled, notice, l.app, l.id, r.Seq); err != nil {
		return r, err
	}
	return r, forgetHash(ctx, tx, l.app, l.id, r.Seq)
}

// sentBy is a message's sender and time. What the store keeps only for delivery devices hold longer: there the SendID tells.
func sentBy(ctx context.Context, tx *transaction, l log, seq uint64) (sender string, sent int64, ok bool, err error) {
	ok, err = found(tx.row(ctx, `SELECT sender, time FROM messages WHERE app = ? AND log = ? AND seq = ?`,
		l.app, l.id, seq), &sender, &sent)
	if !ok && err == nil && seq != 0 {
		ok, err = found(tx.row(ctx, `SELECT uid, time FROM sends WHERE app = ? AND log = ? AND seq = ?`,
			l.app, l.id, seq), &sender, &sent)
	}
	return sender, sent, ok, err
}

// messageNotFound is the one answer for a message that is absent and for one that is not the user's to see.
func messageNotFound(seq uint64) error {
	return wire.Errorf(wire.MessageNotFound, "no message %d", seq)
}

// Recalls returns the recalls of a conversation after a number.
func (s *Store) Recalls(ctx context.Context, who server.Who, q wire.RecallsRequest, limit int) (r wire.Recalls, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		v, err := openView(ctx, tx, who, q.ConversationID)
		if err != nil {
			return err
		}
		r.Recalls, err = v.recalls(ctx, tx, q.Since, limit)
		if n := len(r.Recalls); n > 0 {
			r.More = r.Recalls[n-1].Change < v.recall
		}
		return err
	})
	return r, err
}

// RecallsSince is Recalls by the log's number.
func (s *Store) RecallsSince(ctx context.Context, who server.Who, id, since uint64, limit int) (e wire.RecallsEvent, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := getLog(ctx, tx, who.App, id)
		if err != nil || !ok {
			return err
		}
		v, err := viewOf(ctx, tx, who, l)
		if err != nil || v == nil {
			return err
		}
		if e.Recalls, err = v.recalls(ctx, tx, since, limit); len(e.Recalls) > 0 {
			e.ConversationID, e.Log = v.conversation, v.id
		}
		return err
	})
	return e, err
}

// recalls are those after a number. Of what the spans do not reach only the number is told, so that numbers have no gaps.
// The history ledger hides none: a device may still hold what the user has taken from the server only.
func (v *view) recalls(ctx context.Context, tx *transaction, since uint64, limit int) (recalls []wire.Recalled, err error) {
	err = each(ctx, tx, `SELECT change, seq, recaller, time FROM recalls
		WHERE app = ? AND log = ? AND change > ? ORDER BY change LIMIT CAST(? AS BIGINT)`, []any{v.app, v.id, since, limit},
		func(scan func(...any) error) error {
			var r wire.Recalled
			err := scan(&r.Change, &r.Seq, &r.By, &r.Time)
			if !v.reaches(r.Seq) {
				r = wire.Recalled{Change: r.Change}
			}
			recalls = append(recalls, r)
			return err
		})
	return recalls, err
}
