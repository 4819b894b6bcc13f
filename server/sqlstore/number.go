package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
)

// Number is the user's number and the store's epoch.
func (s *Store) Number(ctx context.Context, who server.Who) (n uint64, epoch uint32, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, epoch, err = number(ctx, tx, who)
		return err
	})
	return n, epoch, err
}

func number(ctx context.Context, tx *sql.Tx, who server.Who) (n uint64, epoch uint32, err error) {
	if err := tx.QueryRowContext(ctx, `SELECT epoch FROM store`).Scan(&epoch); err != nil {
		return 0, 0, err
	}
	_, err = found(tx.QueryRowContext(ctx, `SELECT n FROM users WHERE app = ? AND uid = ?`, who.App, who.User), &n)
	return n, epoch, err
}

// change is one operation's change of one user's rows: all rows that it changes get the same number, taken under the
// user's row when the first of them changes. An operation that changes nothing takes none, so numbers have no gaps.
type change struct {
	who server.Who
	n   uint64
}

func (c *change) take(ctx context.Context, tx *sql.Tx) (uint64, error) {
	if c.n != 0 {
		return c.n, nil
	}
	err := tx.QueryRowContext(ctx, `INSERT INTO users (app, uid, n) VALUES (?, ?, 1)
		ON CONFLICT (app, uid) DO UPDATE SET n = users.n + 1 RETURNING n`, c.who.App, c.who.User).Scan(&c.n)
	return c.n, err
}

// number is the user's number after the operation.
func (c *change) number(ctx context.Context, tx *sql.Tx) (uint64, error) {
	if c.n != 0 {
		return c.n, nil
	}
	n, _, err := number(ctx, tx, c.who)
	return n, err
}
