package sqlstore

import (
	"cmp"
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Wipe removes everything that is a user's own.
func (s *Store) Wipe(ctx context.Context, app, user string) error {
	if err := wire.CheckIdentifier(user); err != nil {
		return err
	}
	return s.writeRemoving(ctx, func(ctx context.Context, tx *transaction) error {
		who := server.Who{App: app, User: user}
		if err := lockEverythingOf(ctx, tx, who); err != nil {
			return err
		}
		// What only this user saw is nobody's now.
		if err := tx.exec(ctx, `INSERT INTO purges (app, uid, log, first, last, due, changes)
			SELECT DISTINCT s.app, s.uid, s.log, 1, l.head, 0, 1 FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log
			WHERE s.app = ? AND s.uid = ?
			ON CONFLICT (app, uid, log) DO UPDATE SET first = 1, last = excluded.last, due = 0, changes = purges.changes + 1`,
			app, user); err != nil {
			return err
		}
		for _, table := range []string{
			"spans", "marks", "ledgers", "ledger_bits", "operations", "sends", "devices", "haves",
		} {
			if err := tx.exec(ctx, `DELETE FROM `+table+` WHERE app = ? AND uid = ?`, app, user); err != nil {
				return err
			}
		}
		if err := endVisits(ctx, tx, `uid = ?2`, app, user); err != nil {
			return err
		}
		// The number goes on: a device that comes back must not take the rows of a new life for those it has.
		own := change{who: who}
		_, err := own.take(ctx, tx)
		return err
	})
}

// lockEverythingOf holds the logs that the user ever was in, so that none of the user's messages is on its way, the user's
// row, and what is remembered of the user's sends.
func lockEverythingOf(ctx context.Context, tx *transaction, who server.Who) error {
	if !tx.locking {
		return nil
	}
	logs := func() (n int, err error) {
		err = tx.row(ctx, `SELECT count(DISTINCT log) FROM spans WHERE app = ? AND uid = ?`, who.App, who.User).Scan(&n)
		return n, err
	}
	before, err := logs()
	if err != nil {
		return err
	}
	if err := lockLogs(ctx, tx, `SELECT s.log FROM spans s WHERE s.app = ?1 AND s.uid = ?2`, who.App, who.User); err != nil {
		return err
	}
	if err := lockUser(ctx, tx, who); err != nil {
		return err
	}
	if after, err := logs(); err != nil || after != before {
		return cmp.Or(err, errOvertaken) // by one who made the user a member
	}
	return tx.exec(ctx, `SELECT 1 FROM sends l WHERE l.app = ? AND l.uid = ? ORDER BY l.log, l.seq`+tx.forUpdate, who.App, who.User)
}
