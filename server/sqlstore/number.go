package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
)

// Number is the user's number and the store's epoch.
func (s *Store) Number(ctx context.Context, who server.Who) (n uint64, epoch uint32, err error) {
	err = s.readOne(ctx, func(ctx context.Context, tx *transaction) error {
		n, epoch, err = number(ctx, tx, who)
		return err
	})
	return n, epoch, err
}

func number(ctx context.Context, tx *transaction, who server.Who) (n uint64, epoch uint32, err error) {
	err = tx.row(ctx, `SELECT epoch, coalesce((SELECT n FROM users WHERE app = ? AND uid = ?), 0) FROM store`,
		who.App, who.User).Scan(&epoch, &n)
	return n, epoch, err
}

// change is one operation's change of one user's rows: all rows that it changes get the same number, taken under the
// user's row when the first of them changes. An operation that changes nothing takes none, so numbers have no gaps.
type change struct {
	who  server.Who
	n    uint64
	held uint64 // the user's number before, where the user's row was held by askHeld; 0 where it was not, or there is none
}

func (c *change) take(ctx context.Context, tx *transaction) (uint64, error) {
	if c.n != 0 {
		return c.n, nil
	}
	if c.held != 0 {
		c.n = c.held + 1 // nobody else takes one meanwhile, so nobody waits for the answer
		return c.n, tx.exec(ctx, `UPDATE users SET n = ? WHERE app = ? AND uid = ?`, c.n, c.who.App, c.who.User)
	}
	err := tx.row(ctx, `INSERT INTO users (app, uid, n) VALUES (?, ?, 1)
		ON CONFLICT (app, uid) DO UPDATE SET n = users.n + 1 RETURNING n`, c.who.App, c.who.User).Scan(&c.n)
	return c.n, err
}

// number is the user's number after the operation.
func (c *change) number(ctx context.Context, tx *transaction) (uint64, error) {
	if n := max(c.n, c.held); n != 0 {
		return n, nil
	}
	n, _, err := number(ctx, tx, c.who)
	return n, err
}
