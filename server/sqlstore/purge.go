package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/failpoint"
	"github.com/lethe-im/lethe/wire"
)

// What one call of Purge does at most, so that a send never waits long: messages removed, logs that expire, losses looked at.
// It looks for messages by purgeSlice at a time.
const (
	purgeMessages = 512
	purgeLogs     = 64
	purgeLosses   = 64
	purgeSlice    = 4096
)

// owe notes that messages of a log from first to last may have left the last view that held them, since who lost them. The user
// is empty where everybody did.
func owe(ctx context.Context, tx *transaction, who server.Who, log, first, last uint64) error {
	return tx.exec(ctx, `INSERT INTO purges (app, uid, log, first, last, due, changes) VALUES (?, ?, ?, ?, ?, 0, 1)
		ON CONFLICT (app, uid, log) DO UPDATE SET first = `+tx.least+`(purges.first, excluded.first),
		last = `+tx.greatest+`(purges.last, excluded.last), due = 0, changes = purges.changes + 1`,
		who.App, who.User, log, first, last)
}

// oweLedger is owe for what a deletion adds to a ledger.
func oweLedger(ctx context.Context, tx *transaction, who server.Who, log uint64, add wire.Ledger) error {
	switch {
	case add.Through > 0:
		return owe(ctx, tx, who, log, 1, max(add.Through, add.Ranges.Max()))
	case len(add.Ranges) > 0:
		return owe(ctx, tx, who, log, uint64(add.Ranges[0].Segment)*wire.SegmentSize, add.Ranges.Max())
	}
	return nil
}

// loss is a row of purges.
type loss struct {
	user    string
	changes int
}

// owed is what several have lost of a log.
type owed struct {
	log         log
	losses      []loss
	first, last uint64
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
	// losses is how many rows of purges were read.
	losses int
	full   bool // there is more to remove
}

// held is a stored message.
type held struct {
	seq  uint64
	time int64
}

// Purge removes messages that no view holds any more, unless another server does just now.
func (s *Store) Purge(ctx context.Context, app string, set server.Settings, now int64) (more bool, err error) {
	_, err = s.alone(ctx, func() error {
		more, err = s.purge(ctx, app, set, now)
		return err
	})
	return more, err
}

// purge decides in a read transaction, beside the sends: what has left all views never comes back into one.
func (s *Store) purge(ctx context.Context, app string, set server.Settings, now int64) (more bool, err error) {
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
	err = s.write(ctx, p.remove)
	if p.count > 0 {
		s.removed.Store(true) // also when nobody knows whether it was committed
	}
	if err != nil {
		return false, err
	}
	return expired || p.full || p.losses == purgeLosses, nil
}

// expire raises the everybody ledger of logs whose oldest messages have expired, and tells whether there were any. Rooms
// live by their own switch, so they expire by retention alone.
func (s *Store) expire(ctx context.Context, app string, set server.Settings, now int64) (some bool, err error) {
	soon := set.Expired(now)
	set.CloudHistory = true
	late := set.Expired(now)
	find := func(ctx context.Context, tx *transaction) (logs []log, before []int64, err error) {
		err = each(ctx, tx, `SELECT `+logColumns+`, n.kind FROM logs l JOIN names n ON n.app = l.app AND n.log = l.log
			WHERE l.app = ? AND l.oldest > 0 AND l.oldest < ? AND (n.kind <> ? OR l.oldest < ?)
			AND NOT EXISTS (SELECT 1 FROM purges p WHERE p.app = l.app AND p.uid = '' AND p.log = l.log AND p.due = 0)
			ORDER BY l.log LIMIT CAST(? AS BIGINT)`, []any{app, soon, wire.RoomKind, late, purgeLogs}, func(scan func(...any) error) error {
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
	if err := s.read(ctx, func(ctx context.Context, tx *transaction) error {
		logs, _, err := find(ctx, tx)
		some = len(logs) > 0
		return err
	}); err != nil || !some {
		return false, err
	}
	return true, s.write(ctx, func(ctx context.Context, tx *transaction) error {
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
func clearThrough(ctx context.Context, tx *transaction, l log, through uint64) error {
	if err := tx.exec(ctx, `UPDATE logs SET cleared = `+tx.greatest+`(cleared, ?) WHERE app = ? AND log = ?`,
		through, l.app, l.id); err != nil {
		return err
	}
	return owe(ctx, tx, server.Who{App: l.app}, l.id, 1, max(through, 1))
}

// look goes through what is owed until it has enough.
func (p *purge) look(ctx context.Context, tx *transaction) error {
	due, err := p.due(ctx, tx)
	if err != nil {
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

// due reads what is owed now, by log.
func (p *purge) due(ctx context.Context, tx *transaction) (due []owed, err error) {
	place := map[uint64]int{}
	err = each(ctx, tx, `SELECT `+logColumns+`, p.uid, p.first, p.last, p.changes
		FROM purges p JOIN logs l ON l.app = p.app AND l.log = p.log WHERE p.app = ? AND p.due <= ? ORDER BY p.due, p.log LIMIT CAST(? AS BIGINT)`,
		[]any{p.app, p.now, purgeLosses}, func(scan func(...any) error) error {
			o := owed{log: log{app: p.app}, losses: make([]loss, 1)}
			if err := scan(append(o.log.fields(), &o.losses[0].user, &o.first, &o.last, &o.losses[0].changes)...); err != nil {
				return err
			}
			p.losses++
			i, ok := place[o.log.id]
			if !ok {
				place[o.log.id] = len(due)
				due = append(due, o)
				return nil
			}
			due[i].losses = append(due[i].losses, o.losses[0])
			due[i].first, due[i].last = min(due[i].first, o.first), max(due[i].last, o.last)
			return nil
		})
	return due, err
}

// take adds the stored messages among the free seqs to what is removed, as far as there is room. It reads them in slices.
func (p *purge) take(ctx context.Context, tx *transaction, o *owed, free *seqSet) error {
	for next, more := o.first, free.left > 0; more && !p.full; {
		more = false
		if err := each(ctx, tx, `SELECT seq, time FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT CAST(? AS BIGINT)`,
			[]any{p.app, o.log.id, next, o.last, purgeSlice}, func(scan func(...any) error) error {
				var m held
				if err := scan(&m.seq, &m.time); err != nil {
					return err
				}
				next, more = m.seq+1, true
				if !free.has(m.seq) || p.full {
					return nil
				}
				if p.full = p.count == purgeMessages; p.full {
					return nil
				}
				p.gone[o.log.id] = append(p.gone[o.log.id], m)
				p.count++
				return nil
			}); err != nil {
			return err
		}
	}
	return nil
}

// remove carries out what look has found.
func (p *purge) remove(ctx context.Context, tx *transaction) error {
	logs := slices.Sorted(maps.Keys(p.gone))
	for _, o := range p.done {
		logs = append(logs, o.log.id)
	}
	slices.Sort(logs)
	for _, id := range slices.Compact(logs) {
		if err := lockLogs(ctx, tx, `?2`, p.app, id); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.gone)) {
		if err := removeMessages(ctx, tx, p.app, id, p.gone[id]); err != nil {
			return err
		}
	}
	if p.count > 0 {
		failpoint.Pass(failpoint.Purge)
	}
	for _, o := range p.done {
		if err := p.settle(ctx, tx, o); err != nil {
			return err
		}
	}
	return nil
}

// settle notes when to look again at what was owed, unless something was added meanwhile.
func (p *purge) settle(ctx context.Context, tx *transaction, o owed) error {
	for _, l := range o.losses {
		key := []any{p.app, l.user, o.log.id, l.changes}
		var err error
		if o.due == 0 {
			err = tx.exec(ctx, `DELETE FROM purges WHERE app = ? AND uid = ? AND log = ? AND changes = ?`, key...)
		} else {
			err = tx.exec(ctx, `UPDATE purges SET due = ? WHERE app = ? AND uid = ? AND log = ? AND changes = ?`,
				slices.Concat([]any{o.due}, key)...)
		}
		if err != nil {
			return err
		}
	}
	return findOldest(ctx, tx, p.app, o.log.id)
}

// removeMessages removes messages of a log, by rising seq, and keeps their times. The log is locked; what was removed before it
// was is passed over.
func removeMessages(ctx context.Context, tx *transaction, app string, id uint64, messages []held) (err error) {
	taken, err := presentOf(ctx, tx, app, id, messages)
	if err != nil {
		return err
	}
	if err := taken.remove(ctx, tx, app, id); err != nil {
		return err
	}
	for _, m := range messages {
		if err := tx.exec(ctx, `INSERT INTO purged (app, log, seq, time) VALUES (?, ?, ?, ?)
			ON CONFLICT (app, log, seq) DO NOTHING`, app, id, m.seq, m.time); err != nil {
			return err
		}
		if err := tx.exec(ctx, `DELETE FROM messages WHERE app = ? AND log = ? AND seq = ?`, app, id, m.seq); err != nil {
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
func removeWhere(ctx context.Context, tx *transaction, app, condition string, args ...any) (n int, err error) {
	var removed []place
	taken := map[uint64]presence{}
	if err := each(ctx, tx, `DELETE FROM messages WHERE app = ?1 AND `+condition+` RETURNING log, seq, sender`,
		append([]any{app}, args...), func(scan func(...any) error) error {
			var p place
			var sender string
			err := scan(&p.log, &p.seq, &sender)
			removed = append(removed, p)
			if taken[p.log] == nil {
				taken[p.log] = presence{}
			}
			taken[p.log].note(sender, p.seq)
			return err
		}); err != nil {
		return 0, err
	}
	for _, log := range slices.Sorted(maps.Keys(taken)) {
		if err := taken[log].remove(ctx, tx, app, log); err != nil {
			return 0, err
		}
	}
	slices.SortFunc(removed, func(a, b place) int { return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.seq, b.seq)) })
	for _, p := range removed {
		if err := forgetHash(ctx, tx, app, p.log, p.seq); err != nil {
			return 0, err
		}
	}
	return len(removed), nil
}

// findOldest notes the time of the oldest message that a log still has.
func findOldest(ctx context.Context, tx *transaction, app string, id uint64) error {
	err := tx.exec(ctx, `UPDATE logs SET oldest = coalesce((SELECT m.time FROM messages m
		WHERE m.app = logs.app AND m.log = logs.log ORDER BY m.seq LIMIT 1), 0) WHERE app = ? AND log = ?`, app, id)
	return err
}
