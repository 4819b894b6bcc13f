package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// wal reads what PostgreSQL has written into its log: all of the cluster's, so nothing else may be at work.
type wal struct{ connection *pgx.Conn }

// written is what lies between two places in the log.
type written struct {
	Rows   float64 `json:"rows"`   // inserted, updated and removed
	Bytes  float64 `json:"bytes"`  // of the log
	Images float64 `json:"images"` // of those: whole pages, which the first change after a checkpoint writes
}

// openWAL needs the extension pg_walinspect, which comes with PostgreSQL 15.
func openWAL(ctx context.Context, address string) (*wal, error) {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	if _, err := connection.Exec(ctx, `CREATE EXTENSION pg_walinspect`); err != nil {
		return nil, fmt.Errorf("the bench reads PostgreSQL's log with pg_walinspect: %w", err)
	}
	return &wal{connection}, nil
}

// place is up to where the log is written. A commit that was answered lies before it.
func (w *wal) place(ctx context.Context) (at string, err error) {
	err = w.connection.QueryRow(ctx, `SELECT pg_current_wal_insert_lsn()::text`).Scan(&at)
	return at, err
}

// flushLook is how often it is looked whether the log is on the disk: what no commit waits for is written there soon.
const flushLook = 20 * time.Millisecond

// between is what was written from one place to another.
func (w *wal) between(ctx context.Context, from, to string) (sum written, err error) {
	if from == to {
		return written{}, nil
	}
	for flushed := false; !flushed; {
		if err := w.connection.QueryRow(ctx, `SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn`, to).Scan(&flushed); err != nil {
			return sum, err
		}
		if !flushed {
			time.Sleep(flushLook)
		}
	}
	err = w.connection.QueryRow(ctx, `SELECT
		coalesce(sum(count) FILTER (WHERE kind ~ '^Heap2?/(INSERT|UPDATE|HOT_UPDATE|DELETE|MULTI_INSERT)'), 0)::float8,
		($2::text::pg_lsn - $1::text::pg_lsn)::float8, coalesce(sum(fpi_size), 0)::float8
		FROM (SELECT "resource_manager/record_type" AS kind, count, fpi_size
			FROM pg_get_wal_stats($1::text::pg_lsn, $2::text::pg_lsn, true)) records`, from, to).Scan(&sum.Rows, &sum.Bytes, &sum.Images)
	return sum, err
}

// autovacuum lets PostgreSQL vacuum and analyse unasked, or keeps it from that: it would be taken for the work of what is measured.
func (w *wal) autovacuum(ctx context.Context, on bool) error {
	for _, statement := range []string{fmt.Sprintf(`ALTER SYSTEM SET autovacuum = %t`, on), `SELECT pg_reload_conf()`} {
		if _, err := w.connection.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint makes the next change of every page write all of it, as it is some minutes after the last checkpoint at latest.
func (w *wal) checkpoint(ctx context.Context) error {
	_, err := w.connection.Exec(ctx, `CHECKPOINT`)
	return err
}

func (w *wal) close(ctx context.Context) error { return w.connection.Close(ctx) }
