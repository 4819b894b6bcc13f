package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
)

// Claim implements server.Store. A claim is an answer without a body.
func (s *Store) Claim(ctx context.Context, app, key string, hash []byte, now int64) (first server.Answer, claimed bool, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		lapsed := now - server.ClaimTime.Milliseconds()
		var at int64
		claimed, err = found(tx.row(ctx, `INSERT INTO answers (app, name, hash, body, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (app, name) DO UPDATE SET hash = excluded.hash, at = excluded.at
			WHERE length(answers.body) = 0 AND answers.at <= ? RETURNING at`, app, key, hash, []byte{}, now, lapsed), &at)
		if claimed || err != nil {
			return err
		}
		err = tx.row(ctx, `SELECT hash, body FROM answers WHERE app = ? AND name = ?`, app, key).Scan(&first.Hash, &first.Body)
		if len(first.Body) == 0 {
			first.Body = nil
		}
		return err
	})
	return first, claimed, err
}

// KeepAnswer implements server.Store.
func (s *Store) KeepAnswer(ctx context.Context, app, key string, a server.Answer, now int64) error {
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.exec(ctx, `UPDATE answers SET hash = ?, body = ?, at = ? WHERE app = ? AND name = ?`,
			a.Hash, a.Body, now, app, key)
	})
}

// DropClaim implements server.Store.
func (s *Store) DropClaim(ctx context.Context, app, key string, hash []byte) error {
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.exec(ctx, `DELETE FROM answers WHERE app = ? AND name = ? AND hash = ? AND body = ?`, app, key, hash, []byte{})
	})
}
