// Package tabs is what the tabs of one user on one device need of each other: pokes, and locks that the platform takes back
// from a tab that dies. It has one in memory here and the browser's in package idb; package tabstest has the contract that
// both pass.
package tabs

import (
	"context"
	"errors"
)

// Poke is a hint that something has happened. It carries nothing else, may come late or be lost, and who hears it looks for
// itself. Tabs of before know Changed alone.
type Poke uint8

// The pokes.
const (
	Changed Poke = iota // the database has changed
	Outbox              // what is owed to the server has changed; whoever leads answers Here
	Here                // there is a tab that leads
)

// Mode is how a lock is asked for.
type Mode uint8

// The modes.
const (
	Wait   Mode = iota // wait until it is free, behind those who asked before
	IfFree             // do not wait: ErrTaken
	Steal              // take it at once, from whoever has it
)

// ErrTaken: the lock was asked for IfFree, and is not.
var ErrTaken = errors.New("tabs: another tab has the lock")

// Tabs is one tab's end. Its methods may be called from many goroutines; names are shared by all tabs of the origin.
type Tabs interface {
	// Join takes part in the pokes of a name. heard is called for each poke of another tab, in order; it must not wait.
	// poke may be called after leave, and then does nothing.
	Join(name string, heard func(Poke)) (poke func(Poke), leave func())
	// Hold holds a name together with other tabs, until release, which may be called twice and returns when it is let go.
	Hold(ctx context.Context, name string) (release func(), err error)
	// Held tells whether any tab, this one included, holds the name.
	Held(ctx context.Context, name string) (bool, error)
	// Lock holds a name alone, against Hold too.
	// Errors: ErrTaken, the context's, the platform's refusal.
	Lock(ctx context.Context, name string, mode Mode) (*Lease, error)
}

// Lease is a lock that is held alone.
type Lease struct {
	// Over is closed when it is not held any more: released, or stolen.
	Over <-chan struct{}
	// Release gives it back and does not wait; it may be called twice.
	Release func()
}

// Alone is the Tabs of a program that has no other tabs: nobody is heard, and every lock is free.
type Alone struct{}

// Join implements Tabs.
func (Alone) Join(string, func(Poke)) (func(Poke), func()) { return func(Poke) {}, func() {} }

// Hold implements Tabs.
func (Alone) Hold(context.Context, string) (func(), error) { return func() {}, nil }

// Held implements Tabs.
func (Alone) Held(context.Context, string) (bool, error) { return false, nil }

// Lock implements Tabs.
func (Alone) Lock(context.Context, string, Mode) (*Lease, error) {
	return &Lease{Release: func() {}}, nil
}
