package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lethe-im/lethe/wire"
)

// database is SQLite or PostgreSQL: what differs between them beyond the dialect of their SQL.
type database interface {
	// write runs fn in a writing transaction and commits. What fn did is rolled back if it failed. fn may be run again from
	// the start, after a rollback: it keeps nothing of the time before.
	write(ctx context.Context, fn func(context.Context, *transaction) error) error
	// read runs fn on one snapshot of the store.
	read(ctx context.Context, fn func(context.Context, *transaction) error) error
	// readOne is read for what runs one statement, which is a snapshot by itself.
	readOne(ctx context.Context, fn func(context.Context, *transaction) error) error
	// alone runs fn unless another server of the same store runs one just now, and tells whether it did.
	alone(ctx context.Context, fn func() error) (ran bool, err error)
	// forgetting begins a round of Erase.
	forgetting() round
	close() error
}

// transaction is one on either database. Its SQL is written with SQLite's placeholders; where the databases differ, the
// dialect has the words.
type transaction struct {
	statements
	dialect
}

// statements are what the two drivers do with SQL of their own.
type statements interface {
	execute(ctx context.Context, query string, args []any) error
	query(ctx context.Context, query string, args []any) (rows, error)
	// answer is ask, of translated queries.
	answer(ctx context.Context, questions []question) error
}

// rows are a query's, to be closed.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// flag is a column that is 0 or 1: a bool, to be scanned.
type flag bool

// Scan implements sql.Scanner.
func (f *flag) Scan(value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a flag is %T", value)
	}
	*f = n != 0
	return nil
}

// Value implements driver.Valuer.
func (f flag) Value() (driver.Value, error) {
	if f {
		return int64(1), nil
	}
	return int64(0), nil
}

// exec runs a statement whose answer nobody looks at. Its failure may be told by a later statement, or by the commit.
func (tx *transaction) exec(ctx context.Context, query string, args ...any) error {
	query, err := tx.translate(query, args)
	if err != nil {
		return err
	}
	done := statementBegun(ctx, query)
	err = tx.execute(ctx, query, args)
	done(err)
	return err
}

// row runs a query for one row.
func (tx *transaction) row(ctx context.Context, query string, args ...any) row {
	query, err := tx.translate(query, args)
	if err != nil {
		return row{err: err}
	}
	done := statementBegun(ctx, query)
	r, err := tx.query(ctx, query, args)
	done(err)
	return row{rows: r, err: err}
}

// row is what a query for one row has found.
type row struct {
	rows rows
	err  error
}

// Scan is sql.Row's.
func (r row) Scan(dest ...any) (err error) {
	if r.err != nil {
		return r.err
	}
	defer func() { err = errors.Join(err, r.rows.Close()) }()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	return r.rows.Scan(dest...)
}

// found runs a query for one row. No row is no error.
func found(r row, dest ...any) (bool, error) {
	switch err := r.Scan(dest...); {
	case err == nil:
		return true, nil
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	default:
		return false, err
	}
}

// write runs fn in a writing transaction and commits.
func (s *Store) write(ctx context.Context, fn func(context.Context, *transaction) error) error {
	ctx, done := s.begun(ctx, "write")
	err := s.database.write(ctx, fn)
	done(err)
	return err
}

// read runs fn on one snapshot of the store.
func (s *Store) read(ctx context.Context, fn func(context.Context, *transaction) error) error {
	ctx, done := s.begun(ctx, "read")
	err := s.database.read(ctx, fn)
	done(err)
	return err
}

// readOne runs fn, which runs one statement.
func (s *Store) readOne(ctx context.Context, fn func(context.Context, *transaction) error) error {
	ctx, done := s.begun(ctx, "read")
	err := s.database.readOne(ctx, fn)
	done(err)
	return err
}

// writeRemoving is write for what removes something: Erase has to follow. The note is made when it is committed, so that no
// round of Erase that ends before counts for it; also when nobody knows whether it was.
func (s *Store) writeRemoving(ctx context.Context, fn func(context.Context, *transaction) error) error {
	err := s.write(ctx, fn)
	var refusal *wire.Error
	if !errors.As(err, &refusal) {
		s.removed.Store(true)
	}
	return err
}
