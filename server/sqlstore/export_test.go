package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5/pgconn"
)

// CutLog is the last step of Erase alone.
func (s *Store) CutLog(ctx context.Context) error { return s.database.(*sqliteFile).cutLog(ctx) }

// OpenBy is Open with another way to connect to a source.
func OpenBy(ctx context.Context, path string, connect func(source string) (*sql.DB, error)) (*Store, error) {
	return open(ctx, path, connect)
}

// Connector makes connections as Open does.
func Connector(source string) (driver.Connector, error) { return connector(source) }

// OpenPostgresBy is OpenPostgres with another way to reach the server.
func OpenPostgresBy(ctx context.Context, address string, dial pgconn.DialFunc) (*Store, error) {
	config, err := postgresConfig(address)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.DialFunc = dial
	return openPostgres(ctx, config)
}

// Alone is what purging runs in.
func (s *Store) Alone(ctx context.Context, fn func() error) error {
	_, err := s.alone(ctx, fn)
	return err
}
