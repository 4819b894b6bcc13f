// Package kv is the store under the vault: a few tables of number keys and byte values, with strict serializable
// transactions. It has a memory store here and an IndexedDB store in package idb. Package kvtest has Contract, the suite
// both pass, and Faults, the injector that fails at step k.
package kv

import (
	"context"
	"errors"
)

// Table names one table of a store.
type Table string

// Key is a key in a table: a whole number up to MaxKey, since IndexedDB keys are doubles.
type Key uint64

// MaxKey is the greatest key.
const MaxKey Key = 1<<53 - 1

// Durability says what a nil error from Update proves.
type Durability uint8

const (
	// Relaxed: the write survives the death of the page and of the browser.
	Relaxed Durability = iota
	// Strict: the write has also been flushed to the disk.
	Strict
)

// Entry is one record.
type Entry struct {
	Key   Key
	Value []byte
}

// Span is the keys From … To, both included; none if From is above To. A To above MaxKey means MaxKey.
type Span struct{ From, To Key }

// All is every key.
var All = Span{0, MaxKey}

// The errors of a store. Errors wrap one of them where the cause is known.
var (
	// ErrFull: no space; nothing was changed.
	ErrFull = errors.New("kv: storage is full")
	// ErrClosed: the store was closed by its user.
	ErrClosed = errors.New("kv: store is closed")
	// ErrLost: the browser closed or deleted the database under us; what was committed may be gone.
	ErrLost = errors.New("kv: database is lost")
	// ErrBroken: the connection to the database broke; nothing was changed, as far as can be known. The next transaction opens another.
	ErrBroken = errors.New("kv: connection to the database broke")
	// ErrBlocked: another connection keeps the database from being opened in this version.
	ErrBlocked = errors.New("kv: database is blocked by another connection")
	// ErrNewer: the database has a newer version than this program; it was left as it is.
	ErrNewer = errors.New("kv: database is newer than this program")
	// ErrUnknown: the context ended, or the database was closed, before the outcome was known; the write may or may not have happened.
	ErrUnknown = errors.New("kv: outcome unknown")
	// ErrReadOnly: a View tried to write.
	ErrReadOnly = errors.New("kv: write in a read-only transaction")
	// ErrTable: the transaction did not name the table, or the store does not have it.
	ErrTable = errors.New("kv: table not in this transaction")
	// ErrKey: a key above MaxKey.
	ErrKey = errors.New("kv: key out of range")
	// ErrOver: the transaction has ended: it was used outside fn, or fn waited for something else.
	ErrOver = errors.New("kv: transaction is over")
)

// Store is a database. Its methods may be called from many goroutines; transactions with a table in common behave as if
// they ran one after the other, also against other tabs.
type Store interface {
	// View runs fn in a read-only transaction over the tables, with one unchanging view of them.
	View(ctx context.Context, tables []Table, fn func(Tx) error) error
	// Update runs fn in a read-write transaction. It commits when fn returns nil, and only a nil error proves that: a
	// context that ends first gives ErrUnknown, and so does a database that is closed. An error from fn aborts, changes nothing, and is returned as it is; so
	// does a panic, which goes on to the caller.
	Update(ctx context.Context, durability Durability, tables []Table, fn func(Tx) error) error
	// Close ends the store. Transactions under way finish, or fail with ErrClosed, ErrLost or, where the outcome is not known,
	// ErrUnknown; none waits without end. It may be called twice.
	Close() error
	// Destroy closes the store and removes the database with all it holds. Other stores on it (other tabs) then give
	// ErrLost. It may be called after Close, and again when it failed.
	Destroy(ctx context.Context) error
}

// Reserve is space on the disk beside a store, held so that deleting works when the disk is full: even a deletion has to be
// written. Its methods may be called from many goroutines.
type Reserve interface {
	// Hold takes the space, if it is not held. Errors: ErrFull, with which none is held.
	Hold(ctx context.Context) error
	// Probe finds out whether the disk has room for a transaction beside what is held. Errors: ErrFull.
	Probe(ctx context.Context) error
	// Give lets the space go, for what is to be written next. It may be called when none is held.
	Give(ctx context.Context) error
	// Close lets go of what holds it; the space stays held. It may be called twice.
	Close() error
}

// Tx is one transaction. It is valid only inside fn and only on fn's goroutine, and fn waits for nothing else: an
// IndexedDB transaction dies at the first wait that is not its own. Reads come before writes (a read after a write is
// right but slow). Reads fire all their requests before they wait. Values belong to the caller; what is put must not be
// changed afterwards. An empty value is a value, not an absence.
type Tx interface {
	// Ask is a hint: Get may soon want these keys. They are read along with the next read, which saves a round trip; what is
	// written meanwhile Get reads again. Without keys, and with ones that cannot be read, it does nothing: Get says why.
	Ask(table Table, keys ...Key)
	// Get returns the values of the keys, in their order, nil where there is none.
	Get(table Table, keys ...Key) ([][]byte, error)
	// Scan returns the entries in the span by rising key, at most limit (0 = all); with reverse the last ones, falling.
	Scan(table Table, span Span, limit int, reverse bool) ([]Entry, error)
	// Count counts the entries in the span.
	Count(table Table, span Span) (int, error)
	// Put writes one record. The error says only that the request could not be made; see Update.
	Put(table Table, key Key, value []byte) error
	// Delete removes the records in the spans; none there is no error.
	Delete(table Table, spans ...Span) error
}
