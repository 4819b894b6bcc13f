package keyring

import (
	"context"
	"sync"
)

// Memory is a keyring file in memory, for tests, simulations and native programs. Reopen is what a later page load, or another
// tab, sees; Cut is what a power cut leaves.
type Memory struct {
	disk *memoryDisk

	mu     sync.Mutex
	closed bool
}

// memoryDisk is what the files on one keyring share.
type memoryDisk struct {
	lock chan struct{} // holds one token: the right to write

	mu      sync.Mutex
	slots   []byte
	flushed []byte // as of the last Flush
	gone    bool   // destroyed
}

// NewMemory makes an empty keyring and a file on it.
func NewMemory() *Memory {
	d := &memoryDisk{lock: make(chan struct{}, 1)}
	d.lock <- struct{}{}
	return &Memory{disk: d}
}

// Reopen makes another file on the same keyring; after a Destroy on a new, empty one.
func (m *Memory) Reopen() *Memory {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if m.disk.gone {
		return NewMemory()
	}
	return &Memory{disk: m.disk}
}

// Cut takes back everything that was not flushed, as a power cut may. No work may be under way.
func (m *Memory) Cut() {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.slots = append([]byte(nil), m.disk.flushed...)
}

// Bytes is all that the file holds.
func (m *Memory) Bytes() []byte {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	return append([]byte(nil), m.disk.slots...)
}

func (m *Memory) usable() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if m.disk.gone {
		return ErrLost
	}
	return nil
}

// Begin implements File.
func (m *Memory) Begin(ctx context.Context, write bool) (Keys, error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	k := &memoryKeys{file: m}
	if write {
		select {
		case <-m.disk.lock:
			k.locked = true
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if err := m.usable(); err != nil {
			k.End()
			return nil, err
		}
	}
	return k, nil
}

// Close implements File.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Destroy implements File.
func (m *Memory) Destroy(ctx context.Context) error {
	if err := m.Close(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-m.disk.lock:
		defer func() { m.disk.lock <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.gone, m.disk.slots, m.disk.flushed = true, nil, nil
	return nil
}

type memoryKeys struct {
	file   *Memory
	locked bool
}

func (k *memoryKeys) Read(run Run) ([]byte, error) {
	if err := k.check(run); err != nil {
		return nil, err
	}
	d := k.file.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]byte, int(run.N)*SlotSize)
	if at := int(run.From) * SlotSize; at < len(d.slots) {
		copy(out, d.slots[at:])
	}
	return out, nil
}

func (k *memoryKeys) Write(run Run, slots []byte) error {
	if err := k.check(run); err != nil {
		return err
	}
	if !k.locked {
		return ErrReadOnly
	}
	if len(slots) != int(run.N)*SlotSize {
		return ErrRange
	}
	d := k.file.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if run.N == 0 {
		return nil
	}
	if need := int(run.End()) * SlotSize; need > len(d.slots) {
		d.slots = append(d.slots, make([]byte, need-len(d.slots))...)
	}
	copy(d.slots[int(run.From)*SlotSize:], slots)
	return nil
}

func (k *memoryKeys) Flush() error {
	if err := k.file.usable(); err != nil {
		return err
	}
	d := k.file.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flushed = append([]byte(nil), d.slots...)
	return nil
}

func (k *memoryKeys) check(run Run) error {
	if run.N > MaxSlots || run.From > MaxSlots-run.N {
		return ErrRange
	}
	return k.file.usable()
}

func (k *memoryKeys) End() {
	if k.locked {
		k.locked = false
		k.file.disk.lock <- struct{}{}
	}
}
