package sqlstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"

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

// answered fills in what the operation was answered before and tells whether it was.
// Errors: OperationIDReused.
func (o *operation) answered(ctx context.Context, tx *sql.Tx, who server.Who) (bool, error) {
	var hash []byte
	ok, err := found(tx.QueryRowContext(ctx, `SELECT hash, n, through, seq FROM operations
		WHERE app = ? AND uid = ? AND op = ?`, who.App, who.User, o.id[:]), &hash, &o.n, &o.through, &o.seq)
	if err != nil || !ok {
		return false, err
	}
	if !bytes.Equal(hash, o.hash) {
		return false, wire.Errorf(wire.OperationIDReused, "this opID came before with another content")
	}
	return true, nil
}

// remember keeps the answer.
func (o *operation) remember(ctx context.Context, tx *sql.Tx, who server.Who, now int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO operations (app, uid, op, hash, n, through, seq, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, who.App, who.User, o.id[:], o.hash, o.n, o.through, o.seq, now)
	return err
}

// Forget removes what is remembered of operations, sends and answers from before the given time (ms).
func (s *Store) Forget(ctx context.Context, before int64) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, table := range []string{"operations", "sends", "answers"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE at < ?`, before); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM visits WHERE EXISTS (SELECT 1 FROM devices d
			WHERE d.app = visits.app AND d.uid = visits.uid AND d.device = visits.device AND d.last_seen < ?)`, before)
		return err
	})
}
