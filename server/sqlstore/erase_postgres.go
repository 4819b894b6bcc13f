package sqlstore

import (
	"context"
	"time"

	"github.com/lethe-im/lethe/server"
)

// texts are the tables that hold what messages said, or a hash of it.
var texts = []string{"messages", "sends"}

// forgetting has PostgreSQL take what was removed out of the pages, a table a slice: until then each row stands there as it
// was. Rows that an open transaction could still see stay, and the round fails with server.ErrReaders.
func (p *postgres) forgetting() round {
	next, horizon := 0, ""
	return func(ctx context.Context) (done bool, err error) {
		if horizon == "" {
			// What was removed until now was removed by transactions below this one.
			if err := p.pool.QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text`).Scan(&horizon); err != nil {
				return false, err
			}
		}
		if err := p.waitForReaders(ctx, horizon); err != nil {
			return false, err
		}
		if _, err := p.pool.Exec(ctx, `VACUUM `+texts[next]); err != nil {
			return false, err
		}
		next++
		return next == len(texts), nil
	}
}

// waitForReaders waits a while until nobody sees what was removed before a horizon; also a connection that is only just made
// does, for a moment. Errors: server.ErrReaders.
func (p *postgres) waitForReaders(ctx context.Context, horizon string) error {
	for deadline := time.Now().Add(eraseWait * time.Millisecond); ; {
		var readers int
		if err := p.pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND pid <> pg_backend_pid() AND age(backend_xmin) > age($1::text::xid)`, horizon).Scan(&readers); err != nil || readers == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return server.ErrReaders
		}
		select {
		case <-time.After(eraseWait * time.Millisecond / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
