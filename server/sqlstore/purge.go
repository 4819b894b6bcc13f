package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// What one call of Purge does at most, so that a send never waits long: messages removed, logs looked at.
const (
	purgeMessages = 512
	purgeLogs     = 64
)

// owe notes that messages of a log from first to last may have left the last view that held them.
func owe(ctx context.Context, tx *sql.Tx, app string, log, first, last uint64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO purges (app, log, first, last, due, changes) VALUES (?, ?, ?, ?, 0, 1)
		ON CONFLICT (app, log) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),
		due = 0, changes = changes + 1`, app, log, first, last)
	return err
}

// oweLedger is owe for what a deletion adds to a ledger.
func oweLedger(ctx context.Context, tx *sql.Tx, l log, add wire.Ledger) error {
	switch {
	case add.Through > 0:
		return owe(ctx, tx, l.app, l.id, 1, max(add.Through, add.Ranges.Max()))
	case len(add.Ranges) > 0:
		return owe(ctx, tx, l.app, l.id, uint64(add.Ranges[0].Segment)*wire.SegmentSize, add.Ranges.Max())
	}
	return nil
}

// owed is a row of purges.
type owed struct {
	log         log
	first, last uint64
	changes     int
	due         int64 // when to look again, 0 = never
}

// purge is one look at what is owed.
type purge struct {
	app  string
	set  server.Settings
	now  int64
	done []owed
	// gone are messages to remove, by log.
	gone  map[uint64][]held
	count int
	full  bool // there is more to remove
}

// held is a stored message.
type held struct {
	seq  uint64
	time int64
}

// Purge removes messages that no view holds any more. It decides in a read transaction, beside the sends: what has left
// all views never comes back into one.
func (s *Store) Purge(ctx context.Context, app string, set server.Settings, now int64) (more bool, err error) {
	expired, err := s.expire(ctx, app, set, now)
	if err != nil {
		return false, err
	}
	p := purge{app: app, set: set, now: now, gone: map[uint64][]held{}}
	if err := s.read(ctx, p.look); err != nil {
		return false, err
	}
	if len(p.done) == 0 && p.count == 0 {
		return expired, nil
	}
	if err := s.write(ctx, p.remove); err != nil {
		return false, err
	}
	if p.count > 0 {
		s.removed.Store(true)
	}
	return expired || p.full || len(p.done) == purgeLogs, nil
}

// expire raises the everybody ledger of logs whose oldest messages have expired, and tells whether there were any. Rooms
// live by their own switch, so they expire by retention alone.
func (s *Store) expire(ctx context.Context, app string, set server.Settings, now int64) (some bool, err error) {
	soon := set.Expired(now)
	set.CloudHistory = true
	late := set.Expired(now)
	find := func(ctx context.Context, tx *sql.Tx) (logs []log, before []int64, err error) {
		err = each(ctx, tx, `SELECT `+logColumns+`, n.kind FROM logs l JOIN names n ON n.app = l.app AND n.log = l.log
			WHERE l.app = ? AND l.oldest > 0 AND l.oldest < ? AND (n.kind <> ? OR l.oldest < ?)
			AND NOT EXISTS (SELECT 1 FROM purges p WHERE p.app = l.app AND p.log = l.log AND p.due = 0)
			LIMIT ?`, []any{app, soon, wire.RoomKind, late, purgeLogs}, func(scan func(...any) error) error {
			l := log{app: app}
			var kind wire.ConversationKind
			err := scan(append(l.fields(), &kind)...)
			logs, before = append(logs, l), append(before, soon)
			if kind == wire.RoomKind {
				before[len(before)-1] = late
			}
			return err
		})
		return logs, before, err
	}
	if err := s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		logs, _, err := find(ctx, tx)
		some = len(logs) > 0
		return err
	}); err != nil || !some {
		return false, err
	}
	return true, s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		logs, before, err := find(ctx, tx)
		for i := range logs {
			if err != nil {
				break
			}
			var through uint64
			if through, err = lastBefore(ctx, tx, logs[i], logs[i].head, before[i]); err == nil {
				err = clearThrough(ctx, tx, logs[i], through)
			}
		}
		return err
	})
}

// clearThrough raises the everybody ledger.
func clearThrough(ctx context.Context, tx *sql.Tx, l log, through uint64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE logs SET cleared = max(cleared, ?) WHERE app = ? AND log = ?`,
		through, l.app, l.id); err != nil {
		return err
	}
	return owe(ctx, tx, l.app, l.id, 1, max(through, 1))
}

// look goes through what is owed until it has enough.
func (p *purge) look(ctx context.Context, tx *sql.Tx) error {
	var due []owed
	if err := each(ctx, tx, `SELECT `+logColumns+`, p.first, p.last, p.changes
		FROM purges p JOIN logs l ON l.app = p.app AND l.log = p.log WHERE p.app = ? AND p.due <= ? ORDER BY p.due LIMIT ?`,
		[]any{p.app, p.now, purgeLogs}, func(scan func(...any) error) error {
			o := owed{log: log{app: p.app}}
			err := scan(append(o.log.fields(), &o.first, &o.last, &o.changes)...)
			due = append(due, o)
			return err
		}); err != nil {
		return err
	}
	for i := range due {
		free, again, err := p.unheld(ctx, tx, &due[i])
		if err != nil {
			return err
		}
		if err := p.take(ctx, tx, &due[i], free); err != nil {
			return err
		}
		if p.full {
			return nil
		}
		due[i].due = again
		p.done = append(p.done, due[i])
	}
	return nil
}

// take adds the stored messages among the free seqs to what is removed, as far as there is room.
func (p *purge) take(ctx context.Context, tx *sql.Tx, o *owed, free *seqSet) error {
	err := each(ctx, tx, `SELECT seq, time FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq <= ? ORDER BY seq`,
		[]any{p.app, o.log.id, o.first, o.last}, func(scan func(...any) error) error {
			var m held
			if err := scan(&m.seq, &m.time); err != nil || !free.has(m.seq) {
				return err
			}
			if p.full = p.count == purgeMessages; p.full {
				return errEnough
			}
			p.gone[o.log.id] = append(p.gone[o.log.id], m)
			p.count++
			return nil
		})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// remove carries out what look has found.
func (p *purge) remove(ctx context.Context, tx *sql.Tx) error {
	for id, messages := range p.gone {
		if err := removeMessages(ctx, tx, p.app, id, messages); err != nil {
			return err
		}
	}
	for _, o := range p.done {
		var err error
		if o.due == 0 {
			_, err = tx.ExecContext(ctx, `DELETE FROM purges WHERE app = ? AND log = ? AND changes = ?`, p.app, o.log.id, o.changes)
		} else {
			_, err = tx.ExecContext(ctx, `UPDATE purges SET due = ? WHERE app = ? AND log = ? AND changes = ?`,
				o.due, p.app, o.log.id, o.changes)
		}
		if err == nil {
			err = findOldest(ctx, tx, p.app, o.log.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeMessages removes stored messages of a log and keeps their times.
func removeMessages(ctx context.Context, tx *sql.Tx, app string, id uint64, messages []held) (err error) {
	for _, m := range messages {
		if _, err := tx.ExecContext(ctx, `INSERT INTO purged (app, log, seq, time) VALUES (?, ?, ?, ?)
			ON CONFLICT (app, log, seq) DO NOTHING`, app, id, m.seq, m.time); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE app = ? AND log = ? AND seq = ?`, app, id, m.seq); err != nil {
			return err
		}
		if err := forgetHash(ctx, tx, app, id, m.seq); err != nil {
			return err
		}
	}
	return findOldest(ctx, tx, app, id)
}

// removeWhere removes the messages of an app that a condition finds, and tells how many these were. In the condition ?1 is the
// app, ?2 the first of args.
func removeWhere(ctx context.Context, tx *sql.Tx, app, condition string, args ...any) (n int, err error) {
	var logs, seqs []uint64
	if err := each(ctx, tx, `DELETE FROM messages WHERE app = ?1 AND `+condition+` RETURNING log, seq`,
		append([]any{app}, args...), func(scan func(...any) error) error {
			var log, seq uint64
			err := scan(&log, &seq)
			logs, seqs = append(logs, log), append(seqs, seq)
			return err
		}); err != nil {
		return 0, err
	}
	for i := range logs {
		if err := forgetHash(ctx, tx, app, logs[i], seqs[i]); err != nil {
			return 0, err
		}
	}
	return len(logs), nil
}

// findOldest notes the time of the oldest message that a log still has.
func findOldest(ctx context.Context, tx *sql.Tx, app string, id uint64) error {
	_, err := tx.ExecContext(ctx, `UPDATE logs SET oldest = coalesce((SELECT m.time FROM messages m
		WHERE m.app = logs.app AND m.log = logs.log ORDER BY m.seq LIMIT 1), 0) WHERE app = ? AND log = ?`, app, id)
	return err
}
