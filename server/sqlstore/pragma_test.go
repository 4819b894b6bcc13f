package sqlstore

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// An acknowledged deletion must survive a power cut, and what was removed must not stay in the file: both hang on
// settings of each single connection, so they are read from the live ones.
func TestEveryConnectionIsDurableAndErases(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, filepath.Join(t.TempDir(), "lethe.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()

	check := func(db *sql.DB, connections, queryOnly int) {
		var held []*sql.Conn
		for range connections {
			c, err := db.Conn(ctx)
			require.NoError(t, err)
			held = append(held, c)
			for pragma, want := range map[string]any{
				"journal_mode": "wal", "synchronous": int64(2), "secure_delete": int64(1), "busy_timeout": int64(5000),
				"query_only": int64(queryOnly), "temp_store": int64(2),
			} {
				var got any
				require.NoError(t, c.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got))
				require.Equal(t, want, got, pragma)
			}
		}
		wait, cancel := context.WithCancel(ctx)
		cancel()
		_, err := db.Conn(wait)
		require.Error(t, err, "there are no more connections than these")
		for _, c := range held {
			require.NoError(t, c.Close())
		}
	}
	check(s.database.(*sqliteFile).writer, 1, 0)
	check(s.database.(*sqliteFile).reader, readers, 1)
}
