package sim

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
)

// disk is a device's database: what tabs see of it, and what a power cut would leave. A strict commit is on the platter with
// all that came before; after it, relaxed ones may be lost, the later before the earlier.
type disk struct {
	w       *world
	mem     *kv.Memory
	platter *kv.Memory
	relaxed []*kv.Memory // after each relaxed commit since the last strict one
	writing bool
	full    bool
	ever    []written
}

func newDisk(w *world) *disk {
	d := &disk{w: w}
	d.wipe()
	return d
}

// wipe takes everything away.
func (d *disk) wipe() {
	d.mem = kv.NewMemory(vault.Tables...)
	d.platter, d.relaxed = d.mem.Copy(), nil
}

func (d *disk) committed(durability kv.Durability) {
	if now := d.mem.Copy(); durability == kv.Strict {
		d.platter, d.relaxed = now, nil
	} else {
		d.relaxed = append(d.relaxed, now)
	}
}

// cut is a power cut; kept of the relaxed commits since the last strict one are there afterwards.
func (d *disk) cut(kept int) {
	if kept < len(d.relaxed) {
		d.w.bite("lost commit")
	}
	if kept > 0 && len(d.relaxed) > 0 {
		d.platter = d.relaxed[min(kept, len(d.relaxed))-1]
	}
	d.mem, d.relaxed = d.platter.Copy(), nil
}

// store is one tab's kv.Store.
type store struct {
	d   *disk
	p   *process
	mem *kv.Memory
}

func (d *disk) open(p *process) *store { return &store{d: d, p: p, mem: d.mem.Reopen()} }

// View implements kv.Store.
func (s *store) View(ctx context.Context, tables []kv.Table, fn func(kv.Tx) error) error {
	if !s.p.pass("kv view", nil, nil) {
		return kv.ErrLost
	}
	return s.mem.View(ctx, tables, fn)
}

// Update implements kv.Store: it may wait, or die, before it begins, before it commits, and before anybody hears of that.
func (s *store) Update(ctx context.Context, durability kv.Durability, tables []kv.Table, fn func(kv.Tx) error) error {
	d := s.d
	if !s.p.pass("kv begin", func() bool { return !d.writing }, func() { d.writing = true }) {
		return kv.ErrLost
	}
	defer func() { d.writing = false }()
	wrote := false
	err := s.mem.Update(ctx, durability, tables, func(tx kv.Tx) error {
		counting := &countingTx{Tx: tx, d: d}
		if err := fn(counting); err != nil {
			return err
		}
		wrote = counting.puts > 0
		if !s.p.pass("kv commit", nil, nil) {
			return kv.ErrLost
		}
		if d.full && wrote {
			d.w.bite("quota")
			return kv.ErrFull
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.committed(durability)
	if !s.p.pass("kv done", nil, nil) {
		return kv.ErrLost
	}
	return nil
}

// countingTx counts what needs room, and keeps what is written.
type countingTx struct {
	kv.Tx
	d    *disk
	puts int
}

func (t *countingTx) Put(table kv.Table, key kv.Key, value []byte) error {
	t.puts++
	t.d.ever = append(t.d.ever, written{table, append([]byte(nil), value...)})
	return t.Tx.Put(table, key, value)
}

// Close implements kv.Store.
func (s *store) Close() error { return s.mem.Close() }

// Destroy implements kv.Store.
func (s *store) Destroy(ctx context.Context) error {
	d := s.d
	if !s.p.pass("kv destroy", func() bool { return !d.writing }, nil) {
		return kv.ErrLost
	}
	// What has the name now is deleted, as in a browser, also where a tab has begun it anew since this one lost its own.
	if err := errors.Join(s.mem.Close(), d.mem.Destroy(ctx)); err != nil {
		return err
	}
	d.wipe()
	return nil
}
