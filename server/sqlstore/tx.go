package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lethe-im/lethe/wire"
)

// write runs fn in the one writing transaction and commits. What fn returned is rolled back if it failed.
func (s *Store) write(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return transact(ctx, s.writer, nil, fn)
}

// writeRemoving is write for what removes something: Erase has to follow. The note is made when it is committed, so that no
// round of Erase that ends before counts for it; also when nobody knows whether it was.
func (s *Store) writeRemoving(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	err := s.write(ctx, fn)
	var refusal *wire.Error
	if !errors.As(err, &refusal) {
		s.removed.Store(true)
	}
	return err
}

// read runs fn on one snapshot of the store.
func (s *Store) read(ctx context.Context, fn func(context.Context, *sql.Tx) error) error {
	return transact(ctx, s.reader, &sql.TxOptions{ReadOnly: true}, fn)
}

func transact(ctx context.Context, db *sql.DB, o *sql.TxOptions, fn func(context.Context, *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	// After a commit it does nothing; it ends the transaction also when fn panics.
	defer func() { _ = tx.Rollback() }()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// found runs a query for one row. No row is no error.
func found(row *sql.Row, dest ...any) (bool, error) {
	switch err := row.Scan(dest...); {
	case err == nil:
		return true, nil
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	default:
		return false, err
	}
}

// each scans every row of a query by fn.
func each(ctx context.Context, tx *sql.Tx, query string, args []any, fn func(scan func(...any) error) error) (err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
