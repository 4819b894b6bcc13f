package sqlstore

// schema makes an empty store of version 1; migrate.go has the steps from there. Every table leads with the key that would shard it: app + uid, or app + log (names: app
// + the name). The SQL is kept plain: what SQLite and PostgreSQL both take.
var schema = []string{
	`CREATE TABLE store (
		epoch INTEGER NOT NULL,
		checked INTEGER NOT NULL
	)`,
	`INSERT INTO store (epoch, checked) VALUES (1, 0)`,

	// users: n is the user's number, raised by one for each operation that changes rows of this user.
	`CREATE TABLE users (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		n INTEGER NOT NULL,
		PRIMARY KEY (app, uid)
	) WITHOUT ROWID`,

	// names finds the log behind a conversation by its canonical name (see nameKey).
	`CREATE TABLE names (
		app TEXT NOT NULL,
		kind INTEGER NOT NULL,
		name BLOB NOT NULL,
		log INTEGER NOT NULL,
		PRIMARY KEY (app, kind, name)
	) WITHOUT ROWID`,

	// logs: head is the newest seq, time its sentTime, title a group's name.
	`CREATE TABLE logs (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		head INTEGER NOT NULL,
		time INTEGER NOT NULL,
		title TEXT NOT NULL,
		PRIMARY KEY (app, log)
	) WITHOUT ROWID`,

	`CREATE TABLE messages (
		app TEXT NOT NULL,
		log INTEGER NOT NULL,
		seq INTEGER NOT NULL,
		time INTEGER NOT NULL,
		sender TEXT NOT NULL,
		type TEXT NOT NULL,
		send BLOB NOT NULL,
		payload BLOB NOT NULL,
		PRIMARY KEY (app, log, seq)
	) WITHOUT ROWID`,

	// spans: one stay of a user in a log, from seq joined to before seq gone; gone is 0 while it lasts. conversation is
	// the user's name for the log.
	`CREATE TABLE spans (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		log INTEGER NOT NULL,
		joined INTEGER NOT NULL,
		gone INTEGER NOT NULL,
		conversation TEXT NOT NULL,
		n INTEGER NOT NULL,
		PRIMARY KEY (app, uid, log, joined)
	) WITHOUT ROWID`,
	`CREATE INDEX spans_n ON spans (app, uid, n)`,
	`CREATE INDEX spans_members ON spans (app, log, uid) WHERE gone = 0`,

	`CREATE TABLE marks (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		log INTEGER NOT NULL,
		up_to INTEGER NOT NULL,
		n INTEGER NOT NULL,
		PRIMARY KEY (app, uid, log)
	) WITHOUT ROWID`,
	`CREATE INDEX marks_n ON marks (app, uid, n)`,

	// ledgers and ledger_bits are one ledger: its numbers, and its single seqs by segment of 256. Each part has the n of
	// its own last change, so that a device is sent only what changed.
	`CREATE TABLE ledgers (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		log INTEGER NOT NULL,
		surface INTEGER NOT NULL,
		through INTEGER NOT NULL,
		hidden_at INTEGER NOT NULL,
		n INTEGER NOT NULL,
		PRIMARY KEY (app, uid, log, surface)
	) WITHOUT ROWID`,
	`CREATE INDEX ledgers_n ON ledgers (app, uid, n)`,
	`CREATE TABLE ledger_bits (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		log INTEGER NOT NULL,
		surface INTEGER NOT NULL,
		segment INTEGER NOT NULL,
		bits BLOB NOT NULL,
		n INTEGER NOT NULL,
		PRIMARY KEY (app, uid, log, surface, segment)
	) WITHOUT ROWID`,
	`CREATE INDEX ledger_bits_n ON ledger_bits (app, uid, n)`,

	// operations: what a Delete or Cancel was first answered. hash is of its body.
	`CREATE TABLE operations (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		op BLOB NOT NULL,
		hash BLOB NOT NULL,
		n INTEGER NOT NULL,
		through INTEGER NOT NULL,
		seq INTEGER NOT NULL,
		at INTEGER NOT NULL,
		PRIMARY KEY (app, uid, op)
	) WITHOUT ROWID`,
	`CREATE INDEX operations_at ON operations (at)`,

	// sends: where each SendID's message stands; seq 0 = cancelled before it came.
	`CREATE TABLE sends (
		app TEXT NOT NULL,
		uid TEXT NOT NULL,
		send BLOB NOT NULL,
		hash BLOB NOT NULL,
		log INTEGER NOT NULL,
		seq INTEGER NOT NULL,
		time INTEGER NOT NULL,
		at INTEGER NOT NULL,
		PRIMARY KEY (app, uid, send)
	) WITHOUT ROWID`,
	`CREATE INDEX sends_at ON sends (at)`,
}
