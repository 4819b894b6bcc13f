package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
)

// Device notes that a device was seen and tells whether it is new.
func (s *Store) Device(ctx context.Context, who server.Who, now int64) (isNew bool, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		var settled flag
		known, err := found(tx.row(ctx, `SELECT settled FROM devices WHERE app = ? AND uid = ? AND device = ?`,
			who.App, who.User, who.Device), &settled)
		if err != nil {
			return err
		}
		isNew = bool(!settled)
		if known {
			err = tx.exec(ctx, `UPDATE devices SET last_seen = ? WHERE app = ? AND uid = ? AND device = ?`,
				now, who.App, who.User, who.Device)
			return err
		}
		if err := lockUser(ctx, tx, who); err != nil {
			return err
		}
		if err := tx.exec(ctx, `INSERT INTO devices (app, uid, device, first_seen, last_seen, settled)
			VALUES (?, ?, ?, ?, ?, 0)`, who.App, who.User, who.Device, now, now); err != nil {
			return err
		}
		err = tx.exec(ctx, `INSERT INTO haves (app, uid, log, device, up_to)
			SELECT app, uid, log, ?, max(up_to) FROM haves WHERE app = ? AND uid = ? GROUP BY app, uid, log
			ON CONFLICT (app, uid, log, device) DO UPDATE SET up_to = excluded.up_to`,
			who.Device, who.App, who.User)
		return err
	})
	return isNew, err
}

// Settle ends a device's being new.
func (s *Store) Settle(ctx context.Context, who server.Who) error {
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		err := tx.exec(ctx, `UPDATE devices SET settled = 1 WHERE app = ? AND uid = ? AND device = ?`,
			who.App, who.User, who.Device)
		return err
	})
}

// haveOf is up to which seq of a log the device holds all that it was to get.
func haveOf(ctx context.Context, tx *transaction, who server.Who, log uint64) (upTo uint64, err error) {
	err = tx.ask(ctx, askHave(who, byNumber(log), &upTo))
	return upTo, err
}

var selectHave = inLog(4, `SELECT up_to FROM haves WHERE app = ?1 AND uid = ?2 AND device = ?3 AND log = LOG`)

// askHave asks for what haveOf is.
func askHave(who server.Who, log logBy, upTo *uint64) question {
	return question{selectHave.of(log), append([]any{who.App, who.User, who.Device}, log...),
		func(scan func(...any) error) error { return scan(upTo) }}
}

var selectHaves = inBulk(4, []string{"id BIGINT"}, func(d dialect) string {
	return d.forEach("id", "h.log, h.up_to", "haves h", "h.app = ?1 AND h.uid = ?2 AND h.log = k.id AND h.device = ?3")
})

// havesOf is haveOf for several views, by their logs' numbers.
func havesOf(ctx context.Context, tx *transaction, who server.Who, views []*view) (map[uint64]uint64, error) {
	return selectHaves.numbers(ctx, tx, []any{who.App, who.User, who.Device}, views)
}
