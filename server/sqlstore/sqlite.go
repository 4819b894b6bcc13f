package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
)

// sqliteFile is the store in one file.
type sqliteFile struct {
	writer *sql.DB // one connection, transactions begin IMMEDIATE
	group  group   // of writes, on writer
	reader *sql.DB
	aside  *aside // where reader is read from
	closed sync.Once
}

func (s *sqliteFile) write(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.group.write(ctx, fn)
}

func (s *sqliteFile) read(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.aside.run(ctx, func() error { return transact(ctx, s.reader, driver.TxOptions{ReadOnly: true}, fn) })
}

func (s *sqliteFile) readOne(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.read(ctx, fn)
}

// transact runs fn in a transaction on one of the pool's connections. It speaks to the driver itself: database/sql would start a
// goroutine for each statement, to end it with its context. Whoever waits for a connection or for the begin stops waiting with ctx;
// after that nothing does.
func transact(ctx context.Context, db *sql.DB, o driver.TxOptions, fn func(context.Context, *transaction) error) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	err = c.Raw(func(inner any) (err error) {
		s := sqliteStatements{inner.(direct)}
		tx, err := s.c.BeginTx(ctx, o)
		if err != nil {
			return err
		}
		committing := false
		defer func() { // also when fn panics
			if !committing {
				err = errors.Join(err, tx.Rollback())
			}
		}()
		if err := fn(ctx, &transaction{s, sqliteDialect}); err != nil {
			return err
		}
		committing = true
		return tx.Commit()
	})
	return errors.Join(err, c.Close())
}

// alone runs fn: nobody else opens the file.
func (s *sqliteFile) alone(_ context.Context, fn func() error) (bool, error) { return true, fn() }

func (s *sqliteFile) close() error {
	s.closed.Do(s.aside.close)
	return errors.Join(s.reader.Close(), s.writer.Close())
}
