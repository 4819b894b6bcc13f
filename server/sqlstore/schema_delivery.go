package sqlstore

// delivery is the step to version 3: settings by app, devices and what they have, retention.
var delivery = []string{
	`CREATE TABLE settings (
		app TEXT NOT NULL,
		value TEXT NOT NULL,
		PRIMARY KEY (app)
	) WITHOUT ROWID`,

	// devices: every device of a user that ever said hello. settled: it has stored what a new device is given.
	`CREATE TABLE devices (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		device TEXT NOT NULL,
		first_seen INTEGER NOT NULL,
		last_seen INTEGER NOT NULL,
		settled INTEGER NOT NULL,
		PRIMARY KEY (app, uid, device)
	) WITHOUT ROWID`,

	// haves: up to which seq a device holds all that it was to get; only where cloud history is off.
	`CREATE TABLE haves (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		log INTEGER NOT NULL,
		device TEXT NOT NULL,
		up_to INTEGER NOT NULL,
		PRIMARY KEY (app, uid, log, device)
	) WITHOUT ROWID`,

	// answers: what a backend's calls were answered under their Idempotency-Keys.
	`CREATE TABLE answers (
		app TEXT NOT NULL,
		name TEXT NOT NULL,
		hash BLOB NOT NULL,
		body BLOB NOT NULL,
		at INTEGER NOT NULL,
		PRIMARY KEY (app, name)
	) WITHOUT ROWID`,
	`CREATE INDEX answers_at ON answers (at)`,

	// cleared is the everybody ledger's through for history and compensation: retention and clearing for all raise it.
	// oldest is the sentTime of the oldest message that is still stored, 0 if none is.
	`ALTER TABLE logs ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0`,
	`ALTER TABLE logs ADD COLUMN oldest INTEGER NOT NULL DEFAULT 0`,
	`UPDATE logs SET oldest = coalesce((SELECT m.time FROM messages m
		WHERE m.app = logs.app AND m.log = logs.log ORDER BY m.seq LIMIT 1), 0)`,
	`CREATE INDEX logs_oldest ON logs (app, oldest) WHERE oldest > 0`,

	// purged: the times of messages that are no longer stored. Devices may hold them, and a deletion by time is resolved
	// among them as well.
	`CREATE TABLE purged (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		seq INTEGER NOT NULL,
		time INTEGER NOT NULL,
		PRIMARY KEY (app, log, seq)
	) WITHOUT ROWID`,

	// purges: where messages may have left the last view that held them, from seq first to seq last, to be looked at when due
	// (ms). changes tells who looked whether something was added meanwhile.
	`CREATE TABLE purges (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		first INTEGER NOT NULL,
		last INTEGER NOT NULL,
		due INTEGER NOT NULL,
		changes INTEGER NOT NULL,
		PRIMARY KEY (app, log)
	) WITHOUT ROWID`,
	`CREATE INDEX purges_due ON purges (app, due)`,
	`CREATE INDEX spans_log ON spans (app, log, uid)`,
	`CREATE INDEX names_log ON names (app, log)`,
}
