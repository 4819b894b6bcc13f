package sqlstore

import (
	"context"
	"database/sql"

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

// findRoom finds a room's log, closed or not. Errors: RoomNotFound.
func findRoom(ctx context.Context, tx *sql.Tx, app, roomID string) (log, error) {
	l, ok, err := findLog(ctx, tx, server.Who{App: app}, room(roomID))
	if err == nil && !ok {
		err = wire.Errorf(wire.RoomNotFound, "no room %q", roomID)
	}
	return l, err
}

// openRoom finds a room that is not closed. Errors: RoomNotFound.
func openRoom(ctx context.Context, tx *sql.Tx, app, roomID string) (log, error) {
	l, err := findRoom(ctx, tx, app, roomID)
	if err == nil && l.closed {
		err = wire.Errorf(wire.RoomNotFound, "the room %q is closed", roomID)
	}
	return l, err
}

// PutRoom makes a room, opens it again, or renames it.
func (s *Store) PutRoom(ctx context.Context, app, roomID, name string) error {
	if err := wire.CheckIdentifier(roomID); err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		l, ok, err := findLog(ctx, tx, server.Who{App: app}, room(roomID))
		if err == nil && !ok {
			_, err = makeLog(ctx, tx, server.Who{App: app}, room(roomID), name)
			return err
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE logs SET title = ?, closed = 0 WHERE app = ? AND log = ?`, name, app, l.id)
		return err
	})
}

// CloseRoom sends all visitors away and purges the room's messages.
func (s *Store) CloseRoom(ctx context.Context, app, roomID string) (id uint64, err error) {
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *sql.Tx) error {
		l, err := findRoom(ctx, tx, app, roomID)
		if err != nil {
			return err
		}
		id = l.id
		if _, err := tx.ExecContext(ctx, `UPDATE logs SET closed = 1 WHERE app = ? AND log = ?`, app, l.id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM visits WHERE app = ? AND log = ?`, app, l.id); err != nil {
			return err
		}
		return removeRoom(ctx, tx, l)
	})
	return id, err
}

// ClearRoom purges the room's messages.
func (s *Store) ClearRoom(ctx context.Context, app, roomID string) (through uint64, err error) {
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *sql.Tx) error {
		l, err := findRoom(ctx, tx, app, roomID)
		if err != nil {
			return err
		}
		through = l.head
		return removeRoom(ctx, tx, l)
	})
	return through, err
}

// removeRoom removes all messages of a room.
func removeRoom(ctx context.Context, tx *sql.Tx, l log) error {
	_, err := removeWhere(ctx, tx, l.app, `log = ?2`, l.id)
	return err
}

// PurgeRooms purges what was sent in rooms before the given time (ms).
func (s *Store) PurgeRooms(ctx context.Context, app string, before int64) error {
	removed := 0
	err := s.write(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		removed, err = removeWhere(ctx, tx, app, `time < ?2 AND log IN (SELECT log FROM names WHERE app = ?1 AND kind = ?3)`,
			before, wire.RoomKind)
		return err
	})
	if removed > 0 {
		s.removed.Store(true)
	}
	return err
}

// visit is one device in a room.
type visit struct {
	entered uint64 // the first seq after it entered
	first   uint64 // the first seq it may see
}

// visitOf returns the device's visit to a log that is a room, and the room's conversationID.
func visitOf(ctx context.Context, tx *sql.Tx, l log, who server.Who) (v visit, conversation string, ok bool, err error) {
	ok, err = found(tx.QueryRowContext(ctx, `SELECT entered, first, conversation FROM visits
		WHERE app = ? AND log = ? AND uid = ? AND device = ?`, l.app, l.id, who.User, who.Device), &v.entered, &v.first, &conversation)
	return v, conversation, ok, err
}

// enterRoom brings the device into a room and returns the first seq it may see. Errors: RoomNotFound, ParameterInvalid.
func enterRoom(ctx context.Context, tx *sql.Tx, who server.Who, c wire.Conversation, set server.Settings) (l log, from uint64, err error) {
	if err := wire.CheckIdentifier(who.Device); err != nil {
		return log{}, 0, wire.Errorf(wire.ParameterInvalid, "a room is joined by a device: its deviceID: %s", wire.AsError(err).Text)
	}
	if l, err = openRoom(ctx, tx, who.App, c.Target); err != nil {
		return log{}, 0, err
	}
	v, _, ok, err := visitOf(ctx, tx, l, who)
	if ok || err != nil {
		return l, v.first, err
	}
	v = visit{entered: l.head + 1, first: l.head + 1}
	if set.RoomCloudHistory {
		v.first = 1
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO visits (app, log, uid, device, entered, first, conversation)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, l.app, l.id, who.User, who.Device, v.entered, v.first, c.String())
	return l, v.first, err
}

// leaveRoom takes the device out of a room, if it is in. Errors: ConversationNotFound.
func leaveRoom(ctx context.Context, tx *sql.Tx, who server.Who, c wire.Conversation) error {
	l, ok, err := findLog(ctx, tx, who, c)
	if err == nil && !ok {
		err = notFound(c.String())
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM visits WHERE app = ? AND log = ? AND uid = ? AND device = ?`,
		l.app, l.id, who.User, who.Device)
	return err
}

// roomsOf adds the rooms that the device is in.
func roomsOf(ctx context.Context, tx *sql.Tx, who server.Who, logs *[]server.OpenLog) error {
	return each(ctx, tx, `SELECT v.log, v.entered, v.conversation, l.head, l.recall
		FROM visits v JOIN logs l ON l.app = v.app AND l.log = v.log WHERE v.app = ? AND v.uid = ? AND v.device = ?`,
		[]any{who.App, who.User, who.Device}, func(scan func(...any) error) error {
			var o server.OpenLog
			err := scan(&o.Log, &o.Joined, &o.Room, &o.Head, &o.Recall)
			*logs = append(*logs, o)
			return err
		})
}
