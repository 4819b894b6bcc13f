package sqlstore

// access is the step to version 4: tokens that are not taken any more.
var access = []string{
	// revocations: device and token are empty where all of the user's are meant. before is a time in ms.
	`CREATE TABLE revocations (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		device TEXT NOT NULL,
		token TEXT NOT NULL,
		before INTEGER NOT NULL,
		change INTEGER NOT NULL,
		PRIMARY KEY (app, uid, device, token)
	) WITHOUT ROWID`,
	`CREATE UNIQUE INDEX revocations_change ON revocations (app, change)`,
}
