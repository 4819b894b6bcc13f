package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Wipe removes everything that is a user's own.
func (s *Store) Wipe(ctx context.Context, app, user string) error {
	if err := wire.CheckIdentifier(user); err != nil {
		return err
	}
	return s.writeRemoving(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// What only this user saw is nobody's now.
		if _, err := tx.ExecContext(ctx, `INSERT INTO purges (app, log, first, last, due, changes)
			SELECT DISTINCT s.app, s.log, 1, l.head, 0, 1 FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log
			WHERE s.app = ? AND s.uid = ?
			ON CONFLICT (app, log) DO UPDATE SET first = 1, last = excluded.last, due = 0, changes = purges.changes + 1`,
			app, user); err != nil {
			return err
		}
		for _, table := range []string{
			"spans", "marks", "ledgers", "ledger_bits", "operations", "sends", "devices", "haves", "visits",
		} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE app = ? AND uid = ?`, app, user); err != nil {
				return err
			}
		}
		// The number goes on: a device that comes back must not take the rows of a new life for those it has.
		own := change{who: server.Who{App: app, User: user}}
		_, err := own.take(ctx, tx)
		return err
	})
}
