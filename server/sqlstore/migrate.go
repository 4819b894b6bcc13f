package sqlstore

import (
	"context"
	"fmt"

	"github.com/lethe-im/lethe/server/failpoint"
)

// steps lead from one version of the schema to the next, on both databases; the file's user_version, or the row of the table
// lethe, is how many it has taken. A step that a
// release had is never changed: files out there have taken it.
var steps = []step{
	{statements: schema}, {statements: recallsAndRooms}, {statements: delivery}, {statements: access}, {statements: restores},
	{statements: losses}, {statements: counting, fill: noteAllStored},
}

// step is one of them: statements, then what takes more than those, if anything.
type step struct {
	statements []string
	fill       func(context.Context, *transaction) error
}

// schemaVersion is the version that this program writes. A file with a greater one is refused as it is.
var schemaVersion = len(steps)

// recallsAndRooms is the step to version 2.
var recallsAndRooms = []string{
	`ALTER TABLE messages ADD COLUMN quote INTEGER NOT NULL DEFAULT 0`,

	// recall is the log's recall number. open: anybody may join the group. closed: the group is dissolved, the room is
	// closed; made again, it goes on in the same log.
	`ALTER TABLE logs ADD COLUMN recall INTEGER NOT NULL DEFAULT 0`,
	`ALTER TABLE logs ADD COLUMN open INTEGER NOT NULL DEFAULT 0`,
	`ALTER TABLE logs ADD COLUMN closed INTEGER NOT NULL DEFAULT 0`,

	// recalls: the log's everybody ledger, by its recall number. Kept for ever, whatever becomes of the messages. recaller
	// is empty for an administrator.
	`CREATE TABLE recalls (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		change INTEGER NOT NULL,
		seq INTEGER NOT NULL,
		recaller TEXT NOT NULL,
		time INTEGER NOT NULL,
		PRIMARY KEY (app, log, change)
	) WITHOUT ROWID`,
	`CREATE UNIQUE INDEX recalls_seq ON recalls (app, log, seq)`,

	// visits: the devices in a room. entered is the first seq after entering, first the first seq that the device may see.
	`CREATE TABLE visits (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		uid TEXT NOT NULL,
		device TEXT NOT NULL,
		entered INTEGER NOT NULL,
		first INTEGER NOT NULL,
		conversation TEXT NOT NULL,
		PRIMARY KEY (app, log, uid, device)
	) WITHOUT ROWID`,
	`CREATE INDEX visits_device ON visits (app, uid, device)`,

	// What became of a message that is no longer stored: its sender and time.
	`CREATE INDEX sends_seq ON sends (app, log, seq)`,
}

// migrate takes the steps that the file has not taken, all or none.
func migrate(ctx context.Context, tx *transaction) error {
	var version int
	if err := tx.row(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch {
	case version == schemaVersion:
		return nil
	case version > schemaVersion: // since Open looked
		return ErrNewer
	}
	for i, step := range steps[version:] {
		for _, statement := range step.statements {
			if err := tx.exec(ctx, statement); err != nil {
				return fmt.Errorf("schema %d: %w", version+i+1, err)
			}
			failpoint.Pass(failpoint.Migrate)
		}
		if step.fill == nil {
			continue
		}
		if err := step.fill(ctx, tx); err != nil {
			return fmt.Errorf("schema %d: %w", version+i+1, err)
		}
	}
	err := tx.exec(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion))
	return err
}
