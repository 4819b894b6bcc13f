// Package sqlstep runs something around every step that a database/sql driver takes: tests have steps fail, the failpoints build
// dies there. It works with any driver whose connections take a context.
package sqlstep

import (
	"context"
	"database/sql/driver"
	"errors"
)

// Kind is what a step does.
type Kind string

// The steps. A rollback is none: whoever rolls back has failed already, and a database whose connection is lost rolls back too.
const (
	Connect Kind = "connect"
	Begin   Kind = "begin"
	Exec    Kind = "exec"
	Query   Kind = "query"
	Row     Kind = "row" // what follows the first row of a query; what follows that is none
	Commit  Kind = "commit"
)

// Around runs one step by calling do, or does not. What it returns is what the step returns; a step that has taken effect and
// returns an error nevertheless is undone only as far as a rollback undoes it.
type Around func(kind Kind, do func() error) error

// Wrap has around run every step of the connector's connections.
func Wrap(c driver.Connector, around Around) driver.Connector { return &connector{c, around} }

type connector struct {
	driver.Connector
	around Around
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	var inner driver.Conn
	err := c.around(Connect, func() (err error) {
		inner, err = c.Connector.Connect(ctx)
		return err
	})
	if err != nil {
		if inner != nil {
			_ = inner.Close() // the step's error is the one that counts
		}
		return nil, err
	}
	return &conn{inner, c.around}, nil
}

// conn passes everything on. Where the driver lacks what is asked for, database/sql is told to do without.
type conn struct {
	driver.Conn
	around Around
}

func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	var inner driver.Tx
	err := c.around(Begin, func() (err error) {
		inner, err = c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
		return err
	})
	if err != nil {
		if inner != nil {
			_ = inner.Rollback() // nobody else could
		}
		return nil, err
	}
	return &tx{inner, c.around}, nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	inner, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	if err := c.around(Exec, func() error {
		result, err = inner.ExecContext(ctx, query, args)
		return err
	}); err != nil {
		return nil, err
	}
	return result, nil
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	inner, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	return queried(c.around, func() (driver.Rows, error) { return inner.QueryContext(ctx, query, args) })
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{inner, c.around}, nil
}

func (c *conn) Ping(ctx context.Context) error {
	if inner, ok := c.Conn.(driver.Pinger); ok {
		return inner.Ping(ctx)
	}
	return nil
}

func (c *conn) ResetSession(ctx context.Context) error {
	if inner, ok := c.Conn.(driver.SessionResetter); ok {
		return inner.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	inner, ok := c.Conn.(driver.Validator)
	return !ok || inner.IsValid()
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if inner, ok := c.Conn.(driver.NamedValueChecker); ok {
		return inner.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type tx struct {
	driver.Tx
	around Around
}

// Commit rolls back where around does not let it happen, as databases do when a commit fails.
func (t *tx) Commit() error {
	ran := false
	err := t.around(Commit, func() error {
		ran = true
		return t.Tx.Commit()
	})
	if err != nil && !ran {
		err = errors.Join(err, t.Tx.Rollback())
	}
	return err
}

type stmt struct {
	driver.Stmt
	around Around
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	if err := s.around(Exec, func() error {
		result, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	}); err != nil {
		return nil, err
	}
	return result, nil
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return queried(s.around, func() (driver.Rows, error) { return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) })
}

// queried runs a query as a step.
func queried(around Around, query func() (driver.Rows, error)) (driver.Rows, error) {
	var inner driver.Rows
	err := around(Query, func() (err error) {
		inner, err = query()
		return err
	})
	if err != nil {
		if inner != nil {
			_ = inner.Close() // the step's error is the one that counts
		}
		return nil, err
	}
	return &rows{Rows: inner, around: around}, nil
}

type rows struct {
	driver.Rows
	around Around
	asked  int
}

func (r *rows) Next(into []driver.Value) error {
	if r.asked++; r.asked != 2 {
		return r.Rows.Next(into)
	}
	return r.around(Row, func() error { return r.Rows.Next(into) })
}
