package sqlstore

import (
	"context"
	"time"
)

// restores is the step to version 5: what a restored store must not give out again.
var restores = []string{
	// floor: seqs up to this may have been given out by a store that was lost, before this one was restored; the next one is
	// above it. The store's is that of logs that are made from now on: they may have been made before, too.
	`ALTER TABLE logs ADD COLUMN floor INTEGER NOT NULL DEFAULT 0`,
	`ALTER TABLE store ADD COLUMN floor INTEGER NOT NULL DEFAULT 0`,
}

// RestoreGap is how many messages of one log may have been lost with a store, at most: a restored one goes on so far above
// its heads, so that no seq is used twice.
const RestoreGap = 1 << 20

// BeginEpoch makes the store, restored from a backup, one that goes on: what devices know of its rows counts no more, and each
// log goes on gap above its head, new ones above everything. lost is the store that it takes the place of, nil where that
// cannot be read: then gap must cover what was sent since the backup, and what other restored stores gave out since.
func (s *Store) BeginEpoch(ctx context.Context, now time.Time, gap uint64, lost *Store) (epoch uint32, err error) {
	var given []logFloor
	var theirs uint32
	var all uint64
	if lost != nil {
		if given, theirs, all, err = lost.floors(ctx); err != nil {
			return 0, err
		}
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		var own uint32
		var highest uint64
		if err := tx.row(ctx, `SELECT epoch, floor FROM store`).Scan(&own, &highest); err != nil {
			return err
		}
		// The clock tells two restored stores of one backup apart.
		epoch = max(own, theirs, uint32(now.Unix())) + 1
		if err := tx.exec(ctx, `UPDATE store SET epoch = ?, floor = ?`, epoch, max(highest, all)+gap); err != nil {
			return err
		}
		if err := tx.exec(ctx, `UPDATE logs SET floor = CASE WHEN head > floor THEN head ELSE floor END + ?`, gap); err != nil {
			return err
		}
		for _, f := range given {
			if err := tx.exec(ctx, `UPDATE logs SET floor = ? WHERE app = ? AND log = ? AND floor < ?`,
				f.floor+gap, f.app, f.log, f.floor+gap); err != nil {
				return err
			}
		}
		return nil
	})
	return epoch, err
}

// logFloor is up to where a log has given out seqs.
type logFloor struct {
	app   string
	log   uint64
	floor uint64
}

// floors is up to where each log has given out seqs, the epoch, and what no log has exceeded.
func (s *Store) floors(ctx context.Context) (logs []logFloor, epoch uint32, all uint64, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		if err := tx.row(ctx, `SELECT epoch, floor FROM store`).Scan(&epoch, &all); err != nil {
			return err
		}
		return each(ctx, tx, `SELECT app, log, CASE WHEN head > floor THEN head ELSE floor END FROM logs`, nil,
			func(scan func(...any) error) error {
				var f logFloor
				err := scan(&f.app, &f.log, &f.floor)
				logs, all = append(logs, f), max(all, f.floor)
				return err
			})
	})
	return logs, epoch, all, err
}
