package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"modernc.org/sqlite"
)

// connector makes connections to the database that a source names.
func connector(source string) (driver.Connector, error) {
	c, err := sqlite.NewConnector(source)
	if err != nil {
		return nil, err
	}
	begin := "BEGIN"
	if strings.Contains(source, immediate) {
		begin = "BEGIN IMMEDIATE"
	}
	return remembering{c, begin}, nil
}

// remembering opens connections that keep their compiled statements: compiling took half of the time of an operation. All SQL is
// in this package and made of constants, so there are only so many.
type remembering struct {
	driver.Connector
	begin string // how a transaction begins that may write
}

// immediate in a source has transactions take the lock for writing as they begin.
const immediate = "_txlock=immediate"

// Connect implements driver.Connector.
func (r remembering) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{plain: c.(plain), begin: r.begin, statements: map[string]*statement{}}, nil
}

// plain is what the driver's connections can do.
type plain interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type connection struct {
	plain
	begin      string
	statements map[string]*statement
}

// statement is compiled. It is busy while its rows are read; the same SQL is then compiled once more.
type statement struct {
	driver.Stmt
	busy bool
}

// kept tells whether SQL of this kind comes again and again.
func kept(query string) bool {
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK":
		return true
	}
	return false
}

// statement is the statement of that SQL, nil if it is busy or not to be kept.
func (c *connection) statement(ctx context.Context, query string) (*statement, error) {
	s := c.statements[query]
	if s == nil && kept(query) {
		compiled, err := c.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		s = &statement{Stmt: compiled}
		c.statements[query] = s
	}
	if s == nil || s.busy {
		return nil, nil
	}
	return s, nil
}

// ExecContext implements driver.ExecerContext.
func (c *connection) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return c.plain.ExecContext(ctx, query, args)
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *connection) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return c.plain.QueryContext(ctx, query, args)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &reading{rows, s}, nil
}

// reading are a statement's rows.
type reading struct {
	driver.Rows
	statement *statement
}

// Close implements driver.Rows.
func (r *reading) Close() error {
	r.statement.busy = false
	return r.Rows.Close()
}

// BeginTx implements driver.ConnBeginTx, by statements that are kept like others. An end of ctx does not end a begin: it might have
// taken effect. It waits no longer than busyWait.
func (c *connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	begin := c.begin
	if o.ReadOnly {
		begin = "BEGIN"
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := c.ExecContext(context.Background(), begin, nil); err != nil {
		return nil, err
	}
	return ending{c}, nil
}

// ending ends the transaction that a connection is in.
type ending struct{ c *connection }

// Commit implements driver.Tx. What cannot be committed is rolled back.
func (e ending) Commit() error {
	_, err := e.c.ExecContext(context.Background(), "COMMIT", nil)
	if err != nil {
		_ = e.Rollback() // as a rule SQLite has done so itself, and then there is nothing to roll back
	}
	return err
}

// Rollback implements driver.Tx.
func (e ending) Rollback() error {
	_, err := e.c.ExecContext(context.Background(), "ROLLBACK", nil)
	return err
}

// Close implements driver.Conn.
func (c *connection) Close() (err error) {
	for _, s := range c.statements {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, c.plain.Close())
}
