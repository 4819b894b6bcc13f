package sqlstore

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/wire"
)

// Watch is told of the store's transactions as they begin: kind is "read" or "write". What runs inside gets the context
// returned; done is called when it has ended. It is called on the way of every transaction.
type Watch func(ctx context.Context, kind string) (_ context.Context, done func(error))

type statementsKey struct{}

// WatchStatements lets fn be told of each SQL statement that runs inside a transaction with that context; what it returns is
// called when the statement has ended: of those that travel to PostgreSQL together, when its own answer is read. Statements have
// no values in them. A Watch asks for it, where somebody wants to know.
func WatchStatements(ctx context.Context, fn func(statement string) (done func(error))) context.Context {
	return context.WithValue(ctx, statementsKey{}, fn)
}

// statementBegun tells of a statement who wants to know.
func statementBegun(ctx context.Context, statement string) (done func(error)) {
	if fn, ok := ctx.Value(statementsKey{}).(func(string) func(error)); ok {
		return fn(statement)
	}
	return func(error) {}
}

// Watched lets w watch the store. It is called before the store is used.
func (s *Store) Watched(w Watch) { s.watch = w }

func (s *Store) begun(ctx context.Context, kind string) (context.Context, func(error)) {
	if s.watch == nil {
		return ctx, func(error) {}
	}
	return s.watch(ctx, kind)
}

// IsFailure tells whether an error of a store's method is the store's own: neither a refusal, nor that nobody waits any more.
func IsFailure(err error) bool {
	var refusal *wire.Error
	return err != nil && !errors.As(err, &refusal) && !errors.Is(err, context.Canceled)
}

// Backlog is how many logs may have messages that no view holds any more and that are not purged yet.
func (s *Store) Backlog(ctx context.Context) (logs int, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		return tx.row(ctx, `SELECT count(*) FROM (SELECT DISTINCT app, log FROM purges) AS owed`).Scan(&logs)
	})
	return logs, err
}
