package sim

import (
	"context"
	"sync/atomic"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// ring is a device's keyring. Of what was not flushed a power cut keeps any part.
type ring struct {
	w        *world
	slots    []byte
	platter  []byte
	unsynced map[uint32]bool // slots written since the last flush
	locked   bool
	full     bool
	life     int // rises when the file is destroyed: files opened before are lost
}

func newRing(w *world) *ring { return &ring{w: w, unsynced: map[uint32]bool{}} }

// wipe takes everything away.
func (r *ring) wipe() {
	r.slots, r.platter, r.unsynced = nil, nil, map[uint32]bool{}
	r.life++
}

// cut is a power cut; keeps says which of the slots that were not flushed are as they were written.
func (r *ring) cut(keeps func() bool) {
	grown := make([]byte, len(r.slots))
	copy(grown, r.platter)
	for slot := uint32(0); int(slot)*keyring.SlotSize < len(grown); slot++ {
		at := slot * keyring.SlotSize
		if r.unsynced[slot] && keeps() {
			copy(grown[at:at+keyring.SlotSize], r.slots[at:])
		} else if r.unsynced[slot] {
			r.w.bite("lost key write")
		}
	}
	r.slots, r.platter, r.unsynced = grown, append([]byte(nil), grown...), map[uint32]bool{}
}

// file is one tab's keyring.File.
type file struct {
	r      *ring
	p      *process
	life   int
	closed atomic.Bool
}

func (r *ring) open(p *process) *file { return &file{r: r, p: p, life: r.life} }

func (f *file) usable() error {
	switch {
	case f.closed.Load():
		return keyring.ErrClosed
	case f.p.dead.Load() || f.life != f.r.life:
		return keyring.ErrLost
	}
	return nil
}

// Begin implements keyring.File.
func (f *file) Begin(ctx context.Context, write bool) (keyring.Keys, error) {
	if err := f.usable(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if write {
		if !f.p.pass("ring lock", func() bool { return !f.r.locked }, func() { f.r.locked = true }) {
			return nil, keyring.ErrLost
		}
		if err := f.usable(); err != nil {
			f.r.locked = false
			return nil, err
		}
	}
	return &keys{f: f, locked: write}, nil
}

// Close implements keyring.File.
func (f *file) Close() error {
	f.closed.Store(true)
	return nil
}

// Destroy implements keyring.File.
func (f *file) Destroy(ctx context.Context) error {
	f.closed.Store(true)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !f.p.pass("ring destroy", func() bool { return !f.r.locked }, nil) {
		return keyring.ErrLost
	}
	f.r.wipe()
	return nil
}

// keys implements keyring.Keys.
type keys struct {
	f      *file
	locked bool
}

func (k *keys) check(run keyring.Run) error {
	if run.N > keyring.MaxSlots || run.From > keyring.MaxSlots-run.N {
		return keyring.ErrRange
	}
	return k.f.usable()
}

func (k *keys) Read(run keyring.Run) ([]byte, error) {
	if err := k.check(run); err != nil {
		return nil, err
	}
	out := make([]byte, int(run.N)*keyring.SlotSize)
	if at := int(run.From) * keyring.SlotSize; at < len(k.f.r.slots) {
		copy(out, k.f.r.slots[at:])
	}
	return out, nil
}

func (k *keys) Write(run keyring.Run, slots []byte) error {
	if err := k.check(run); err != nil {
		return err
	}
	r := k.f.r
	switch {
	case !k.locked:
		return keyring.ErrReadOnly
	case len(slots) != int(run.N)*keyring.SlotSize:
		return keyring.ErrRange
	case run.N == 0:
		return nil
	}
	if !k.f.p.pass("ring write", nil, nil) {
		return keyring.ErrLost
	}
	if need := int(run.End()) * keyring.SlotSize; need > len(r.slots) {
		if r.full {
			r.w.bite("quota")
			return keyring.ErrFull
		}
		r.slots = append(r.slots, make([]byte, need-len(r.slots))...)
	}
	copy(r.slots[int(run.From)*keyring.SlotSize:], slots)
	for slot := run.From; slot < run.End(); slot++ {
		r.unsynced[slot] = true
	}
	return nil
}

func (k *keys) Flush() error {
	if err := k.f.usable(); err != nil {
		return err
	}
	if !k.f.p.pass("ring flush", nil, nil) {
		return keyring.ErrLost
	}
	r := k.f.r
	r.platter = append([]byte(nil), r.slots...)
	clear(r.unsynced)
	return nil
}

func (k *keys) End() {
	if k.locked {
		k.locked = false
		k.f.r.locked = false
	}
}
