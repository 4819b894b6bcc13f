package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
)

// Answered is what a backend's call was answered under a key.
func (s *Store) Answered(ctx context.Context, app, key string) (a server.Answer, ok bool, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		ok, err = found(tx.QueryRowContext(ctx, `SELECT hash, body FROM answers WHERE app = ? AND name = ?`, app, key),
			&a.Hash, &a.Body)
		return err
	})
	return a, ok, err
}

// KeepAnswer keeps what a backend's call was answered under a key.
func (s *Store) KeepAnswer(ctx context.Context, app, key string, a server.Answer, now int64) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO answers (app, name, hash, body, at) VALUES (?, ?, ?, ?, ?)`,
			app, key, a.Hash, a.Body, now)
		return err
	})
}
