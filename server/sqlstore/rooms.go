package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func room(roomID string) wire.Conversation {
	return wire.Conversation{Kind: wire.RoomKind, Target: roomID}
}

// isRoom tells whether a conversationID is a room's.
func isRoom(conversationID string) bool {
	c, err := wire.ParseConversation(conversationID)
	return err == nil && c.Kind == wire.RoomKind
}

// lockRoom finds and holds a room's log, closed or not. Errors: RoomNotFound.
func lockRoom(ctx context.Context, tx *transaction, app, roomID string) (log, error) {
	l, ok, err := lockLog(ctx, tx, server.Who{App: app}, room(roomID))
	if err == nil && !ok {
		err = wire.Errorf(wire.RoomNotFound, "no room %q", roomID)
	}
	return l, err
}

// isOpenRoom refuses a room that is not there or is closed. Errors: RoomNotFound.
func isOpenRoom(l log, ok bool, roomID string) error {
	switch {
	case !ok:
		return wire.Errorf(wire.RoomNotFound, "no room %q", roomID)
	case bool(l.closed):
		return wire.Errorf(wire.RoomNotFound, "the room %q is closed", roomID)
	}
	return nil
}

// PutRoom makes a room, opens it again, or renames it.
func (s *Store) PutRoom(ctx context.Context, app, roomID, name string) error {
	if err := wire.CheckIdentifier(roomID); err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := lockLog(ctx, tx, server.Who{App: app}, room(roomID))
		if err == nil && !ok {
			_, err = makeLog(ctx, tx, server.Who{App: app}, room(roomID), name)
			return err
		}
		if err != nil {
			return err
		}
		err = tx.exec(ctx, `UPDATE logs SET title = ?, closed = 0 WHERE app = ? AND log = ?`, name, app, l.id)
		return err
	})
}

// CloseRoom sends all visitors away and purges the room's messages.
func (s *Store) CloseRoom(ctx context.Context, app, roomID string) (id uint64, err error) {
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *transaction) error {
		l, err := lockRoom(ctx, tx, app, roomID)
		if err != nil {
			return err
		}
		id = l.id
		if err := tx.exec(ctx, `UPDATE logs SET closed = 1 WHERE app = ? AND log = ?`, app, l.id); err != nil {
			return err
		}
		if err := removeRoom(ctx, tx, l); err != nil {
			return err
		}
		return endVisits(ctx, tx, `log = ?2`, app, l.id)
	})
	return id, err
}

// ClearRoom purges the room's messages.
func (s *Store) ClearRoom(ctx context.Context, app, roomID string) (through uint64, err error) {
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *transaction) error {
		l, err := lockRoom(ctx, tx, app, roomID)
		if err != nil {
			return err
		}
		through = l.head
		return removeRoom(ctx, tx, l)
	})
	return through, err
}

// removeRoom removes all messages of a room.
func removeRoom(ctx context.Context, tx *transaction, l log) error {
	_, err := removeWhere(ctx, tx, l.app, `log = ?2`, l.id)
	return err
}

// PurgeRooms purges what was sent in rooms before the given time (ms), unless another server does just now.
func (s *Store) PurgeRooms(ctx context.Context, app string, before int64) error {
	removed := 0
	_, err := s.alone(ctx, func() error {
		return s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
			if err := lockLogs(ctx, tx, `SELECT n.log FROM names n WHERE n.app = ?1 AND n.kind = ?2 AND EXISTS
				(SELECT 1 FROM messages m WHERE m.app = n.app AND m.log = n.log AND m.time < ?3)`, app, wire.RoomKind, before); err != nil {
				return err
			}
			removed, err = removeWhere(ctx, tx, app, `time < ?2 AND log IN (SELECT log FROM names WHERE app = ?1 AND kind = ?3)`,
				before, wire.RoomKind)
			return err
		})
	})
	if removed > 0 {
		s.removed.Store(true)
	}
	return err
}

// endVisits sends away whom a condition finds. In it ?1 is the app.
func endVisits(ctx context.Context, tx *transaction, condition string, args ...any) error {
	if tx.locking {
		if err := tx.exec(ctx, `SELECT 1 FROM visits l WHERE app = ?1 AND `+condition+` ORDER BY log, uid, device`+tx.forUpdate, args...); err != nil {
			return err
		}
	}
	return tx.exec(ctx, `DELETE FROM visits WHERE app = ?1 AND `+condition, args...)
}

// visit is one device in a room.
type visit struct {
	entered uint64 // the first seq after it entered
	first   uint64 // the first seq it may see
}

// visitOf returns the device's visit to a log that is a room, and the room's conversationID.
func visitOf(ctx context.Context, tx *transaction, l log, who server.Who) (v visit, conversation string, ok bool, err error) {
	err = tx.ask(ctx, askVisit(who, byNumber(l.id), &v, &conversation, &ok))
	return v, conversation, ok, err
}

var selectVisit = inLog(4, `SELECT entered, first, conversation FROM visits WHERE app = ?1 AND log = LOG AND uid = ?2 AND device = ?3`)

// askVisit asks for what visitOf returns.
func askVisit(who server.Who, log logBy, v *visit, conversation *string, ok *bool) question {
	return ifAny(ok, selectVisit.of(log), append([]any{who.App, who.User, who.Device}, log...), &v.entered, &v.first, conversation)
}

// roomVisit is a visit to a room that has that conversationID.
type roomVisit struct {
	visit
	conversation string
}

var selectVisits = inBulk(4, []string{"id BIGINT"}, func(d dialect) string {
	return d.forEach("id", "v.log, v.entered, v.first, v.conversation", "visits v",
		"v.app = ?1 AND v.log = k.id AND v.uid = ?2 AND v.device = ?3")
})

// visitsOf is visitOf for several views, by their logs' numbers.
func visitsOf(ctx context.Context, tx *transaction, who server.Who, views []*view) (map[uint64]roomVisit, error) {
	visits := map[uint64]roomVisit{}
	err := selectVisits.each(ctx, tx, []any{who.App, who.User, who.Device}, logNumbers(views), func(scan func(...any) error) error {
		var log uint64
		var v roomVisit
		err := scan(&log, &v.entered, &v.first, &v.conversation)
		visits[log] = v
		return err
	})
	return visits, err
}

// enterRoom brings the device into a room and returns the first seq it may see. Errors: RoomNotFound, ParameterInvalid.
func enterRoom(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation, set server.Settings) (l log, from uint64, err error) {
	if err := wire.CheckIdentifier(who.Device); err != nil {
		return log{}, 0, wire.Errorf(wire.ParameterInvalid, "a room is joined by a device: its deviceID: %s", wire.AsError(err).Text)
	}
	if l, err = lockRoom(ctx, tx, who.App, c.Target); err == nil {
		err = isOpenRoom(l, true, c.Target)
	}
	if err != nil {
		return log{}, 0, err
	}
	v, _, ok, err := visitOf(ctx, tx, l, who)
	if ok || err != nil {
		return l, v.first, err
	}
	v = visit{entered: l.next(), first: l.next()}
	if set.RoomCloudHistory {
		v.first = 1
	}
	err = tx.exec(ctx, `INSERT INTO visits (app, log, uid, device, entered, first, conversation)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, l.app, l.id, who.User, who.Device, v.entered, v.first, c.String())
	return l, v.first, err
}

// leaveRoom takes the device out of a room, if it is in. Errors: ConversationNotFound.
func leaveRoom(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation) error {
	l, ok, err := findLog(ctx, tx, who, c)
	if err == nil && !ok {
		err = notFound(c.String())
	}
	if err != nil {
		return err
	}
	err = tx.exec(ctx, `DELETE FROM visits WHERE app = ? AND log = ? AND uid = ? AND device = ?`,
		l.app, l.id, who.User, who.Device)
	return err
}
