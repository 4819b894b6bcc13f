package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// size is what a table takes on PostgreSQL's disk, with its indexes.
type size struct {
	Table string  `json:"table"`
	Rows  float64 `json:"rows"`
	Each  float64 `json:"each"` // bytes a row
}

// leastRows: tables with fewer are left out, since their pages are mostly empty.
const leastRows = 200

// sizes measures the tables of a store that has been at work.
func sizes(ctx context.Context, address string) (all []size, err error) {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, connection.Close(context.WithoutCancel(ctx))) }()
	found, err := connection.Query(ctx, `SELECT relname, pg_total_relation_size(oid)::float8 FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC`)
	if err != nil {
		return nil, err
	}
	type table struct {
		Name  string
		Bytes float64
	}
	tables, err := pgx.CollectRows(found, pgx.RowToStructByPos[table])
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		s := size{Table: t.Name}
		if err := connection.QueryRow(ctx, `SELECT count(*)::float8 FROM `+pgx.Identifier{t.Name}.Sanitize()).Scan(&s.Rows); err != nil {
			return nil, err
		}
		if s.Rows >= leastRows {
			s.Each = t.Bytes / s.Rows
			all = append(all, s)
		}
	}
	return all, nil
}
