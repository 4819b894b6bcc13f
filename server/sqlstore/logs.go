package sqlstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"

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
	open   flag // anybody may join the group
	closed flag // the group is dissolved, the room is closed
	// cleared is the everybody ledger's through for history and compensation.
	cleared uint64
	// floor: seqs up to this may have been given out by a store that was lost, before this one was restored (restore.go).
	floor uint64
}

// next is the seq that the next message gets.
func (l *log) next() uint64 { return max(l.head, l.floor) + 1 }

// logColumns are a log's columns in logs l, and fields the places to scan them into.
const logColumns = `l.log, l.head, l.time, l.title, l.recall, l.open, l.closed, l.cleared, l.floor`

func (l *log) fields() []any {
	return []any{&l.id, &l.head, &l.time, &l.title, &l.recall, &l.open, &l.closed, &l.cleared, &l.floor}
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

// logBy is what a statement finds a log by: its number, or the kind and the key of its name, and then nobody waits for the number.
// Statements cast the kind: SQLite plans one again where what it compares with a column turns into 0 or 1, or from it, which made pages
// of groups and of C2C (1) in turn twice as dear (BenchmarkPage; SQLite 3.54, sqlite3VdbeReprepareOnBind).
type logBy []any

func byNumber(log uint64) logBy { return logBy{log} }

func byName(user string, c wire.Conversation) logBy { return logBy{c.Kind, nameKey(user, c)} }

// aboutLog is a statement about one log, in a text for either logBy. The log is LOG in it, and its last arguments; ?1 is the app.
type aboutLog struct{ byNumber, byName string }

// inLog makes a statement with the log's placeholders from first on.
func inLog(first int, text string) aboutLog {
	name := fmt.Sprintf("(SELECT n.log FROM names n WHERE n.app = ?1 AND n.kind = CAST(?%d AS BIGINT) AND n.name = ?%d)", first, first+1)
	return aboutLog{strings.ReplaceAll(text, "LOG", fmt.Sprint("?", first)), strings.ReplaceAll(text, "LOG", name)}
}

func (a *aboutLog) of(l logBy) string {
	if len(l) == 1 {
		return a.byNumber
	}
	return a.byName
}

// Conversation names the conversation behind a log.
func (s *Store) Conversation(ctx context.Context, app string, id uint64) (as, conversationID string, err error) {
	err = s.readOne(ctx, func(ctx context.Context, tx *transaction) error {
		var kind wire.ConversationKind
		var key []byte
		// SQL's integers end at 2^63, and so do the numbers of logs.
		ok, err := found(tx.row(ctx, `SELECT kind, name FROM names WHERE app = ? AND log = ?`, app, int64(id&(1<<63-1))), &kind, &key)
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
func findLog(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation) (log, bool, error) {
	return queryLog(ctx, tx, who, c, "")
}

func queryLog(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation, lock string) (l log, ok bool, err error) {
	err = tx.ask(ctx, askLog(who, c, lock, &l, &ok))
	return l, ok, err
}

// askLog asks for what findLog finds, or with forUpdate lockLog.
func askLog(who server.Who, c wire.Conversation, lock string, l *log, ok *bool) question {
	l.app = who.App
	return ifAny(ok, `SELECT `+logColumns+` FROM names n
		JOIN logs l ON l.app = n.app AND l.log = n.log WHERE n.app = ? AND n.kind = CAST(? AS BIGINT) AND n.name = ?`+lock,
		[]any{who.App, c.Kind, nameKey(who.User, c)}, l.fields()...)
}

// getLog reads a log by its number.
func getLog(ctx context.Context, tx *transaction, app string, id uint64) (l log, ok bool, err error) {
	l.app = app
	ok, err = found(tx.row(ctx, `SELECT `+logColumns+` FROM logs l WHERE l.app = ? AND l.log = ?`, app, id), l.fields()...)
	return l, ok, err
}

// makeLog makes an empty log under a random number, so that a message ID built on it tells nothing.
func makeLog(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation, title string) (log, error) {
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
	if err := tx.row(ctx, `INSERT INTO logs (app, log, head, time, title, floor)
		SELECT ?, ?, 0, 0, ?, floor FROM store RETURNING floor`, l.app, l.id, title).Scan(&l.floor); err != nil {
		return log{}, err
	}
	err := tx.exec(ctx, `INSERT INTO names (app, kind, name, log) VALUES (?, ?, ?, ?)`,
		l.app, c.Kind, nameKey(who.User, c), l.id)
	return l, err
}

// openC2C finds the log of a C2C, or makes it with both users' spans.
// It is given what lockLog found, and who is in it.
func openC2C(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation, l log, ok bool, in present) (_ log, err error) {
	if ok {
		return l, returnC2C(ctx, tx, l, who, c, in)
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
func returnC2C(ctx context.Context, tx *transaction, l log, who server.Who, c wire.Conversation, in present) error {
	if !in.self {
		if err := openSpan(ctx, tx, l, who.User, c); err != nil {
			return err
		}
		in.other = in.other || c.Target == who.User
	}
	if in.other {
		return nil
	}
	return wire.Errorf(wire.PermissionDenied, "%q is gone", c.Target)
}

// notFound is the one answer for a conversation that is absent and for one that is not the user's.
func notFound(conversationID string) error {
	return wire.Errorf(wire.ConversationNotFound, "no conversation %q", conversationID)
}
