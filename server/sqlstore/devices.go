package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
)

// Device notes that a device was seen and tells whether it is new.
func (s *Store) Device(ctx context.Context, who server.Who, now int64) (isNew bool, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var settled bool
		known, err := found(tx.QueryRowContext(ctx, `SELECT settled FROM devices WHERE app = ? AND uid = ? AND device = ?`,
			who.App, who.User, who.Device), &settled)
		if err != nil {
			return err
		}
		isNew = !settled
		if known {
			_, err = tx.ExecContext(ctx, `UPDATE devices SET last_seen = ? WHERE app = ? AND uid = ? AND device = ?`,
				now, who.App, who.User, who.Device)
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO devices (app, uid, device, first_seen, last_seen, settled)
			VALUES (?, ?, ?, ?, ?, 0)`, who.App, who.User, who.Device, now, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO haves (app, uid, log, device, up_to)
			SELECT app, uid, log, ?, max(up_to) FROM haves WHERE app = ? AND uid = ? GROUP BY app, uid, log`,
			who.Device, who.App, who.User)
		return err
	})
	return isNew, err
}

// Settle ends a device's being new.
func (s *Store) Settle(ctx context.Context, who server.Who) error {
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE devices SET settled = 1 WHERE app = ? AND uid = ? AND device = ?`,
			who.App, who.User, who.Device)
		return err
	})
}

// haveOf is up to which seq of a log the device holds all that it was to get.
func haveOf(ctx context.Context, tx *sql.Tx, who server.Who, log uint64) (upTo uint64, err error) {
	_, err = found(tx.QueryRowContext(ctx, `SELECT up_to FROM haves WHERE app = ? AND uid = ? AND log = ? AND device = ?`,
		who.App, who.User, log, who.Device), &upTo)
	return upTo, err
}
