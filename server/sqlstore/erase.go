package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/lethe-im/lethe/server"
)

// eraseWait is how long Erase waits for readers, in ms: sends wait meanwhile.
const eraseWait = 250

// Erase makes sure that what was removed is not in the files any more: removing overwrites with zeros, but copies may stand
// in the free space of other pages, and the write-ahead log may still have the pages as they were. The pages are gone
// through in slices; what is removed meanwhile gets a round of its own.
func (s *Store) Erase(ctx context.Context) (more bool, err error) {
	s.erasing.Lock()
	defer s.erasing.Unlock()
	if s.round == idle {
		if !s.removed.Swap(false) {
			return false, nil
		}
		s.round, s.nextPage = scrubbing, 1
	}
	if s.round == scrubbing {
		if s.nextPage, err = s.scrub(ctx, s.nextPage); err != nil || s.nextPage != 0 {
			return err == nil, err
		}
		s.round = cutting
	}
	if err := s.cutLog(ctx); err != nil {
		return false, err
	}
	s.round = idle
	return s.removed.Load(), nil
}

// The parts of a round of Erase.
const (
	idle = iota
	scrubbing
	cutting
)

// cutLog moves the write-ahead log into the database and cuts it to nothing. Errors: server.ErrReaders.
func (s *Store) cutLog(ctx context.Context) (err error) {
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
