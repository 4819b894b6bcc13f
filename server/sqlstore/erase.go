package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/failpoint"
)

// eraseWait is how long Erase waits for readers, in ms: sends wait meanwhile.
const eraseWait = 250

// round is one round of Erase: each call does a slice, until one has done the last.
type round func(ctx context.Context) (done bool, err error)

// Erase makes sure that what was removed is not in the files any more, as far as the database lets it (docs/erasure.md). What
// is removed meanwhile gets a round of its own. While another server is at it, it is left for the next time.
func (s *Store) Erase(ctx context.Context) (more bool, err error) {
	s.erasing.Lock()
	defer s.erasing.Unlock()
	if s.round == nil {
		if !s.removed.Swap(false) {
			return false, nil
		}
		s.round = s.forgetting()
	}
	done := false
	ran, err := s.alone(ctx, func() error {
		done, err = s.round(ctx)
		return err
	})
	if err != nil || !done {
		return err == nil && ran, err
	}
	s.round = nil
	return s.removed.Load(), nil
}

// forgetting overwrites what SQLite has left: removing overwrites with zeros, but copies may stand in the free space of other
// pages, and the write-ahead log may still have the pages as they were. The pages are gone through in slices.
func (s *sqliteFile) forgetting() round {
	page := uint32(1)
	return func(ctx context.Context) (done bool, err error) {
		if page != 0 {
			failpoint.Pass(failpoint.Scrub)
			if page, err = s.scrub(ctx, page); err != nil || page != 0 {
				return false, err
			}
		}
		failpoint.Pass(failpoint.Erase)
		err = s.cutLog(ctx)
		return err == nil, err
	}
}

// cutLog moves the write-ahead log into the database and cuts it to nothing. Errors: server.ErrReaders.
func (s *sqliteFile) cutLog(ctx context.Context) (err error) {
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
	if err := c.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return server.ErrReaders
	}
	return nil
}
