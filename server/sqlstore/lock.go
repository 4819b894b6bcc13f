package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// On SQLite there is one writer. On PostgreSQL transactions write side by side, and take these locks, which last to the commit,
// in this order, before they read what they decide by:
//
//  1. names and logs: the row of a log, several by rising number. It guards the log's head, time, recall number and marks,
//     its messages, and who is a member (spans are opened and closed under it).
//  2. users: the row of a user, several by rising userID. It guards the user's number and everything that is the user's own:
//     spans, ledgers, read marks, operations, have marks, and what the user's deletions leave to purge.
//  3. everything else, that is rows which are new or found by what is locked above. Of sends, several by rising log and seq:
//     they are inserted by their user, and changed under the log's lock. Of visits, after sends, several by rising log, user
//     and device: a room that is closed ends those that are in it, a user who is wiped those of all devices.
//
// What is asked along with a lock (ask.go) is asked after it.
//
// Nobody who has a lock of a later kind asks for one of an earlier. So nobody waits in a circle; should it happen all the same,
// PostgreSQL ends one of them and it is run again.
//
// A deletion or a read mark takes its user's lock alone, and a message to a group its log's alone.

// lockLog finds the log behind a conversation as findLog does, and holds its row.
func lockLog(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation) (log, bool, error) {
	return queryLog(ctx, tx, who, c, tx.forUpdate)
}

// lockLogs holds the rows of some logs. They are found by a query for their numbers, whose first argument is the app.
func lockLogs(ctx context.Context, tx *transaction, numbers string, args ...any) error {
	if !tx.locking {
		return nil
	}
	return tx.exec(ctx, `SELECT 1 FROM logs l WHERE l.app = ?1 AND l.log IN (`+numbers+`) ORDER BY l.log`+tx.forUpdate, args...)
}

// lockUser holds a user's row. Who has none yet has nothing to guard.
func lockUser(ctx context.Context, tx *transaction, who server.Who) error {
	if !tx.locking {
		return nil
	}
	return tx.exec(ctx, `SELECT 1 FROM users l WHERE l.app = ? AND l.uid = ?`+tx.forUpdate, who.App, who.User)
}

// askHeld is lockUser as a question, to be asked before all else of a change: it reads the user's number along. Where no row is
// locked it asks nothing.
func (c *change) askHeld(tx *transaction) []question {
	if !tx.locking {
		return nil
	}
	return []question{{`SELECT l.n FROM users l WHERE l.app = ? AND l.uid = ?` + tx.forUpdate, []any{c.who.App, c.who.User},
		func(scan func(...any) error) error { return scan(&c.held) }}}
}

// lockRevocations lets the revocations of an app take their numbers one after the other: no row of the app stands for them.
func lockRevocations(ctx context.Context, tx *transaction, app string) error {
	if !tx.locking {
		return nil
	}
	return tx.exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, app)
}
