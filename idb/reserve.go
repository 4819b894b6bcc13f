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
	"github.com/lethe-im/lethe/sdk/tabs"
)

const (
	// ReserveSize is how many bytes a reserve holds: room for a new log (renew.go), for the table of up to 4 MiB that LevelDB makes
	// of the old one, and for what is to be written then.
	ReserveSize = 12 << 20
	// margin is how many bytes more must be free before the reserve is held again, so that what comes next does not need it at once.
	margin = 4 << 20
	// probed is how many bytes must be free for a transaction to begin.
	probed = 512 << 10
	piece  = 64 << 10 // as many as getRandomValues gives at once
	// breather is after how many pieces others have their turn.
	breather = 16
)

// reserve is space in the origin's private file system: a file of random bytes, which no file system stores as less. On a full
// disk the browser could neither make nor remove it, so it is only made longer and shorter.
type reserve struct{ *ring }

// OpenReserve finds the reserve that goes with a database, and makes its file if there is none.
// Errors: keyring.ErrUnavailable where OpenKeyring gives it; kv.ErrFull; the context's.
func OpenReserve(ctx context.Context, name string) (kv.Reserve, error) {
	r, err := newRing(ctx, name+" reserve", shares())
	if err == nil {
		r.pokes = NewChannel(r.openLock())
		var handle js.Value
		if handle, err = r.open(true); err == nil {
			r.handle = handle
			if !r.shared { // it is opened for each piece of work
				handle.Call("close")
				r.handle = js.Undefined()
			}
		}
	}
	if err != nil {
		return nil, reserve{&ring{name: name}}.failed(err)
	}
	return reserve{r}, nil
}

// with gives fn a handle, under the lock where the file's length is to change for good.
func (r reserve) with(ctx context.Context, lasting bool, fn func(handle js.Value) error) error {
	if lasting || !r.shared {
		letGo, _, err := lock(ctx, r.workLock(), "exclusive", tabs.Wait)
		if err != nil {
			return err
		}
		defer letGo()
	}
	handle, err := r.current(ctx)
	if err == nil {
		if !r.shared {
			defer handle.Call("close")
		}
		err = fn(handle)
	}
	return r.failed(err)
}

// Hold implements kv.Reserve.
func (r reserve) Hold(ctx context.Context) error { return r.hold(ctx, ReserveSize, margin) }

// hold holds at least so many bytes, or none, and only where so many more are free.
func (r reserve) hold(ctx context.Context, size, more int) error {
	return r.with(ctx, true, func(handle js.Value) error {
		if held, err := length(handle); err != nil || held >= size {
			return err
		}
		if err := fillUp(handle, size+more); err != nil {
			return errors.Join(err, truncate(handle, 0))
		}
		return truncate(handle, size)
	})
}

// Probe implements kv.Reserve.
func (r reserve) Probe(ctx context.Context) error {
	return r.with(ctx, false, func(handle js.Value) error {
		held, err := length(handle)
		if err != nil {
			return err
		}
		return errors.Join(fillUp(handle, held+probed), truncate(handle, held))
	})
}

// Give implements kv.Reserve.
func (r reserve) Give(ctx context.Context) error {
	return r.with(ctx, true, func(handle js.Value) error { return truncate(handle, 0) })
}

// held is how many bytes are held.
func (r reserve) held(ctx context.Context) (n int, err error) {
	err = r.with(ctx, false, func(handle js.Value) (err error) {
		n, err = length(handle)
		return err
	})
	return n, err
}

func length(handle js.Value) (n int, err error) {
	err = try(func() { n = handle.Call("getSize").Int() })
	return n, err
}

func truncate(handle js.Value, size int) error { return try(func() { handle.Call("truncate", size) }) }

// noise is what reserves are filled with.
var noise js.Value

// fillUp writes random bytes behind what is there, until there are so many. They are not flushed: what is written has its place.
func fillUp(handle js.Value, size int) error {
	if noise.IsUndefined() {
		noise = uint8Array.New(piece)
		js.Global().Get("crypto").Call("getRandomValues", noise)
	}
	at, err := length(handle)
	for i := 1; err == nil && at < size; i++ {
		n := 0
		err = try(func() { n = handle.Call("write", noise, map[string]any{"at": at}).Int() })
		if at += n; err == nil && n < piece {
			err = kv.ErrFull
		}
		if i%breather == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return err
}

func (r reserve) failed(err error) error {
	if err == nil {
		return nil
	}
	if isNamed(err, invalidState) && r.shared {
		r.forget(r.handle)
	}
	if errors.Is(keyringError(err), keyring.ErrFull) {
		err = fmt.Errorf("%w: %w", kv.ErrFull, err)
	}
	return fmt.Errorf("idb: reserve %s: %w", r.name, err)
}
