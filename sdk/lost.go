package sdk

import (
	"context"
	"errors"
	"time"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// A database that was closed and cannot be opened is tried again, after twice the time.
const (
	lostWait     = 100 * time.Millisecond
	lostPatience = 5 * time.Second
)

// isGone tells whether a failure may mean that the database is not this account's any more: deleted, upgraded by a newer tab,
// or begun anew.
func isGone(err error) bool {
	return errors.Is(err, kv.ErrLost) || errors.Is(err, kv.ErrNewer) || errors.Is(err, keyring.ErrLost)
}

// lost looks whether the database is still there, when the browser has closed it under us. Where it was only closed, looking opens
// it again.
func (a *account) lost() {
	a.mu.Lock()
	started := a.started
	a.mu.Unlock()
	if !started || a.ctx.Err() != nil {
		return // opening it fails, and says why
	}
	a.run(func() {
		err := a.look(true)
		// While the browser clears a site's data, opening fails in several ways.
		for wait := lostWait; err != nil && !isGone(err) && a.ctx.Err() == nil && wait < lostPatience; wait *= 2 {
			select {
			case <-time.After(wait):
			case <-a.ctx.Done():
			}
			err = a.look(true)
		}
		switch {
		case err == nil || a.ctx.Err() != nil:
		case isGone(err):
			a.end(err)
		default:
			a.client.report(err)
		}
	})
}

// end ends an account whose database is gone: its calls are refused with the reason from now on, and the app is told. What the
// device knew is with the server; logging in again begins anew.
func (a *account) end(reason error) {
	reason = storageError(reason)
	a.mu.Lock()
	first := a.ended == nil
	if first {
		a.ended = reason
	}
	waiting := a.waiting
	a.waiting = map[uint64]chan error{}
	a.mu.Unlock()
	if !first {
		return
	}
	for _, answer := range waiting {
		answer <- reason
	}
	a.client.report(reason)
	a.contact(reason)
	a.quit()
	_ = a.vault.Close() // of what is gone
}

// failure is why the account has ended, nil while it has not.
func (a *account) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended
}

// logoutEnded is logout of an account whose database is gone.
func (a *account) logoutEnded(ctx context.Context, wipe Wipe, reason error) (*LogoutResult, error) {
	if wipe == WipeSend {
		return nil, reason // what was owed is out of reach
	}
	a.stop()
	a.client.emit(EventNotReady, (&FatalEvent{Code: wire.OK, Message: "logged out"}).MarshalMsg)
	if wipe == WipeNo {
		return &LogoutResult{}, nil
	}
	a.mu.Lock()
	lost := len(a.outbox.entries)
	a.mu.Unlock()
	return &LogoutResult{Wiped: true, Lost: uint32(lost)}, storageError(a.vault.Destroy(ctx))
}
