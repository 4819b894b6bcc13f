// Package keyring is the file of keys beside a vault's database: a row of 32-byte slots that are overwritten in place, so that
// a destroyed key leaves nothing behind, which no database in a browser can promise (DESIGN §5). It has a file in memory here
// and one on OPFS in package idb. Package keyringtest has Contract, the suite both pass, and the injector that fails at step k.
package keyring

import (
	"context"
	"errors"
)

//go:generate go run github.com/tinylib/msgp -file keyring.go -tests=false -io=false -o keyring_gen.go
//go:generate gofmt -w keyring_gen.go

// SlotSize is the length of a slot in bytes: one key.
const SlotSize = 32

// MaxSlots is how many slots a file may have: 512 MiB, the keys of two thousand million messages.
const MaxSlots = 1 << 24

// Run is N slots from From on.
type Run struct {
	From uint32 `msg:"f"`
	N    uint32 `msg:"n"`
}

// End is the slot behind the run.
func (r Run) End() uint32 { return r.From + r.N }

// The errors of a file. Errors wrap one of them where the cause is known.
var (
	// ErrFull: no space; what was to be written may be written in part, and what stood there is lost.
	ErrFull = errors.New("keyring: storage is full")
	// ErrClosed: the file was closed by its user.
	ErrClosed = errors.New("keyring: file is closed")
	// ErrLost: the file, or the handle on it, is gone.
	ErrLost = errors.New("keyring: file is lost")
	// ErrRange: a run beyond MaxSlots, or bytes that do not fill it.
	ErrRange = errors.New("keyring: run out of range")
	// ErrReadOnly: a Write in a piece of work that began without write, or has ended.
	ErrReadOnly = errors.New("keyring: write without the lock")
	// ErrBlocked: every slot is overwritten, but another tab keeps the file from being removed.
	ErrBlocked = errors.New("keyring: file is held by another tab")
	// ErrUnavailable: this place has no files that are overwritten in place, or no lock to share one by.
	ErrUnavailable = errors.New("keyring: no keyring here")
)

// File is one keyring, shared by all tabs of a user on this device. Its methods may be called from many goroutines.
type File interface {
	// Begin gives access to the keys for one piece of work. With write it first waits for the keyring's one lock, which one
	// piece of work in all tabs has at a time and which is taken before a transaction, never inside one. Where tabs cannot share
	// a file it waits for that lock without write too, so no work begins inside another. Every Keys must be ended. Errors:
	// ErrClosed, ErrLost, the context's.
	Begin(ctx context.Context, write bool) (Keys, error)
	// Close lets go of the file. Pieces of work under way fail with ErrClosed or finish. It may be called twice.
	Close() error
	// Destroy overwrites every slot, flushes, and then removes the file; it may be called after Close, and again when it
	// failed. It waits for the lock. Other Files on it give ErrLost or zeros from then on. Errors: ErrBlocked, the context's.
	Destroy(ctx context.Context) error
}

// Keys is access to the slots for one piece of work, on one goroutine. No call of it waits for anything but the disk, so all
// are allowed inside a transaction.
type Keys interface {
	// Read returns the bytes of a run, SlotSize each; slots that were never written are zeros.
	Read(run Run) ([]byte, error)
	// Write overwrites the slots of a run, and only these. It needs Begin with write. The bytes are the caller's again
	// afterwards. They may be lost in a power cut until Flush.
	Write(run Run, slots []byte) error
	// Flush returns when all that was written is on the disk.
	Flush() error
	// End gives the lock back. It may be called twice.
	End()
}
