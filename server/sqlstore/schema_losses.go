package sqlstore

// losses is the step to version 6: what is owed is kept by who lost it, so that a deletion writes rows of its user alone, and
// the members of a group who delete at the same time do not wait for each other.
var losses = []string{
	`DROP INDEX purges_due`,
	`ALTER TABLE purges RENAME TO purges_by_log`,
	// uid is empty for what everybody lost.
	`CREATE TABLE purges (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		log INTEGER NOT NULL,
		first INTEGER NOT NULL,
		last INTEGER NOT NULL,
		due INTEGER NOT NULL,
		changes INTEGER NOT NULL,
		PRIMARY KEY (app, uid, log)
	) WITHOUT ROWID`,
	`INSERT INTO purges (app, uid, log, first, last, due, changes)
		SELECT app, '', log, first, last, due, changes FROM purges_by_log`,
	`DROP TABLE purges_by_log`,
	`CREATE INDEX purges_due ON purges (app, due, log)`,
}
