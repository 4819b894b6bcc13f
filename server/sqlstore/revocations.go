package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Revoke keeps a revocation under the app's next number.
func (s *Store) Revoke(ctx context.Context, app string, r server.Revocation) error {
	if err := wire.CheckIdentifier(r.User); err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if err := lockRevocations(ctx, tx, app); err != nil {
			return err
		}
		return tx.exec(ctx, `INSERT INTO revocations (app, uid, device, token, before, change)
			VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(r.change), 0) + 1 FROM revocations r WHERE r.app = ?))
			ON CONFLICT (app, uid, device, token) DO UPDATE SET
				before = `+tx.greatest+`(revocations.before, excluded.before), change = excluded.change`,
			app, r.User, r.Device, r.Token, r.Before, app)
	})
}

// Revoked tells whether a revocation ends the grant.
func (s *Store) Revoked(ctx context.Context, g server.Grant) (revoked bool, err error) {
	err = s.readOne(ctx, func(ctx context.Context, tx *transaction) error {
		return each(ctx, tx, `SELECT device, token, before FROM revocations
			WHERE app = ? AND uid = ? AND device IN ('', ?) AND token IN ('', ?)`, []any{g.App, g.User, g.Device, g.Token},
			func(scan func(...any) error) error {
				r := server.Revocation{User: g.User}
				err := scan(&r.Device, &r.Token, &r.Before)
				revoked = revoked || err == nil && r.Ends(g)
				return err
			})
	})
	return revoked, err
}

// Revocations are those of the app after a number.
func (s *Store) Revocations(ctx context.Context, app string, since uint64, limit int) (all []server.Revocation, err error) {
	err = s.readOne(ctx, func(ctx context.Context, tx *transaction) error {
		return each(ctx, tx, `SELECT change, uid, device, token, before FROM revocations
			WHERE app = ? AND change > ? ORDER BY change LIMIT CAST(? AS BIGINT)`, []any{app, since, limit},
			func(scan func(...any) error) error {
				var r server.Revocation
				err := scan(&r.Change, &r.User, &r.Device, &r.Token, &r.Before)
				all = append(all, r)
				return err
			})
	})
	return all, err
}
