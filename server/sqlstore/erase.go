package sqlstore

import (
	"context"
	"errors"
	"fmt"
)

// eraseWait is how long Erase waits for readers, in ms: sends wait meanwhile.
const eraseWait = 250

// Erase makes sure that what was removed is not in the files any more: removing overwrites with zeros, but the write-ahead
// log may still have the page as it was.
func (s *Store) Erase(ctx context.Context) (err error) {
	if !s.removed.Swap(false) {
		return nil
	}
	done := false
	defer func() {
		if !done {
			s.removed.Store(true) // the next time
		}
	}()
	c, err := s.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, eraseWait)); err != nil {
		return err
	}
	defer func() {
		_, after := c.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf(`PRAGMA busy_timeout = %d`, busyWait))
		err = errors.Join(err, after)
	}()
	var busy, pages, moved int
	err = c.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	done = err == nil && busy == 0 // else a reader was in the way
	return err
}
