package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// log is a row of logs.
type log struct {
	app   string
	id    uint64
	head  uint64
	time  int64 // of head, ms; 0 in an empty log
	title string
	// recall is the log's recall number.
	recall uint64
	open   bool // anybody may join the group
	closed bool // the group is dissolved, the room is closed
	// cleared is the everybody ledger's through for history and compensation.
	cleared uint64
}

// logColumns are a log's columns in logs l, and fields the places to scan them into.
const logColumns = `l.log, l.head, l.time, l.title, l.recall, l.open, l.closed, l.cleared`

func (l *log) fields() []any {
	return []any{&l.id, &l.head, &l.time, &l.title, &l.recall, &l.open, &l.closed, &l.cleared}
}

// nameKey is the canonical name of the log behind a conversation as user names it: the same for both sides of a C2C.
// Ids may contain any character, so the first of two has its length before it.
func nameKey(user string, c wire.Conversation) []byte {
	pair := func(a, b string) []byte {
		key := binary.AppendUvarint(nil, uint64(len(a)))
		return append(append(key, a...), b...)
	}
	switch c.Kind {
	case wire.C2CKind:
		return pair(min(user, c.Target), max(user, c.Target))
	case wire.SystemKind:
		return pair(user, c.Target)
	default:
		return []byte(c.Target)
	}
}

// nameOf reads what nameKey wrote, from the side of one who has that name.
func nameOf(kind wire.ConversationKind, key []byte) (user string, c wire.Conversation) {
	c = wire.Conversation{Kind: kind, Target: string(key)}
	if kind == wire.C2CKind || kind == wire.SystemKind {
		n, used := binary.Uvarint(key)
		user, c.Target = string(key[used:used+int(n)]), string(key[used+int(n):])
	}
	return user, c
}

// Conversation names the conversation behind a log.
func (s *Store) Conversation(ctx context.Context, app string, id uint64) (as, conversationID string, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var kind wire.ConversationKind
		var key []byte
		// SQL's integers end at 2^63, and so do the numbers of logs.
		ok, err := found(tx.QueryRowContext(ctx, `SELECT kind, name FROM names WHERE app = ? AND log = ?`, app, int64(id&(1<<63-1))), &kind, &key)
		if err != nil {
			return err
		}
		if !ok || id>>63 != 0 {
			return wire.Errorf(wire.MessageNotFound, "no such message")
		}
		var c wire.Conversation
		as, c = nameOf(kind, key)
		conversationID = c.String()
		return nil
	})
	return as, conversationID, err
}

// findLog finds the log behind a conversation, whether the user has a span in it or not.
func findLog(ctx context.Context, tx *sql.Tx, who server.Who, c wire.Conversation) (l log, ok bool, err error) {
	l.app = who.App
	ok, err = found(tx.QueryRowContext(ctx, `SELECT `+logColumns+` FROM names n
		JOIN logs l ON l.app = n.app AND l.log = n.log WHERE n.app = ? AND n.kind = ? AND n.name = ?`,
		who.App, c.Kind, nameKey(who.User, c)), l.fields()...)
	return l, ok, err
}

// getLog reads a log by its number.
func getLog(ctx context.Context, tx *sql.Tx, app string, id uint64) (l log, ok bool, err error) {
	l.app = app
	ok, err = found(tx.QueryRowContext(ctx, `SELECT `+logColumns+` FROM logs l WHERE l.app = ? AND l.log = ?`, app, id), l.fields()...)
	return l, ok, err
}

// makeLog makes an empty log under a random number, so that a message ID built on it tells nothing.
func makeLog(ctx context.Context, tx *sql.Tx, who server.Who, c wire.Conversation, title string) (log, error) {
	l := log{app: who.App, title: title}
	for taken := true; taken; {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return log{}, err
		}
		l.id = binary.BigEndian.Uint64(b[:]) >> 1 // SQL's integers end at 2^63
		var err error
		if _, taken, err = getLog(ctx, tx, l.app, l.id); err != nil {
			return log{}, err
		}
		taken = taken || l.id == 0
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO logs (app, log, head, time, title) VALUES (?, ?, 0, 0, ?)`,
		l.app, l.id, title); err != nil {
		return log{}, err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO names (app, kind, name, log) VALUES (?, ?, ?, ?)`,
		l.app, c.Kind, nameKey(who.User, c), l.id)
	return l, err
}

// openC2C finds the log of a C2C, or makes it with both users' spans.
func openC2C(ctx context.Context, tx *sql.Tx, who server.Who, c wire.Conversation) (log, error) {
	l, ok, err := findLog(ctx, tx, who, c)
	if err != nil {
		return log{}, err
	}
	if ok {
		return l, returnC2C(ctx, tx, l, who, c)
	}
	if l, err = makeLog(ctx, tx, who, c, ""); err != nil {
		return log{}, err
	}
	// By rising name, so that two first messages never wait for each other's user rows crosswise.
	a, b := min(who.User, c.Target), max(who.User, c.Target)
	if err := openSpan(ctx, tx, l, a, wire.Conversation{Kind: wire.C2CKind, Target: b}); err != nil {
		return log{}, err
	}
	if a != b {
		err = openSpan(ctx, tx, l, b, wire.Conversation{Kind: wire.C2CKind, Target: a})
	}
	return l, err
}

// returnC2C lets a user who was wiped write in the C2C again, from now on. To one who was wiped nobody writes until then.
// Errors: PermissionDenied.
func returnC2C(ctx context.Context, tx *sql.Tx, l log, who server.Who, c wire.Conversation) error {
	if in, err := isMember(ctx, tx, l, who.User); err != nil || !in {
		if err != nil {
			return err
		}
		if err := openSpan(ctx, tx, l, who.User, c); err != nil {
			return err
		}
	}
	if in, err := isMember(ctx, tx, l, c.Target); err != nil || in {
		return err
	}
	return wire.Errorf(wire.PermissionDenied, "%q is gone", c.Target)
}

// notFound is the one answer for a conversation that is absent and for one that is not the user's.
func notFound(conversationID string) error {
	return wire.Errorf(wire.ConversationNotFound, "no conversation %q", conversationID)
}
