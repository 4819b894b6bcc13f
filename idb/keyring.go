//go:build js && wasm

package idb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall/js"
	"time"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/tabs"
)

// OpenKeyring opens the keyring of that name in the origin's private file system (OPFS), making it if it is new. Where the
// browser lets tabs share a file (readwrite-unsafe), each keeps a handle on it, and only writing waits for the lock. Elsewhere a
// handle shuts the other tabs out, so it is opened for each piece of work, and reading waits for the lock too.
//
// Errors: keyring.ErrUnavailable outside a dedicated worker, without OPFS, sync access handles or Web Locks, and where the
// browser refuses its file system, as in some private windows; keyring.ErrFull; keyring.ErrLost when another tab destroys it meanwhile;
// the context's.
func OpenKeyring(ctx context.Context, name string) (keyring.File, error) {
	return openKeyring(ctx, name, shares())
}

// shares tells whether handles have modes: browsers that do not know them ignore what is asked for.
func shares() bool {
	class := js.Global().Get("FileSystemSyncAccessHandle")
	return class.Truthy() && js.Global().Get("Reflect").Call("has", class.Get("prototype"), "mode").Bool()
}

func openKeyring(ctx context.Context, name string, shared bool) (keyring.File, error) {
	r, err := newRing(ctx, name, shared)
	if err != nil {
		return nil, fmt.Errorf("idb: open keyring %s: %w", name, err)
	}
	if err := r.enter(ctx); err != nil {
		return nil, fmt.Errorf("idb: open keyring %s: %w", name, errors.Join(err, r.Close()))
	}
	return r, nil
}

// ring is a keyring on OPFS.
type ring struct {
	name      string
	file      string   // its name in the directory
	directory js.Value // FileSystemDirectoryHandle
	shared    bool     // one handle is kept, instead of one opened for each piece of work
	opener    chan struct{}

	mu     sync.Mutex
	handle js.Value // FileSystemSyncAccessHandle; undefined when it died: the next Begin opens one again
	end    error    // why there will be none any more
	pokes  *Channel // a poke tells that the keyring is destroyed
	leave  func()   // gives back the shared lock that every open File holds
}

func newRing(ctx context.Context, name string, shared bool) (*ring, error) {
	storage := navigator("storage")
	switch {
	case !js.Global().Get("FileSystemSyncAccessHandle").Truthy():
		return nil, fmt.Errorf("%w: no sync access handles", keyring.ErrUnavailable)
	case !storage.Truthy() || !storage.Get("getDirectory").Truthy():
		return nil, fmt.Errorf("%w: no private file system", keyring.ErrUnavailable)
	case !navigator("locks").Truthy():
		return nil, fmt.Errorf("%w: no Web Locks", keyring.ErrUnavailable)
	}
	directory, err := settled(ctx, storage.Call("getDirectory"))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil { // private windows have several names for it
		return nil, fmt.Errorf("%w: %w", keyring.ErrUnavailable, err)
	}
	// Some systems know no upper case in file names, and none takes every character.
	hash := sha256.Sum256([]byte(name))
	return &ring{name: name, file: "lethe-" + hex.EncodeToString(hash[:16]), directory: directory, shared: shared,
		opener: make(chan struct{}, 1)}, nil
}

// The locks of a keyring: one for the work, and one that tells whether any tab has it open.
func (r *ring) workLock() string { return r.name + " vault" }
func (r *ring) openLock() string { return r.name + " keyring" }

// enter makes the file and the first handle.
func (r *ring) enter(ctx context.Context) error {
	r.pokes = NewChannel(r.openLock())
	r.pokes.OnPoke(func(tabs.Poke) { tell(r.destroyed) })
	leave, _, err := lock(ctx, r.openLock(), "shared", tabs.Wait) // waits while another tab is destroying it
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.leave = leave
	r.mu.Unlock()
	if r.shared {
		handle, err := r.open(true)
		if err != nil {
			return err
		}
		if mode := handle.Get("mode"); mode.Type() == js.TypeString && mode.String() == unsafeMode {
			return r.keep(handle)
		}
		handle.Call("close")
		r.shared = false
	}
	letGo, _, err := lock(ctx, r.workLock(), "exclusive", tabs.Wait)
	if err != nil {
		return err
	}
	defer letGo()
	handle, err := r.open(true)
	if err != nil {
		return err
	}
	handle.Call("close")
	return nil
}

// destroyed hears that another tab destroys the keyring. What is not entered yet will be another one.
func (r *ring) destroyed() {
	r.mu.Lock()
	entered := r.leave != nil
	r.mu.Unlock()
	if entered {
		r.drop(keyring.ErrLost)
	}
}

const (
	unsafeMode = "readwrite-unsafe"
	inUse      = "NoModificationAllowedError" // somebody has a handle on the file
	changed    = "NotReadableError"           // somebody has written to the file since it was asked for

	// A handle may be there a little longer than the lock it was opened under: the browser closes a dying tab's when it likes.
	lateTries = 50
	lateWait  = 20 * time.Millisecond
)

// late tries what fails with that name for as long as somebody is at the file.
func late(name string, try func() error) (err error) {
	for range lateTries {
		if err = try(); !isNamed(err, name) {
			break
		}
		time.Sleep(lateWait)
	}
	return err
}

// open opens a handle. It takes no context: a handle that nobody waits for would stay open.
func (r *ring) open(create bool) (handle js.Value, err error) {
	err = late(inUse, func() (err error) { handle, err = r.attempt(create); return err })
	return handle, keyringError(err)
}

func (r *ring) attempt(create bool) (js.Value, error) {
	ctx := context.Background()
	file, err := settled(ctx, r.directory.Call("getFileHandle", r.file, map[string]any{"create": create}))
	if err != nil {
		return js.Undefined(), err
	}
	options := map[string]any{}
	if r.shared {
		options["mode"] = unsafeMode
	}
	return settled(ctx, file.Call("createSyncAccessHandle", options))
}

// keyringError gives the browser's error a keyring's meaning.
func keyringError(err error) error {
	switch {
	case isNamed(err, "QuotaExceededError"):
		return fmt.Errorf("%w: %w", keyring.ErrFull, err)
	case isNamed(err, "NotFoundError"):
		return fmt.Errorf("%w: it is not there", keyring.ErrLost)
	case isNamed(err, invalidState):
		return fmt.Errorf("%w: %w", keyring.ErrLost, err)
	}
	return err
}

// Begin implements keyring.File.
func (r *ring) Begin(ctx context.Context, write bool) (keyring.Keys, error) {
	if ended := r.ended(); ended != nil {
		return nil, ended
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	k := &keys{ring: r, write: write}
	var err error
	if write || !r.shared {
		if k.letGo, _, err = lock(ctx, r.workLock(), "exclusive", tabs.Wait); err != nil {
			return nil, fmt.Errorf("idb: lock %s: %w", r.workLock(), err)
		}
	}
	if k.handle, err = r.current(ctx); err != nil {
		k.End()
		return nil, err
	}
	return k, nil
}

// current is a handle for one piece of work.
func (r *ring) current(ctx context.Context) (js.Value, error) {
	if r.shared {
		if handle, err := r.kept(); handle.Truthy() || err != nil {
			return handle, err
		}
		select {
		case r.opener <- struct{}{}:
			defer func() { <-r.opener }()
		case <-ctx.Done():
			return js.Undefined(), context.Cause(ctx)
		}
		if handle, err := r.kept(); handle.Truthy() || err != nil {
			return handle, err
		}
	}
	if ended := r.ended(); ended != nil {
		return js.Undefined(), ended
	}
	handle, err := r.open(false)
	if err != nil {
		if errors.Is(err, keyring.ErrLost) {
			r.drop(keyring.ErrLost)
		}
		return js.Undefined(), fmt.Errorf("idb: open keyring %s again: %w", r.name, err)
	}
	if err := r.keep(handle); err != nil {
		return js.Undefined(), err
	}
	return handle, nil
}

// keep takes a new handle over, unless the file has ended meanwhile.
func (r *ring) keep(handle js.Value) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end != nil {
		handle.Call("close")
		return r.end
	}
	if r.shared {
		r.handle = handle
	}
	return nil
}

func (r *ring) kept() (js.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handle, r.end
}

func (r *ring) ended() error {
	_, err := r.kept()
	return err
}

// forget drops a handle that died, if it is the kept one.
func (r *ring) forget(handle js.Value) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handle.Equal(handle) {
		r.handle = js.Undefined()
	}
}

// drop ends the file, and says why.
func (r *ring) drop(end error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handle.Truthy() {
		r.handle.Call("close")
		r.handle = js.Undefined()
	}
	r.pokes.Close()
	if r.leave != nil {
		r.leave()
	}
	if r.end == nil || end == keyring.ErrClosed {
		r.end = end
	}
}

// Close implements keyring.File. Pieces of work under way fail with keyring.ErrClosed.
func (r *ring) Close() error {
	// When the site's data has been cleared, closing a handle never returns in Chromium: it is left to the end of the worker.
	if handle, _ := r.kept(); handle.Truthy() && !r.stands(handle) {
		r.forget(handle)
	}
	r.drop(keyring.ErrClosed)
	return nil
}

// stands tells whether the file of a handle is still the one of that name: it has the same device's key, or none as well.
func (r *ring) stands(handle js.Value) bool {
	here, there := make([]byte, keyring.SlotSize), make([]byte, keyring.SlotSize)
	if err := late(changed, func() error { return r.deviceKey(there) }); err != nil {
		return false
	}
	return read(handle, 0, here) == nil && slices.Equal(there, here)
}

// deviceKey fills a slot with the first one of the file that has the name now.
func (r *ring) deviceKey(slot []byte) error {
	ctx := context.Background()
	file, err := settled(ctx, r.directory.Call("getFileHandle", r.file))
	if err == nil {
		file, err = settled(ctx, file.Call("getFile"))
	}
	if err == nil {
		file, err = settled(ctx, file.Call("slice", 0, keyring.SlotSize).Call("arrayBuffer"))
	}
	if err == nil {
		js.CopyBytesToGo(slot, uint8Array.New(file))
	}
	return err
}

// Destroy implements keyring.File. Other tabs are told to let go, and get keyring.ErrLost; it waits 4 s for them, then gives
// keyring.ErrBlocked, which a file of zeros remains of.
func (r *ring) Destroy(ctx context.Context) error {
	if err := r.Close(); err != nil {
		return err
	}
	letGo, _, err := lock(ctx, r.workLock(), "exclusive", tabs.Wait)
	if err != nil {
		return fmt.Errorf("idb: lock %s: %w", r.workLock(), err)
	}
	defer letGo()
	handle, err := r.open(false)
	if errors.Is(err, keyring.ErrLost) {
		return nil // it is not there
	}
	if err == nil {
		err = overwrite(handle)
		handle.Call("close")
	}
	if err == nil {
		err = r.remove(ctx)
	}
	if err != nil {
		return fmt.Errorf("idb: destroy keyring %s: %w", r.name, err)
	}
	return nil
}

// remove removes the file when no tab has it open any more: the browser refuses to while there is a handle.
func (r *ring) remove(ctx context.Context) error {
	others := NewChannel(r.openLock())
	others.Post(tabs.Changed)
	others.Close()
	patient, cancel := context.WithTimeoutCause(ctx, blockedPatience, keyring.ErrBlocked)
	defer cancel()
	letGo, _, err := lock(patient, r.openLock(), "exclusive", tabs.Wait)
	if err != nil {
		return err
	}
	defer letGo()
	err = late(inUse, func() error {
		_, err := settled(ctx, r.directory.Call("removeEntry", r.file))
		return err
	})
	if isNamed(err, inUse) {
		return fmt.Errorf("%w: %w", keyring.ErrBlocked, err)
	}
	return err
}
