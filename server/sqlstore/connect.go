//go:build !failpoints

package sqlstore

import "database/sql"

// connect opens the database that a source names.
func connect(source string) (*sql.DB, error) {
	c, err := connector(source)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}
