package sqlstore

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

// olderStores makes databases as a version of the schema left them, with what a chat had written into it, and opens them.
func olderStores(t *testing.T, version int, written []string) map[string]*Store {
	t.Helper()
	ctx := t.Context()
	var statements []string
	for _, step := range steps[:version] {
		require.Nil(t, step.fill)
		statements = append(statements, step.statements...)
	}
	statements = append(statements, written...)

	path := filepath.Join(t.TempDir(), "lethe.db")
	db, err := connect(source(path, "", pragmas))
	require.NoError(t, err)
	for _, statement := range append(statements, fmt.Sprintf(`PRAGMA user_version = %d`, version)) {
		_, err := db.ExecContext(ctx, statement)
		require.NoError(t, err, statement)
	}
	require.NoError(t, db.Close())
	file, err := Open(ctx, path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })

	address := pgtest.Database(t)
	c, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	for _, statement := range append(statements, `CREATE TABLE lethe (version BIGINT NOT NULL)`,
		fmt.Sprintf(`INSERT INTO lethe (version) VALUES (%d)`, version)) {
		_, err := c.Exec(ctx, columns.Replace(statement))
		require.NoError(t, err, statement)
	}
	require.NoError(t, c.Close(ctx))
	shared, err := OpenPostgres(ctx, address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shared.Close()) })
	return map[string]*Store{"SQLite": file, "PostgreSQL": shared}
}

// What version 5 owed by log, now or later, is owed after the step to version 6; messages are counted after the one to 7.
func TestWhatAnOlderStoreOwedIsPurged(t *testing.T) {
	const later = 1_000_000
	written := []string{`INSERT INTO users (app, uid, n) VALUES ('lethe', 'a', 5)`}
	for log, group := range []string{"", "soon", "late"} {
		if log == 0 {
			continue
		}
		written = append(written,
			fmt.Sprintf(`INSERT INTO logs (app, log, head, time, title, oldest) VALUES ('lethe', %d, 600, 900, '', 900)`, log),
			fmt.Sprintf(`INSERT INTO names (app, kind, name, log) SELECT 'lethe', %d, CAST('%s' AS BLOB ), %d`, wire.GroupKind, group, log),
			fmt.Sprintf(`INSERT INTO spans (app, uid, log, joined, gone, conversation, n) VALUES ('lethe', 'a', %d, 1, 0, 'GROUP%s', 1)`, log, group),
		)
		for seq := 1; seq <= 600; seq++ {
			written = append(written, fmt.Sprintf(`INSERT INTO messages (app, log, seq, time, sender, type, send, payload)
				VALUES ('lethe', %d, %d, 900, '%c', 'text', CAST('' AS BLOB ), CAST('x' AS BLOB ))`, log, seq, 'a'+seq%3))
		}
		for _, surface := range []wire.Surface{wire.SurfaceHistory, wire.SurfaceCompensation} {
			written = append(written, fmt.Sprintf(`INSERT INTO ledgers (app, uid, log, surface, through, hidden_at, n)
				VALUES ('lethe', 'a', %d, %d, 2, 0, 2)`, log, surface))
		}
	}
	written = append(written, `INSERT INTO purges (app, log, first, last, due, changes) VALUES ('lethe', 1, 1, 2, 0, 4)`,
		fmt.Sprintf(`INSERT INTO purges (app, log, first, last, due, changes) VALUES ('lethe', 2, 1, 2, %d, 1)`, later))
	for name, s := range olderStores(t, 5, written) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			who := server.Who{App: "lethe", User: "a"}
			for _, at := range []struct {
				now     int64
				stored  []int
				backlog int
			}{{now: 1000, stored: []int{598, 600}, backlog: 1}, {now: later, stored: []int{598, 598}, backlog: 0}} {
				set := server.Lethe
				set.RetentionDays = math.MaxInt32
				more, err := s.Purge(ctx, "lethe", set, at.now)
				require.NoError(t, err)
				require.False(t, more)
				var stored []int
				require.NoError(t, s.read(ctx, func(ctx context.Context, tx *transaction) error {
					return each(ctx, tx, `SELECT count(*) FROM messages GROUP BY log ORDER BY log`, nil, func(scan func(...any) error) error {
						stored = append(stored, 0)
						return scan(&stored[len(stored)-1])
					})
				}))
				require.Equal(t, at.stored, stored)
				backlog, err := s.Backlog(ctx)
				require.NoError(t, err)
				require.Equal(t, at.backlog, backlog)
				for _, group := range []string{"GROUPsoon", "GROUPlate"} {
					heads, err := s.Heads(ctx, who, []wire.Head{{ConversationID: group}}, 1<<20)
					require.NoError(t, err)
					require.Equal(t, uint32(598-200), heads.States[0].Unread, "two of three are from others; the two that are deleted are as well")
				}
			}
		})
	}
}
