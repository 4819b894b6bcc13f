package server

import (
	"context"
	"errors"
	"time"
)

// When it is looked for what no view holds any more: at the start, this often, since time alone lets messages expire, and
// soon after something was taken from a view.
const (
	purgeSweep = time.Minute
	purgeDelay = 2 * time.Second
)

// purgeRest is how many times as long as a purge took the next one is put off at least, and each slice of erasing likewise,
// so that purging a large store takes a small part of the disk's time.
const purgeRest = 3

// purgeSoon lets the sweeper look soon at what a view has lost.
func (s *Server) purgeSoon() {
	select {
	case s.lost <- struct{}{}:
	default: // it is told already
	}
}

// purging says when the sweeper purges next.
type purging struct {
	timer *time.Timer
	at    time.Time // when timer fires
	not   time.Time // not before
	retry time.Duration
}

func newPurging() *purging {
	return &purging{timer: time.NewTimer(0), at: time.Now(), retry: purgeDelay}
}

// within lets it be purged within a time, if that is not too soon after the last purge.
func (p *purging) within(d time.Duration) {
	at := time.Now().Add(d)
	if at.Before(p.not) {
		at = p.not
	}
	if at.Before(p.at) {
		p.at = at
		p.timer.Reset(time.Until(at))
	}
}

// ended notes that a purge that began at start has ended. A reader in the way is no failure: the purge is made up for, more
// and more rarely, since sends wait while it is waited for the reader.
func (p *purging) ended(start time.Time, err error) error {
	now := time.Now()
	p.not = now.Add(purgeRest * now.Sub(start))
	p.at = now.Add(max(purgeSweep, time.Until(p.not)))
	p.timer.Reset(time.Until(p.at))
	if !errors.Is(err, ErrReaders) {
		p.retry = purgeDelay
		return err
	}
	p.within(p.retry)
	p.retry = min(2*p.retry, purgeSweep)
	return nil
}

// purge removes what no view holds any more, in slices between which others write, and then makes the files forget it.
func (s *Server) purge(ctx context.Context) error {
	for app := range s.apps {
		for more := true; more; {
			set, err := s.settings(ctx, app)
			if err == nil {
				more, err = s.store.Purge(ctx, app, set, s.now())
			}
			if err != nil {
				return err
			}
		}
	}
	return s.erase(ctx)
}

func (s *Server) erase(ctx context.Context) error {
	for {
		start := time.Now()
		more, err := s.store.Erase(ctx)
		if !more || err != nil {
			return err
		}
		select {
		case <-time.After(purgeRest * time.Since(start)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
