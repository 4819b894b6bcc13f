package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/ramdisk"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/server/sqlstore/sqlstep"
	"github.com/lethe-im/lethe/server/storetest"
)

// file is a disk with a store in one SQLite file. Its steps are statements.
type file struct{ path string }

func newFile(t *testing.T) *file { return &file{filepath.Join(ramdisk.Folder(t), "lethe.db")} }

// striking connects so that steps are counted and fail. Nothing here waits for the disk: what a lost sync does is the power
// cut's part.
func striking(c *fault.Counter) func(string) (*sql.DB, error) {
	return func(source string) (*sql.DB, error) {
		inner, err := sqlstore.Connector(strings.Replace(source, url.QueryEscape("synchronous(FULL)"), url.QueryEscape("synchronous(OFF)"), 1))
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(sqlstep.Wrap(inner, func(_ sqlstep.Kind, do func() error) error { return c.Around(do) })), nil
	}
}

func (f *file) Open(ctx context.Context, c *fault.Counter) (server.Store, error) {
	return sqlstore.OpenBy(ctx, f.path, striking(c))
}

func (f *file) Copy(t *testing.T) storetest.Disk {
	other := newFile(t)
	copyFile(t, f.path, other.path)
	return other
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.Create(to)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

// examine opens a file that nobody writes to. Where no log is left to be taken into it, SQLite need not make one, nor its locks:
// an eighth less of the time of all these tests.
func (f *file) examine(t *testing.T) *sql.DB {
	t.Helper()
	source := "file:" + f.path
	left, err := filepath.Glob(f.path + "-*")
	require.NoError(t, err)
	if len(left) == 0 {
		source += "?immutable=1"
	}
	db, err := sql.Open("sqlite", source)
	require.NoError(t, err)
	return db
}

func (f *file) Tables(t *testing.T) map[string][]storetest.Row {
	db := f.examine(t)
	defer db.Close()
	tables := map[string][]storetest.Row{}
	for _, row := range rowsOf(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		name := fmt.Sprint(row["name"])
		tables[name] = rowsOf(t, db, `SELECT * FROM `+name)
	}
	return tables
}

func rowsOf(t *testing.T, db *sql.DB, query string) (all []storetest.Row) {
	t.Helper()
	rows, err := db.Query(query)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		row := storetest.Row{}
		for i, column := range columns {
			row[column] = values[i]
		}
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
}

func (f *file) Sound(t *testing.T) {
	t.Helper()
	db := f.examine(t)
	defer db.Close()
	require.Equal(t, []storetest.Row{{"integrity_check": "ok"}}, rowsOf(t, db, `PRAGMA integrity_check`))
}

// coded is an error as SQLite's, and its driver's.
type coded struct {
	code int
	text string
}

func (c coded) Error() string { return c.text }
func (c coded) Code() int     { return c.code }

// broken are what a statement may fail with.
var broken = []error{
	coded{13, "database or disk is full (13)"}, coded{10, "disk I/O error (10)"}, coded{11, "database disk image is malformed (11)"}, driver.ErrBadConn,
}

// stride is from one step that fails to the next: all of them, but for some where the race detector makes everything slow.
func stride() int {
	if testing.Short() {
		return 31
	}
	return 1
}

func TestFaultsAtEveryStatement(t *testing.T) {
	t.Parallel()
	storetest.Faults(t, newFile(t), storetest.Strikes{Errors: broken, Stride: stride(), Every: *every, Least: 2000 / stride()})
}
