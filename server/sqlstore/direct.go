package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
)

// direct is a connection of SQLite's driver.
type direct interface {
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
}

// sqliteStatements runs statements on a connection that is in a transaction.
type sqliteStatements struct{ c direct }

func (s sqliteStatements) execute(ctx context.Context, query string, args []any) error {
	named, err := values(args)
	if err != nil {
		return err
	}
	_, err = s.c.ExecContext(context.WithoutCancel(ctx), query, named)
	return err
}

func (s sqliteStatements) query(ctx context.Context, query string, args []any) (rows, error) {
	named, err := values(args)
	if err != nil {
		return nil, err
	}
	found, err := s.c.QueryContext(context.WithoutCancel(ctx), query, named)
	if err != nil {
		return nil, err
	}
	return &directRows{found: found, row: make([]driver.Value, len(found.Columns()))}, nil
}

// answer asks one question after the other: nothing has to travel.
func (s sqliteStatements) answer(ctx context.Context, questions []question) error {
	for i := range questions {
		q := &questions[i]
		done := statementBegun(ctx, q.query)
		found, err := s.query(ctx, q.query, q.args)
		if err == nil {
			err = q.give(found)
		}
		if done(err); err != nil {
			return err
		}
	}
	return nil
}

// values are arguments as the driver takes them.
func values(args []any) ([]driver.NamedValue, error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		value, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: value}
	}
	return named, nil
}

// directRows are a query's.
type directRows struct {
	found driver.Rows
	row   []driver.Value
	err   error
}

func (r *directRows) Next() bool {
	if r.err == nil {
		r.err = r.found.Next(r.row)
	}
	return r.err == nil
}

func (r *directRows) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

func (r *directRows) Close() error { return r.found.Close() }

// Scan gives integers to integers of any size, texts to strings and byte slices, blobs to byte slices, and all else to who scans itself.
func (r *directRows) Scan(dest ...any) error {
	if len(dest) != len(r.row) {
		return fmt.Errorf("%d columns for %d places", len(r.row), len(dest))
	}
	for i, place := range dest {
		if err := assign(place, r.row[i]); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

func assign(place any, value driver.Value) error {
	if s, ok := place.(sql.Scanner); ok {
		return s.Scan(value)
	}
	switch v := value.(type) {
	case int64:
		return assignInteger(place, v)
	case string:
		switch p := place.(type) {
		case *string:
			*p = v
			return nil
		case *[]byte:
			*p = []byte(v)
			return nil
		}
	case []byte:
		if p, ok := place.(*[]byte); ok {
			*p = v
			return nil
		}
	case nil:
		if p, ok := place.(*[]byte); ok {
			*p = nil
			return nil
		}
	}
	return fmt.Errorf("%T does not go into %T", value, place)
}

func assignInteger(place any, v int64) error {
	switch p := place.(type) { // those that come often
	case *uint64:
		if v < 0 {
			return fmt.Errorf("%d does not go into %T", v, place)
		}
		*p = uint64(v)
		return nil
	case *int64:
		*p = v
		return nil
	}
	p := reflect.ValueOf(place)
	if p.Kind() != reflect.Pointer {
		return fmt.Errorf("%T is no place", place)
	}
	switch e := p.Elem(); {
	case e.CanInt() && !e.OverflowInt(v):
		e.SetInt(v)
	case e.CanUint() && v >= 0 && !e.OverflowUint(uint64(v)):
		e.SetUint(uint64(v))
	default:
		return fmt.Errorf("%d does not go into %T", v, place)
	}
	return nil
}
