// Package sqlstore is the server's Store in SQL: on SQLite (modernc.org/sqlite), one file, or on PostgreSQL (pgx).
//
// Every exported method opens one transaction, calls unexported helpers that take it, and commits. Helpers never begin
// a transaction. A commit returns when it is on the disk (WAL, synchronous=FULL).
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/lethe-im/lethe/server"
)

// readers is how many connections answer reads at once; they never wait for the writer.
const readers = 4

// busyWait is how long a connection waits for a lock, in ms.
const busyWait = 5000

// pragmas hold on every connection. secure_delete overwrites with zeros what is removed, and what SQLite would put into files
// of its own for a moment (temp_store) stays in memory: nobody would overwrite those.
var pragmas = []string{
	fmt.Sprintf("busy_timeout(%d)", busyWait), "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "temp_store(MEMORY)",
}

// Store is a server.Store on one of the two databases.
type Store struct {
	database
	watch Watch // nil: nobody does
	// removed: something was removed since Erase began its round.
	removed atomic.Bool

	erasing sync.Mutex
	round   round // that Erase is in, nil between two
}

var _ server.Store = (*Store)(nil)

// ErrNewer is returned by Open for a file that a newer Lethe has written. The file is left as it is.
var ErrNewer = errors.New("the database was written by a newer Lethe")

// Open opens the store in the file at path and makes it if it is missing. Its folder must exist.
// Errors: ErrNewer; a file that is no database, or another program's.
func Open(ctx context.Context, path string) (*Store, error) { return open(ctx, path, connect) }

// open is Open with another way to connect to a source.
func open(ctx context.Context, path string, connect func(source string) (*sql.DB, error)) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkFile(ctx, path, connect); err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	db := &sqliteFile{}
	if db.writer, err = connect(source(path, "", pragmas) + "&" + immediate); err != nil {
		return nil, err
	}
	db.writer.SetMaxOpenConns(1)
	db.group.db = db.writer
	if db.reader, err = connect(source(path, "", append([]string{"query_only(ON)"}, pragmas...))); err != nil {
		return nil, errors.Join(err, db.writer.Close())
	}
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetMaxIdleConns(readers)
	db.aside = newAside(readers)
	s := &Store{database: db}
	s.removed.Store(true) // who knows what the last run removed
	if err := s.write(ctx, migrate); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", filepath.Base(path), err), s.Close())
	}
	return s, nil
}

// source is the driver's name for a file. mode is SQLite's, empty for read and write.
func source(path, mode string, pragmas []string) string {
	q := url.Values{"_pragma": pragmas}
	if mode != "" {
		q.Set("mode", mode)
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// checkFile looks at an existing file through a read-only connection, since even choosing the journal mode would write
// to a file that is not ours to touch.
func checkFile(ctx context.Context, path string, connect func(source string) (*sql.DB, error)) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if standing := standingVersion(path); standing != 0 && standing <= schemaVersion {
		return nil
	}
	name := source(path, "ro", pragmas[:1])
	version, tables, err := glance(ctx, name, connect)
	var coded interface{ Code() int }
	if errors.As(err, &coded) && coded.Code() == unfinished {
		// Only a writer takes it back. What stands in the file meanwhile tells enough: we have such changes of the first page
		// only, where the journal mode stands.
		version, tables, err = glance(ctx, name+"&immutable=1", connect)
	}
	switch {
	case err != nil:
		return err
	case version > schemaVersion:
		return fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewer, version, schemaVersion)
	case version == 0 && tables > 0:
		return errors.New("not a Lethe database")
	}
	return nil
}

// standingVersion is the user_version in a file's header (the SQLite file format, 1.3), which is there without another connection
// that has to learn the schema. It is 0 where SQLite is to be asked: something beside the file may hold a newer header, or it is none
// of SQLite's.
func standingVersion(path string) int {
	for _, beside := range []string{"-wal", "-journal"} {
		if _, err := os.Stat(path + beside); !errors.Is(err, os.ErrNotExist) {
			return 0
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	var header [64]byte
	if _, err := io.ReadFull(file, header[:]); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return 0
	}
	return int(binary.BigEndian.Uint32(header[60:]))
}

// unfinished is SQLITE_READONLY_ROLLBACK: the power failed while the file was changed without a write-ahead log, as when it is
// made, and the change is still to be taken back.
const unfinished = 776

// glance reads what tells whose file it is.
func glance(ctx context.Context, name string, connect func(source string) (*sql.DB, error)) (version, tables int, err error) {
	db, err := connect(name)
	if err != nil {
		return 0, 0, err
	}
	err = db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version)
	if err == nil {
		err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables)
	}
	return version, tables, errors.Join(err, db.Close())
}

// Close closes the store. Its methods fail afterwards.
func (s *Store) Close() error { return s.close() }

// Check tells whether the store can write: it commits a row, and so waits for the disk.
func (s *Store) Check(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, tx *transaction) error {
		err := tx.exec(ctx, `UPDATE store SET checked = checked + 1`)
		return err
	})
}
