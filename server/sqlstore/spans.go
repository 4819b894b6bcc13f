package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// span is one stay of a user in a log: joined ≤ seq, and seq < gone unless gone is 0.
type span struct {
	joined, gone uint64
}

// openSpan opens a stay of a user after the log's head.
func openSpan(ctx context.Context, tx *sql.Tx, l log, user string, c wire.Conversation) error {
	own := change{who: server.Who{App: l.app, User: user}}
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	// A stay that ended before any message came starts at the same seq: it goes on.
	_, err = tx.ExecContext(ctx, `INSERT INTO spans (app, uid, log, joined, gone, conversation, n)
		VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (app, uid, log, joined) DO UPDATE SET gone = 0, n = excluded.n`,
		l.app, user, l.id, l.head+1, c.String(), n)
	return err
}

// closeSpan ends a user's open stay at the log's head.
func closeSpan(ctx context.Context, tx *sql.Tx, l log, user string) error {
	own := change{who: server.Who{App: l.app, User: user}}
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE spans SET gone = ?, n = ? WHERE app = ? AND uid = ? AND log = ? AND gone = 0`,
		l.head+1, n, l.app, user, l.id)
	return err
}

// isMember tells whether the user has an open stay in the log.
func isMember(ctx context.Context, tx *sql.Tx, l log, user string) (bool, error) {
	var one int
	return found(tx.QueryRowContext(ctx, `SELECT 1 FROM spans WHERE app = ? AND uid = ? AND log = ? AND gone = 0`,
		l.app, user, l.id), &one)
}

// spansOf returns a user's stays in a log, by rising seq, and the user's name for it.
func spansOf(ctx context.Context, tx *sql.Tx, l log, user string) (spans []span, conversation string, err error) {
	err = each(ctx, tx, `SELECT joined, gone, conversation FROM spans WHERE app = ? AND uid = ? AND log = ? ORDER BY joined`,
		[]any{l.app, user, l.id}, func(scan func(...any) error) error {
			var s span
			if err := scan(&s.joined, &s.gone, &conversation); err != nil {
				return err
			}
			spans = append(spans, s)
			return nil
		})
	return spans, conversation, err
}

// Logs returns the logs in which the user has an open span, and the rooms that the device is in.
func (s *Store) Logs(ctx context.Context, who server.Who) (logs []server.OpenLog, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := roomsOf(ctx, tx, who, &logs); err != nil {
			return err
		}
		return each(ctx, tx, `SELECT s.log, s.joined, l.head, l.recall FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log
			WHERE s.app = ? AND s.uid = ? AND s.gone = 0`,
			[]any{who.App, who.User}, func(scan func(...any) error) error {
				var l server.OpenLog
				if err := scan(&l.Log, &l.Joined, &l.Head, &l.Recall); err != nil {
					return err
				}
				logs = append(logs, l)
				return nil
			})
	})
	return logs, err
}
