package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// span is one stay of a user in a log: joined ≤ seq, and seq < gone unless gone is 0.
type span struct {
	joined, gone uint64
}

// openSpan opens a stay of a user after the log's head.
func openSpan(ctx context.Context, tx *transaction, l log, user string, c wire.Conversation) error {
	own := change{who: server.Who{App: l.app, User: user}}
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	// A stay that ended before any message came starts at the same seq: it goes on.
	err = tx.exec(ctx, `INSERT INTO spans (app, uid, log, joined, gone, conversation, n)
		VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (app, uid, log, joined) DO UPDATE SET gone = 0, n = excluded.n`,
		l.app, user, l.id, l.next(), c.String(), n)
	return err
}

// closeSpan ends a user's open stay at the log's head.
func closeSpan(ctx context.Context, tx *transaction, l log, user string) error {
	own := change{who: server.Who{App: l.app, User: user}}
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	err = tx.exec(ctx, `UPDATE spans SET gone = ?, n = ? WHERE app = ? AND uid = ? AND log = ? AND gone = 0`,
		l.next(), n, l.app, user, l.id)
	return err
}

// isMember tells whether the user has an open stay in the log.
func isMember(ctx context.Context, tx *transaction, l log, user string) (in bool, err error) {
	err = tx.ask(ctx, askMember(l.app, user, byNumber(l.id), &in))
	return in, err
}

var selectMember = inLog(3, `SELECT 1 FROM spans WHERE app = ?1 AND uid = ?2 AND log = LOG AND gone = 0`)

// askMember asks for what isMember tells.
func askMember(app, user string, log logBy, in *bool) question {
	var one int
	return ifAny(in, selectMember.of(log), append([]any{app, user}, log...), &one)
}

// askSpans asks for a user's stays in a log, by rising seq, and the user's name for it.
func askSpans(l log, user string, spans *[]span, conversation *string) question {
	return question{`SELECT joined, gone, conversation FROM spans WHERE app = ? AND uid = ? AND log = ? ORDER BY joined`,
		[]any{l.app, user, l.id}, func(scan func(...any) error) error {
			var s span
			err := scan(&s.joined, &s.gone, conversation)
			*spans = append(*spans, s)
			return err
		}}
}

// Logs returns the logs in which the user has an open span, and the rooms that the device is in.
func (s *Store) Logs(ctx context.Context, who server.Who) (logs []server.OpenLog, err error) {
	err = s.readOne(ctx, func(ctx context.Context, tx *transaction) error {
		// Not gone = 0: before it has counted the rows PostgreSQL would go through the index of all open spans, everybody's.
		return each(ctx, tx, `SELECT v.log, v.entered, v.conversation, l.head, l.recall
			FROM visits v JOIN logs l ON l.app = v.app AND l.log = v.log WHERE v.app = ?1 AND v.uid = ?2 AND v.device = ?3
			UNION ALL SELECT s.log, s.joined, '', l.head, l.recall
			FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log WHERE s.app = ?1 AND s.uid = ?2 AND s.gone < 1`,
			[]any{who.App, who.User, who.Device}, func(scan func(...any) error) error {
				var l server.OpenLog
				err := scan(&l.Log, &l.Joined, &l.Room, &l.Head, &l.Recall)
				logs = append(logs, l)
				return err
			})
	})
	return logs, err
}
