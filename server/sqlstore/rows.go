package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Rows returns the changes of the user's rows after since.
func (s *Store) Rows(ctx context.Context, who server.Who, since uint64, limit int) (r wire.Rows, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, epoch, err := number(ctx, tx, who)
		if err != nil {
			return err
		}
		if since > n {
			since = 0 // no such number was ever given out: only everything is right
		}
		r = wire.Rows{Epoch: epoch, After: since, N: n}
		// Up to the number of the limit-th changed row, so that an operation is never split.
		_, err = found(tx.QueryRowContext(ctx, `SELECT n FROM (`+changedNumbers+`) AS changed ORDER BY n LIMIT 1 OFFSET ?5`,
			who.App, who.User, since, limit, limit-1), &r.N)
		if err != nil {
			return err
		}
		r.More = r.N < n
		return readRows(ctx, tx, who, &r)
	})
	return r, err
}

// changedNumbers are the numbers of the next changed rows: no table needs to give more than the limit, ?4.
const changedNumbers = `
	SELECT * FROM (SELECT n FROM spans WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT ?4) AS a UNION ALL
	SELECT * FROM (SELECT n FROM marks WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT ?4) AS b UNION ALL
	SELECT * FROM (SELECT n FROM ledgers WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT ?4) AS c UNION ALL
	SELECT * FROM (SELECT n FROM ledger_bits WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT ?4) AS d`

// readRows fills in the rows with After < n ≤ N.
func readRows(ctx context.Context, tx *sql.Tx, who server.Who, r *wire.Rows) error {
	key := []any{who.App, who.User, r.After, r.N}
	if err := each(ctx, tx, `SELECT s.conversation, s.log, s.joined, s.gone, l.title
		FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log
		WHERE s.app = ? AND s.uid = ? AND s.n > ? AND s.n <= ? ORDER BY s.log, s.joined`, key,
		func(scan func(...any) error) error {
			var s wire.SpanRow
			err := scan(&s.ConversationID, &s.Log, &s.Joined, &s.Left, &s.Name)
			r.Spans = append(r.Spans, s)
			return err
		}); err != nil {
		return err
	}
	if err := each(ctx, tx, `SELECT `+conversationOf+`, up_to FROM marks x
		WHERE app = ? AND uid = ? AND n > ? AND n <= ? ORDER BY log`, key,
		func(scan func(...any) error) error {
			var m wire.ReadRow
			err := scan(&m.ConversationID, &m.UpTo)
			r.Reads = append(r.Reads, m)
			return err
		}); err != nil {
		return err
	}
	return readLedgers(ctx, tx, key, r)
}

// conversationOf is the user's name for the log of a row x.
const conversationOf = `(SELECT s.conversation FROM spans s
	WHERE s.app = x.app AND s.uid = x.uid AND s.log = x.log LIMIT 1)`

// readLedgers fills in the changed parts of ledgers, those of one ledger in one row.
func readLedgers(ctx context.Context, tx *sql.Tx, key []any, r *wire.Rows) error {
	type name struct {
		conversation string
		surface      wire.Surface
	}
	place := map[name]int{}
	row := func(n name) *wire.Ledger {
		i, ok := place[n]
		if !ok {
			i = len(r.Ledgers)
			place[n] = i
			r.Ledgers = append(r.Ledgers, wire.LedgerRow{ConversationID: n.conversation, Surface: n.surface})
		}
		return &r.Ledgers[i].Ledger
	}
	if err := each(ctx, tx, `SELECT `+conversationOf+`, surface, through, hidden_at FROM ledgers x
		WHERE app = ? AND uid = ? AND n > ? AND n <= ? ORDER BY log, surface`, key,
		func(scan func(...any) error) error {
			var n name
			var l wire.Ledger
			err := scan(&n.conversation, &n.surface, &l.Through, &l.HiddenAt)
			*row(n) = l
			return err
		}); err != nil {
		return err
	}
	return each(ctx, tx, `SELECT `+conversationOf+`, surface, segment, bits FROM ledger_bits x
		WHERE app = ? AND uid = ? AND n > ? AND n <= ? ORDER BY log, surface, segment`, key,
		func(scan func(...any) error) error {
			var n name
			part, err := scanPart(scan, &n.conversation, &n.surface)
			if err != nil {
				return err
			}
			l := row(n)
			l.Ranges = append(l.Ranges, part)
			return nil
		})
}
