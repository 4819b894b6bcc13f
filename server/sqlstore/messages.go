package sqlstore

import (
	"context"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

const messageColumns = `seq, time, sender, type, send, payload, quote`

func scanMessage(scan func(...any) error) (m wire.Message, err error) {
	var send []byte
	err = scan(&m.Seq, &m.Time, &m.From, &m.Type, &send, (*[]byte)(&m.Payload), &m.Quote)
	copy(m.SendID[:], send)
	return m, err
}

// scan gives fn the view's messages in a stretch by falling seq, until fn returns false. At most so many stored ones are read,
// whether the view has them or not.
func (v *view) scan(ctx context.Context, tx *transaction, s stretch, most int, fn func(wire.Message) bool) error {
	return each(ctx, tx, `SELECT `+messageColumns+` FROM messages
		WHERE app = ? AND log = ? AND seq >= ? AND seq <= ? ORDER BY seq DESC LIMIT CAST(? AS BIGINT)`,
		[]any{v.app, v.id, s.first, s.last, most}, func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			if err != nil {
				return err
			}
			if s.has(m.Seq) && !fn(m) {
				return errEnough
			}
			return nil
		})
}

// appendMessages puts messages, whose times are set, after the log's head and moves the head. It numbers them.
func appendMessages(ctx context.Context, tx *transaction, l *log, messages []wire.Message) error {
	put := presence{}
	for i := range messages {
		m := &messages[i]
		l.head = l.next()
		l.time = m.Time
		m.Seq = l.head
		var send []byte // none for what no client sent
		if send = m.SendID[:]; m.SendID == (wire.ID{}) {
			send = []byte{}
		}
		if err := tx.exec(ctx, `INSERT INTO messages (app, log, seq, time, sender, type, send, payload, quote)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			l.app, l.id, m.Seq, m.Time, m.From, m.Type, send, []byte(m.Payload), m.Quote); err != nil {
			return err
		}
		put.note(m.From, m.Seq)
	}
	if err := put.add(ctx, tx, l.app, l.id); err != nil {
		return err
	}
	return tx.exec(ctx, `UPDATE logs SET head = ?, time = ?, oldest = CASE oldest WHEN 0 THEN ? ELSE oldest END
		WHERE app = ? AND log = ?`, l.head, l.time, messages[0].Time, l.app, l.id)
}

// sentTime is the time of the newest message with a seq ≤ seq, still stored or not, and false if there is none.
func sentTime(ctx context.Context, tx *transaction, l log, seq uint64) (time int64, ok bool, err error) {
	err = tx.ask(ctx, askTime(l, seq, &time, &ok))
	return time, ok, err
}

// askTime asks for what sentTime is.
func askTime(l log, seq uint64, time *int64, ok *bool) question {
	return ifAny(ok, `SELECT time FROM (
		SELECT * FROM (SELECT seq, time FROM messages WHERE app = ?1 AND log = ?2 AND seq <= ?3 ORDER BY seq DESC LIMIT 1) AS a
		UNION ALL
		SELECT * FROM (SELECT seq, time FROM purged WHERE app = ?1 AND log = ?2 AND seq <= ?3 ORDER BY seq DESC LIMIT 1) AS b
		) AS newest ORDER BY seq DESC LIMIT 1`, []any{l.app, l.id, seq}, time)
}

// firstOf is the seq and the time of the oldest message, still stored or not, and false if there is none.
func firstOf(ctx context.Context, tx *transaction, l log) (seq uint64, time int64, ok bool, err error) {
	ok, err = found(tx.row(ctx, `SELECT seq, time FROM (
		SELECT * FROM (SELECT seq, time FROM messages WHERE app = ?1 AND log = ?2 ORDER BY seq LIMIT 1) AS a
		UNION ALL
		SELECT * FROM (SELECT seq, time FROM purged WHERE app = ?1 AND log = ?2 ORDER BY seq LIMIT 1) AS b
		) AS oldest ORDER BY seq LIMIT 1`, l.app, l.id), &seq, &time)
	return seq, time, ok, err
}

// lastBefore returns the greatest seq ≤ anchor up to which every message was sent before the given time (ms). Times
// never fall with rising seq, so it halves the log instead of keeping an index.
func lastBefore(ctx context.Context, tx *transaction, l log, anchor uint64, before int64) (uint64, error) {
	// As a rule the question is about a time before the log: then one look does.
	first, time, ok, err := firstOf(ctx, tx, l)
	if err != nil || ok && time >= before {
		return min(anchor, first-min(first, 1)), err
	}
	low, high := uint64(0), anchor // low is before; above high nothing is asked for
	for low < high {
		mid := high - (high-low)/2
		time, ok, err := sentTime(ctx, tx, l, mid)
		if err != nil {
			return 0, err
		}
		if !ok || time < before {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low, nil
}

// Messages returns what the user's view has of the seqs from … to of a log.
func (s *Store) Messages(ctx context.Context, who server.Who, id, from, to uint64) (e wire.MessagesEvent, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := getLog(ctx, tx, who.App, id)
		if err != nil || !ok || from == 0 || from > to {
			return err
		}
		v, err := viewOf(ctx, tx, who, l)
		if err != nil || v == nil {
			return err
		}
		for {
			s, ok := v.next(to, from-1)
			if !ok {
				break
			}
			if err := v.scan(ctx, tx, s, wire.SegmentSize, func(m wire.Message) bool {
				e.Messages = append(e.Messages, m)
				return true
			}); err != nil {
				return err
			}
			to = s.first - 1
		}
		if len(e.Messages) == 0 {
			return nil
		}
		slices.Reverse(e.Messages)
		e.ConversationID, e.Log, e.Head = v.conversation, id, v.reach
		return nil
	})
	return e, err
}
