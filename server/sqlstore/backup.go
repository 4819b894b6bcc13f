package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Backup writes the SQLite store in the file at path into a new file at to, as it stood at one moment, while servers go on
// writing. What was purged is not in it, free space neither. Errors: fs.ErrExist; ErrNewer; no store.
func Backup(ctx context.Context, path, to string) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err == nil {
		err = checkFile(ctx, path, connect)
	}
	if err != nil {
		return err
	}
	// SQLite would make it readable for others.
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(to))
		}
	}()
	db, err := sql.Open("sqlite", source(path, "", append([]string{"query_only(OFF)"}, pragmas...)))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := checkIntegrity(ctx, to); err != nil {
		return err
	}
	return errors.Join(f.Sync(), syncFolder(filepath.Dir(to)))
}

// Restoring says how Restore goes about it.
type Restoring struct {
	Now time.Time
	// Gap is how many messages of one log may have been lost; 0 = RestoreGap.
	Gap uint64
	// Replace lets it take the place of a store that is there, whose seqs it goes on above. That one is kept beside it.
	Replace bool
}

// Restored says what Restore has made.
type Restored struct {
	Epoch uint32
	Kept  string // where the replaced store is now, if there was one
}

// Restore makes the store at path from a backup: a new epoch, so that devices say what they know to be deleted, and each log
// goes on above what the lost store may have given out. No server may run on it. Errors: fs.ErrExist without Replace; a backup
// that is none or is damaged.
func Restore(ctx context.Context, from, path string, o Restoring) (r Restored, err error) {
	if o.Gap == 0 {
		o.Gap = RestoreGap
	}
	if err := checkIntegrity(ctx, from); err != nil {
		return r, err
	}
	_, err = os.Stat(path)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	if there && !o.Replace {
		return r, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if there {
		if err := unused(ctx, path); err != nil {
			return r, err
		}
	}
	fresh := path + ".restoring"
	if err := copyFile(from, fresh); err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, Remove(fresh))
		}
	}()
	s, err := Open(ctx, fresh)
	if err != nil {
		return r, err
	}
	var lost *Store
	if there {
		if lost, err = Open(ctx, path); err != nil {
			return r, errors.Join(fmt.Errorf("the store that is replaced cannot be read: %w", err), s.Close())
		}
	}
	r.Epoch, err = s.BeginEpoch(ctx, o.Now, o.Gap, lost)
	if lost != nil {
		err = errors.Join(err, lost.Close())
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return r, err
	}
	if there {
		r.Kept = fmt.Sprintf("%s.replaced-%s", path, o.Now.UTC().Format("20060102T150405Z"))
		if err := os.Rename(path, r.Kept); err != nil {
			return r, err
		}
	}
	return r, errors.Join(os.Rename(fresh, path), syncFolder(filepath.Dir(path)))
}

// checkIntegrity refuses a file that is no whole store of Lethe.
func checkIntegrity(ctx context.Context, path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return errors.Join(err, fmt.Errorf("%s is no backup", path))
	}
	x, err := Examine(ctx, path)
	if err == nil && len(x.Problems) > 0 {
		err = fmt.Errorf("%s is damaged: %s", path, x.Problems[0])
	}
	return err
}

// Examination is what Examine finds in the file of a SQLite store.
type Examination struct {
	Version  int // of its schema
	Schema   int // that this program writes
	Epoch    uint32
	Newest   int64    // the sentTime of the newest message, ms; 0 without one
	Problems []string // damage, nothing in a sound one
}

// Examine looks at the file of a SQLite store without changing it. A server may run on it meanwhile.
// Errors: ErrNewer; a file that is no database, or another program's.
func Examine(ctx context.Context, path string) (x Examination, err error) {
	if path, err = filepath.Abs(path); err == nil {
		err = checkFile(ctx, path, connect)
	}
	if err != nil {
		return x, err
	}
	db, err := sql.Open("sqlite", source(path, "ro", pragmas[:1]))
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	x.Schema = schemaVersion
	err = db.QueryRowContext(ctx, `SELECT user_version, (SELECT epoch FROM store), (SELECT coalesce(max(time), 0) FROM logs)
		FROM pragma_user_version`).Scan(&x.Version, &x.Epoch, &x.Newest)
	if err != nil {
		return x, err
	}
	rows, err := db.QueryContext(ctx, `SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'
		UNION ALL SELECT 'a row of ' || "table" || ' refers to nothing' FROM pragma_foreign_key_check`)
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return x, err
		}
		x.Problems = append(x.Problems, text)
	}
	return x, rows.Err()
}

// ErrInUse is returned by Restore for a store on which a server runs.
var ErrInUse = errors.New("a program has the store open: stop it first")

// unused tells whether nobody else has the store open. Errors: ErrInUse.
func unused(ctx context.Context, path string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", source(path, "rw", []string{"busy_timeout(100)", "locking_mode(EXCLUSIVE)"})+"&_txlock=immediate")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	var busy *sqlite.Error
	if errors.As(err, &busy) && busy.Code()&0xff == sqlite3.SQLITE_BUSY {
		return ErrInUse
	}
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// copyFile makes a new file, for its owner only, synced.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// Remove removes the files of a SQLite store.
func Remove(path string) (err error) {
	for _, end := range []string{"", "-wal", "-shm"} {
		if e := os.Remove(path + end); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// syncFolder makes a file's new name last.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
