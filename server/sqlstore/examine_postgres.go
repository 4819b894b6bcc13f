package sqlstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// ExaminePostgres looks at a store in a PostgreSQL database without changing it. Version is 0 in an empty one.
// Errors: as OpenPostgres.
func ExaminePostgres(ctx context.Context, address string) (x Examination, err error) {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	x.Schema = schemaVersion
	err = pgx.BeginTxFunc(ctx, c, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if x.Version, err = postgresVersion(ctx, tx); err != nil || x.Version == 0 {
			return err
		}
		return tx.QueryRow(ctx, `SELECT (SELECT epoch FROM store), (SELECT coalesce(max(time), 0) FROM logs)`).Scan(&x.Epoch, &x.Newest)
	})
	return x, err
}
