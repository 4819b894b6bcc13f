package sqlstore

import (
	"context"
	"errors"
)

// question is a query, and who is given each row that answers it. That one runs no statement itself, and gets no more rows once it
// returns errEnough.
type question struct {
	query string
	args  []any
	row   func(scan func(...any) error) error
}

// errEnough ends the rows of a question early.
var errEnough = errors.New("enough")

// ask runs queries of which none needs another's answer. They run in their order, each sees what those before it have waited for,
// and on PostgreSQL they are one round trip. After one that fails no row of a later one is given.
func (tx *transaction) ask(ctx context.Context, questions ...question) (err error) {
	for i := range questions {
		q := &questions[i]
		if q.query, err = tx.translate(q.query, q.args); err != nil {
			return err
		}
	}
	if len(questions) == 0 {
		return nil
	}
	return tx.answer(ctx, questions)
}

// each scans every row of a query by fn, which runs no statement itself.
func each(ctx context.Context, tx *transaction, query string, args []any, fn func(scan func(...any) error) error) error {
	return tx.ask(ctx, question{query, args, fn})
}

// ifAny asks for one row, and is told whether there is any.
func ifAny(ok *bool, query string, args []any, dest ...any) question {
	return question{query, args, func(scan func(...any) error) error {
		*ok = true
		return scan(dest...)
	}}
}

// give gives the rows to who has asked, and closes them.
func (q *question) give(found rows) (err error) {
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		switch err := q.row(found.Scan); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		}
	}
	return found.Err()
}
