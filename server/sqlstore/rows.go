package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Rows returns the changes of the user's rows after since.
func (s *Store) Rows(ctx context.Context, who server.Who, since uint64, limit int) (r wire.Rows, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		n, epoch, err := number(ctx, tx, who)
		if err != nil {
			return err
		}
		if since > n {
			since = 0 // no such number was ever given out: only everything is right
		}
		r = wire.Rows{Epoch: epoch, After: since, N: n}
		if since == n {
			return nil
		}
		if since+1 < n { // else it is one operation
			// Up to the number of the limit-th changed row, so that an operation is never split.
			if _, err = found(tx.row(ctx, `SELECT n FROM (`+changedNumbers+`) AS changed ORDER BY n LIMIT 1 OFFSET CAST(?5 AS BIGINT)`,
				who.App, who.User, since, limit, limit-1), &r.N); err != nil {
				return err
			}
		}
		r.More = r.N < n
		return readRows(ctx, tx, who, &r)
	})
	return r, err
}

// changedNumbers are the numbers of the next changed rows: no table needs to give more than the limit, ?4.
const changedNumbers = `
	SELECT * FROM (SELECT n FROM spans WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT CAST(?4 AS BIGINT)) AS a UNION ALL
	SELECT * FROM (SELECT n FROM marks WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT CAST(?4 AS BIGINT)) AS b UNION ALL
	SELECT * FROM (SELECT n FROM ledgers WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT CAST(?4 AS BIGINT)) AS c UNION ALL
	SELECT * FROM (SELECT n FROM ledger_bits WHERE app = ?1 AND uid = ?2 AND n > ?3 ORDER BY n LIMIT CAST(?4 AS BIGINT)) AS d`

// readRows fills in the rows with After < n ≤ N.
func readRows(ctx context.Context, tx *transaction, who server.Who, r *wire.Rows) error {
	key := []any{who.App, who.User, r.After, r.N}
	spans := question{`SELECT s.conversation, s.log, s.joined, s.gone, l.title
		FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log
		WHERE s.app = ? AND s.uid = ? AND s.n > ? AND s.n <= ? ORDER BY s.log, s.joined`, key,
		func(scan func(...any) error) error {
			var s wire.SpanRow
			err := scan(&s.ConversationID, &s.Log, &s.Joined, &s.Left, &s.Name)
			r.Spans = append(r.Spans, s)
			return err
		}}
	marks := question{`SELECT ` + conversationOf + `, up_to FROM marks x
		WHERE app = ? AND uid = ? AND n > ? AND n <= ? ORDER BY log`, key,
		func(scan func(...any) error) error {
			var m wire.ReadRow
			err := scan(&m.ConversationID, &m.UpTo)
			r.Reads = append(r.Reads, m)
			return err
		}}
	numbers, parts := askLedgers(key, r)
	return tx.ask(ctx, spans, marks, numbers, parts)
}

// conversationOf is the user's name for the log of a row x.
const conversationOf = `(SELECT s.conversation FROM spans s
	WHERE s.app = x.app AND s.uid = x.uid AND s.log = x.log LIMIT 1)`

// askLedgers asks for the changed parts of ledgers, and puts those of one ledger into one row.
func askLedgers(key []any, r *wire.Rows) (numbers, parts question) {
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
	numbers = question{`SELECT ` + conversationOf + `, surface, through, hidden_at FROM ledgers x
		WHERE app = ? AND uid = ? AND n > ? AND n <= ? ORDER BY log, surface`, key,
		func(scan func(...any) error) error {
			var n name
			var l wire.Ledger
			err := scan(&n.conversation, &n.surface, &l.Through, &l.HiddenAt)
			*row(n) = l
			return err
		}}
	parts = question{`SELECT ` + conversationOf + `, surface, segment, bits FROM ledger_bits x
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
		}}
	return numbers, parts
}
