//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
)

// When a write fails half way, as on a full disk, Chromium closes its database and opens it again with the same log: what is
// written from then on stands behind half a record. At the next start it takes that for corruption, and deletes the whole
// database, with all that had been committed meanwhile (seen with Chromium 156 on a disk of 192 MiB). Only a new log helps, and
// LevelDB begins one when more than 4 MiB have come into the old one. So before anything is written on a connection of
// which it is not known that all is well, as much is written and deleted again.
const (
	fillers    = 72
	fillerSize = 60_000 // beyond 64 KiB a value gets a file of its own, and the log stays as it is

	// renewRoom is how many bytes must be free for it: where it fails half way too, all is lost.
	renewRoom = 9 << 20
)

// doubt remembers that the log may end in half a record.
func (s *store) doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubtful = true
}

// sure makes sure that what is written on the connection stays.
func (s *store) sure(ctx context.Context, conn *connection) error {
	s.mu.Lock()
	doubtful := s.doubtful
	s.mu.Unlock()
	if !doubtful {
		return nil
	}
	select {
	case s.opener <- struct{}{}:
		defer func() { <-s.opener }()
	case <-ctx.Done():
		return unknown(ctx)
	}
	s.mu.Lock()
	doubtful, s.doubtful = s.doubtful, false
	s.mu.Unlock()
	if !doubtful {
		return nil
	}
	err := s.renew(ctx, conn)
	if err != nil {
		s.doubt()
		return fmt.Errorf("idb: renew the log of %s: %w", s.name, err)
	}
	return nil
}

// room finds out whether the disk has room for opening a database again and renewing its log, by taking it and giving it back.
// Errors: kv.ErrFull.
func (s *store) room(ctx context.Context) error {
	return s.withReserve(ctx, func(r reserve) error {
		if err := r.hold(ctx, renewRoom, 0); err != nil {
			return err
		}
		return r.Give(ctx)
	})
}

// closing is how long the browser has to close a database in which a write has failed. Room that comes sooner lets it write behind
// half a record, and then it takes all of it for corrupted.
const closing = 500 * time.Millisecond

// settleDown comes before a database is opened again that the browser has closed.
func (s *store) settleDown(ctx context.Context) error {
	select {
	case <-time.After(closing):
		return s.room(ctx)
	case <-ctx.Done():
		return unknown(ctx)
	}
}

// roomAtStart makes room for opening the database: on a full disk that too may cost all of it. Where the reserve is not whole it has
// been given up, and nobody has come to hold it again: then the log is in doubt.
func (s *store) roomAtStart(ctx context.Context) error {
	there, err := s.exists(ctx)
	if err != nil || !there {
		return err
	}
	return s.withReserve(ctx, func(r reserve) error {
		held, err := r.held(ctx)
		if err != nil {
			return err
		}
		if held < ReserveSize {
			s.doubt()
			return s.room(ctx)
		}
		if err := r.Probe(ctx); !errors.Is(err, kv.ErrFull) {
			return err
		}
		return r.Give(ctx)
	})
}

// exists tells whether the browser has the database; true where it does not say.
func (s *store) exists(ctx context.Context) (bool, error) {
	indexedDB := js.Global().Get("indexedDB")
	if !indexedDB.Truthy() || !indexedDB.Get("databases").Truthy() {
		return true, nil
	}
	all, err := settled(ctx, indexedDB.Call("databases"))
	if err != nil {
		if ctx.Err() != nil {
			return false, unknown(ctx)
		}
		return true, nil // opening it will say more
	}
	for i := range all.Length() {
		if all.Index(i).Get("name").String() == s.name {
			return true, nil
		}
	}
	return false, nil
}

// withReserve gives fn the database's reserve, where there is one.
func (s *store) withReserve(ctx context.Context, fn func(reserve) error) error {
	r, err := OpenReserve(ctx, s.name)
	if errors.Is(err, keyring.ErrUnavailable) {
		return nil
	}
	if err == nil {
		err = errors.Join(fn(r.(reserve)), r.Close())
	}
	if err != nil && ctx.Err() != nil {
		return unknown(ctx)
	}
	return err
}

// renew has the database begin a new log. Nobody sees what is written for it.
func (s *store) renew(ctx context.Context, conn *connection) error {
	table := s.tables[:1]
	t, err := newTransaction(ctx, conn, true, kv.Strict, table)
	if err != nil {
		return err
	}
	span := kv.Span{From: kv.MaxKey - fillers, To: kv.MaxKey - 1}
	filler := make([]byte, fillerSize)
	for key := span.From; key <= span.To && err == nil; key++ {
		err = t.Put(table[0], key, filler)
	}
	if err == nil {
		err = t.Delete(table[0], span)
	}
	if err == nil {
		err = t.commit()
	} else {
		err = t.fail(err)
	}
	s.broke(t, err)
	return err
}
