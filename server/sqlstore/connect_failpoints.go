//go:build failpoints

package sqlstore

import (
	"database/sql"
	"strings"

	"github.com/lethe-im/lethe/server/failpoint"
	"github.com/lethe-im/lethe/server/sqlstore/sqlstep"
)

// connect opens the database that a source names. Where it may write it passes the points of a transaction.
func connect(source string) (*sql.DB, error) {
	c, err := connector(source)
	if err != nil {
		return nil, err
	}
	if strings.Contains(source, immediate) {
		c = sqlstep.Wrap(c, pass)
	}
	return sql.OpenDB(c), nil
}

func pass(kind sqlstep.Kind, do func() error) error {
	switch kind {
	case sqlstep.Begin:
		failpoint.Pass(failpoint.Begin)
	case sqlstep.Commit:
		failpoint.Pass(failpoint.Commit)
	}
	err := do()
	switch kind {
	case sqlstep.Exec, sqlstep.Query:
		failpoint.Pass(failpoint.Statement)
	case sqlstep.Commit:
		failpoint.Pass(failpoint.Committed)
	}
	return err
}
