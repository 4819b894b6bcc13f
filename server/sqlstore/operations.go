package sqlstore

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// operation is what a Delete or a Cancel was first answered.
type operation struct {
	id      wire.ID
	hash    []byte
	n       uint64
	through uint64 // of a Delete
	seq     uint64 // of a Cancel
	// answered: it came before, and the rest is what it was answered.
	answered bool
}

// newOperation names a request by its opID and the hash of its body; op keeps the kinds apart.
func newOperation(op string, id wire.ID, body msgp.Marshaler) (operation, error) {
	if id == (wire.ID{}) {
		return operation{}, wire.Errorf(wire.ParameterInvalid, "an operation needs an opID")
	}
	raw, err := body.MarshalMsg([]byte(op + "\x00"))
	if err != nil {
		return operation{}, err
	}
	hash := sha256.Sum256(raw)
	return operation{id: id, hash: hash[:]}, nil
}

// question asks whether the operation was answered before, and how. Errors: OperationIDReused.
func (o *operation) question(who server.Who) question {
	o.answered = false
	return question{`SELECT hash, n, through, seq FROM operations WHERE app = ? AND uid = ? AND op = ?`,
		[]any{who.App, who.User, o.id[:]}, func(scan func(...any) error) error {
			var hash []byte
			if err := scan(&hash, &o.n, &o.through, &o.seq); err != nil {
				return err
			}
			if !bytes.Equal(hash, o.hash) {
				return wire.Errorf(wire.OperationIDReused, "this opID came before with another content")
			}
			o.answered = true
			return nil
		}}
}

// remember keeps the answer.
func (o *operation) remember(ctx context.Context, tx *transaction, who server.Who, now int64) error {
	err := tx.exec(ctx, `INSERT INTO operations (app, uid, op, hash, n, through, seq, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, who.App, who.User, o.id[:], o.hash, o.n, o.through, o.seq, now)
	return err
}

// Forget removes what is remembered of operations, sends and answers from before the given time (ms), unless another server does
// just now.
func (s *Store) Forget(ctx context.Context, before int64) error {
	_, err := s.alone(ctx, func() error {
		return s.write(ctx, func(ctx context.Context, tx *transaction) error {
			// What somebody is at work on is left for the next time: nobody waits here with rows that others wait for.
			for _, old := range []struct{ table, key string }{
				{"operations", "app, uid, op"}, {"sends", "app, uid, send"}, {"answers", "app, name"},
			} {
				if err := tx.exec(ctx, `DELETE FROM `+old.table+` WHERE (`+old.key+`) IN
				(SELECT `+old.key+` FROM `+old.table+` l WHERE l.at < ?`+tx.skipLocked+`)`, before); err != nil {
					return err
				}
			}
			return tx.exec(ctx, `DELETE FROM visits WHERE (app, log, uid, device) IN (SELECT l.app, l.log, l.uid, l.device FROM visits l
			JOIN devices d ON d.app = l.app AND d.uid = l.uid AND d.device = l.device WHERE d.last_seen < ?`+tx.skipLocked+`)`, before)
		})
	})
	return err
}
