package sqlstore

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lethe-im/lethe/wire"
)

// dialect is where the SQL of the two databases differs.
type dialect struct {
	// rows are locked one by one: true where other transactions write at the same time (see lock.go). forUpdate ends a
	// query that locks the rows of a table l, skipLocked one that passes what others have locked.
	locking               bool
	forUpdate, skipLocked string
	greatest, least       string // of two values
	blob                  string // the type that SQLite calls BLOB
	lateral               bool   // a subquery may name what stands before it
	translation           *translation
}

var sqliteDialect = dialect{greatest: "max", least: "min", blob: "BLOB"}

var postgresDialect = dialect{
	locking: true, forUpdate: " FOR UPDATE OF l", skipLocked: " FOR UPDATE OF l SKIP LOCKED",
	greatest: "greatest", least: "least", blob: "BYTEA", lateral: true,
	translation: &translation{},
}

// translate gives a statement the placeholders that the database has, and refuses text that it cannot hold.
// Errors: ParameterInvalid.
func (d dialect) translate(query string, args []any) (string, error) {
	if d.translation == nil {
		return query, nil
	}
	for _, arg := range args {
		if text, ok := arg.(string); ok && (strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)) {
			return "", wire.Errorf(wire.ParameterInvalid, "text must be UTF-8 without NUL")
		}
	}
	return d.translation.of(query), nil
}

// translation keeps every statement once it is translated: there are about two hundred.
type translation struct{ known sync.Map }

func (t *translation) of(query string) string {
	if known, ok := t.known.Load(query); ok {
		return known.(string)
	}
	translated := numbered(query)
	t.known.Store(query, translated)
	return translated
}

// numbered writes $1, $2 … for ? and ?1, ?2 …. None of our statements has a question mark that is anything else.
func numbered(query string) string {
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, ok := strings.Cut(query, "?")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteByte('$')
		if after == "" || after[0] < '1' || after[0] > '9' {
			b.WriteString(strconv.Itoa(n))
		}
		query = after
	}
}

// columns writes the types of a statement that changes the schema as PostgreSQL has them. Texts are ordered by their bytes, as
// everywhere in Lethe, whatever the database's locale and its next version's.
var columns = strings.NewReplacer(
	" INTEGER ", " BIGINT ",
	" BLOB ", " BYTEA ",
	" TEXT ", ` TEXT COLLATE "C" `,
	" WITHOUT ROWID", "",
)
