package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrating is the number under which servers that start at once wait for each other: "lethe" in ASCII.
const migrating = 0x6c65746865

// migrate takes the steps that the database has not taken, all or none. Its version stands in a table of its own, lethe.
func (p *postgres) migrate(ctx context.Context) error {
	return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		version, err := postgresVersion(ctx, tx)
		if err != nil || version == schemaVersion {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, migrating); err != nil {
			return err
		}
		if version, err = postgresVersion(ctx, tx); err != nil || version == schemaVersion {
			return err // another server was first
		}
		if version == 0 {
			if _, err := tx.Exec(ctx, `CREATE TABLE lethe (version BIGINT NOT NULL)`); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO lethe (version) VALUES (0)`); err != nil {
				return err
			}
		}
		for i, step := range steps[version:] {
			// A step's statements go in one message: they have no arguments.
			if _, err := tx.Conn().PgConn().Exec(ctx, columns.Replace(strings.Join(step.statements, ";"))).ReadAll(); err != nil {
				return fmt.Errorf("schema %d: %w", version+i+1, err)
			}
			if step.fill == nil {
				continue
			}
			s := &pipeline{c: tx.Conn()}
			err := step.fill(ctx, &transaction{s, postgresDialect})
			if err = errors.Join(err, s.flush(ctx)); err != nil {
				return fmt.Errorf("schema %d: %w", version+i+1, err)
			}
		}
		_, err = tx.Exec(ctx, `UPDATE lethe SET version = $1`, schemaVersion)
		return err
	})
}

// postgresVersion is how many steps the database has taken. It changes nothing.
// Errors: ErrNewer; not UTF-8, or another program's.
func postgresVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var encoding string
	var tables, ours int
	if err := tx.QueryRow(ctx, `SELECT current_setting('server_encoding'), count(*), count(*) FILTER (WHERE tablename = 'lethe')
		FROM pg_tables WHERE schemaname = current_schema()`).Scan(&encoding, &tables, &ours); err != nil {
		return 0, err
	}
	switch {
	case encoding != "UTF8":
		return 0, fmt.Errorf("its encoding is %s, UTF8 is needed", encoding)
	case tables == 0:
		return 0, nil
	case ours == 0:
		return 0, errors.New("not a Lethe database: its schema has other tables")
	}
	if err := tx.QueryRow(ctx, `SELECT version FROM lethe`).Scan(&version); err != nil {
		return 0, err
	}
	if version > schemaVersion {
		return 0, fmt.Errorf("%w (schema %d, this one knows %d)", ErrNewer, version, schemaVersion)
	}
	return version, nil
}
