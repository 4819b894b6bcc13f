package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresConnections is how many connections a server opens to PostgreSQL at most, unless the address says pool_max_conns.
const postgresConnections = 16

// What is tried again inside the store: how often, and how long it rests before (at most, at random, and longer each time).
const (
	tries     = 8
	tryFactor = 5 * time.Millisecond
)

// postgres is the store in a PostgreSQL database.
type postgres struct{ pool *pgxpool.Pool }

// OpenPostgres opens the store in a PostgreSQL database (14 or newer) and makes its tables if they are missing. address is
// postgres://user:password@host/database or what else libpq takes; search_path chooses a schema in it. What the address leaves
// out comes from PGHOST, PGPASSWORD, ~/.pgpass and so on. Several servers may open the same one.
// Errors: ErrNewer; an address that cannot be read, a server that does not answer (neither tells the password); a database
// that is not in UTF-8, or has another program's tables.
func OpenPostgres(ctx context.Context, address string) (*Store, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	return openPostgres(ctx, config)
}

func postgresConfig(address string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(address, "pool_max_conns") {
		config.MaxConns = postgresConnections
	}
	config.MaxConns = max(config.MaxConns, 2) // see alone
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "lethe"
	}
	return config, nil
}

func openPostgres(ctx context.Context, config *pgxpool.Config) (*Store, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p := &postgres{pool}
	if err := p.migrate(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the PostgreSQL database %s: %w", config.ConnConfig.Database, err)
	}
	s := &Store{database: p}
	s.removed.Store(true) // who knows what the last run removed
	return s, nil
}

func (p *postgres) close() error {
	p.pool.Close()
	return nil
}

// write runs at READ COMMITTED: what a transaction decides by it has locked before it reads (lock.go), and a lock that was
// waited for shows what the one before has written.
func (p *postgres) write(ctx context.Context, fn func(context.Context, *transaction) error) error {
	for try := 1; ; try++ {
		err := p.transact(ctx, `BEGIN`, fn)
		if !again(err) || try == tries {
			return err
		}
		select {
		case <-time.After(rand.N(time.Duration(try) * tryFactor)):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// errOvertaken lets a transaction be run again that has read what was changed before it could lock it.
var errOvertaken = errors.New("overtaken by another transaction")

// again tells whether a transaction that failed is likely to succeed when it is run once more: another was in its way and
// it was rolled back whole. A key that is there already is the mark of two who made the same thing at the same time; the
// second try finds it.
func again(err error) bool {
	if errors.Is(err, errOvertaken) {
		return true
	}
	var told *pgconn.PgError
	if !errors.As(err, &told) {
		return false
	}
	switch told.Code {
	case "40001", // serialization_failure
		"40P01", // deadlock_detected
		"23505": // unique_violation
		return true
	}
	return false
}

// sweeping is the number of the lock under which one server at a time works on what is no user's operation: "sweep" in ASCII.
const sweeping = 0x7377656570

// alone holds the lock on a connection of its own: it ends with the server, however that ends.
func (p *postgres) alone(ctx context.Context, fn func() error) (ran bool, err error) {
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		// By the simple protocol: the other one leaves a portal with a snapshot open, and VACUUM would wait for it.
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, pgx.QueryExecModeSimpleProtocol, sweeping).Scan(&ran); err != nil || !ran {
			return err
		}
		return fn()
	})
	return ran, err
}

func (p *postgres) read(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return p.transact(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`, fn)
}

// readOne begins no transaction: to begin and to commit one costs more than most statements.
func (p *postgres) readOne(ctx context.Context, fn func(context.Context, *transaction) error) error {
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return fn(ctx, &transaction{&pipeline{c: c.Conn()}, postgresDialect})
}

func (p *postgres) transact(ctx context.Context, begin string, fn func(context.Context, *transaction) error) (err error) {
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	// A connection that is still in a transaction is not used again: giving it back ends it, also when fn panics.
	defer c.Release()
	s := &pipeline{c: c.Conn()}
	s.queue(begin, nil)
	if err := fn(ctx, &transaction{s, postgresDialect}); err != nil {
		return errors.Join(err, s.rollback(ctx))
	}
	if err := s.commit(ctx); err != nil {
		return errors.Join(err, s.rollback(ctx))
	}
	return nil
}

// pipeline is the statements of one transaction on their way to PostgreSQL. Those whose answer nobody looks at wait and
// travel with the next that has one, or with the commit: a round trip costs more than most of them.
type pipeline struct {
	c       *pgx.Conn
	waiting pgx.Batch
}

// mostWaiting bounds what a long import holds back.
const mostWaiting = 256

func (s *pipeline) queue(query string, args []any) { s.waiting.Queue(query, args...) }

func (s *pipeline) execute(ctx context.Context, query string, args []any) error {
	if s.queue(query, args); s.waiting.Len() < mostWaiting {
		return nil
	}
	return s.flush(ctx)
}

// flush sends what waits and reads the answers.
func (s *pipeline) flush(ctx context.Context) error {
	results, err := s.send(ctx, s.waiting.Len())
	if err != nil {
		return err
	}
	return results.Close()
}

// send sends what waits and reads the answers of the first n.
func (s *pipeline) send(ctx context.Context, n int) (pgx.BatchResults, error) {
	batch := s.waiting
	s.waiting = pgx.Batch{}
	results := s.c.SendBatch(ctx, &batch)
	for range n {
		if _, err := results.Exec(); err != nil {
			return nil, errors.Join(err, results.Close())
		}
	}
	return results, nil
}

func (s *pipeline) query(ctx context.Context, query string, args []any) (rows, error) {
	before := s.waiting.Len()
	s.queue(query, args)
	results, err := s.send(ctx, before)
	if err != nil {
		return nil, err
	}
	found, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return answer{found, results}, nil
}

// answer sends the questions with what waits, and reads the answers in their order. One that fails fails those after it.
func (s *pipeline) answer(ctx context.Context, questions []question) error {
	before := s.waiting.Len()
	done := make([]func(error), len(questions))
	for i := range questions {
		q := &questions[i]
		done[i] = statementBegun(ctx, q.query)
		s.queue(q.query, q.args)
	}
	results, err := s.send(ctx, before)
	sent := err == nil
	for i := range questions {
		if err == nil {
			var found pgx.Rows
			if found, err = results.Query(); err == nil {
				err = questions[i].give(partial{found})
			}
		}
		done[i](err)
	}
	if sent {
		err = errors.Join(err, results.Close())
	}
	return err
}

// partial is one answer of several. Its failure is told by Err.
type partial struct{ pgx.Rows }

func (p partial) Close() error {
	p.Rows.Close()
	return nil
}

// answer is a query's, the last of what was sent with it.
type answer struct {
	pgx.Rows
	results pgx.BatchResults
}

// Close tells no failure that Err tells.
func (a answer) Close() error {
	a.Rows.Close()
	if err := a.results.Close(); a.Err() == nil {
		return err
	}
	return nil
}

// errRolledBack is PostgreSQL's answer to a commit of what had failed before.
var errRolledBack = errors.New("the transaction was rolled back")

func (s *pipeline) commit(ctx context.Context) error {
	before := s.waiting.Len()
	s.queue(`COMMIT`, nil)
	results, err := s.send(ctx, before)
	if err != nil {
		return err
	}
	tag, err := results.Exec()
	if err == nil && tag.String() != "COMMIT" {
		err = errRolledBack
	}
	return errors.Join(err, results.Close())
}

// rollback ends the transaction if it was begun. The error that led here is told already, so a dead connection is none.
func (s *pipeline) rollback(ctx context.Context) error {
	if s.c.IsClosed() || s.c.PgConn().TxStatus() == 'I' {
		return nil
	}
	if _, err := s.c.Exec(context.WithoutCancel(ctx), `ROLLBACK`); err != nil && !s.c.IsClosed() {
		return err
	}
	return nil
}
