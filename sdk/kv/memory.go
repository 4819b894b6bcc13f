package kv

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Memory is a store in memory, for tests, simulations and native programs. What it holds lives as long as a Memory on
// it does: Reopen is what a later page load, or another tab, sees.
type Memory struct {
	disk *disk

	mu     sync.Mutex
	closed bool
}

// disk is what the stores on one database share. A table's entries rise by key and are never changed in place, so that a
// view keeps its picture while updates go on.
type disk struct {
	writer chan struct{} // holds one token: the right to update

	mu     sync.Mutex
	tables map[Table][]Entry
	gone   bool // destroyed
}

// NewMemory makes an empty database with the given tables and a store on it.
func NewMemory(tables ...Table) *Memory {
	d := &disk{writer: make(chan struct{}, 1), tables: make(map[Table][]Entry, len(tables))}
	for _, t := range tables {
		d.tables[t] = nil
	}
	d.writer <- struct{}{}
	return &Memory{disk: d}
}

// Reopen makes another store on the same database. After a Destroy it is a new, empty one.
func (m *Memory) Reopen() *Memory {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if !m.disk.gone {
		return &Memory{disk: m.disk}
	}
	tables := make([]Table, 0, len(m.disk.tables))
	for t := range m.disk.tables {
		tables = append(tables, t)
	}
	return NewMemory(tables...)
}

// Copy makes a database of its own that holds what this one holds now, and a store on it: what was on the disk at one moment.
func (m *Memory) Copy() *Memory {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	c := NewMemory()
	for t, entries := range m.disk.tables {
		c.disk.tables[t] = entries
	}
	return c
}

// View implements Store.
func (m *Memory) View(ctx context.Context, tables []Table, fn func(Tx) error) error {
	tx, err := m.begin(ctx, tables, false)
	if err != nil {
		return err
	}
	defer tx.end()
	return fn(tx)
}

// Update implements Store. Updates run one at a time, whatever their tables.
func (m *Memory) Update(ctx context.Context, _ Durability, tables []Table, fn func(Tx) error) error {
	select {
	case <-m.disk.writer:
		defer func() { m.disk.writer <- struct{}{} }()
	case <-ctx.Done():
		return unknown(ctx)
	}
	tx, err := m.begin(ctx, tables, true)
	if err != nil {
		return err
	}
	defer tx.end()
	if err := fn(tx); err != nil {
		return err
	}
	return m.commit(tx)
}

// Close implements Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Destroy implements Store.
func (m *Memory) Destroy(ctx context.Context) error {
	if err := m.Close(); err != nil {
		return err
	}
	select {
	case <-m.disk.writer:
		defer func() { m.disk.writer <- struct{}{} }()
	case <-ctx.Done():
		return unknown(ctx)
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.gone = true
	for t := range m.disk.tables {
		m.disk.tables[t] = nil
	}
	return nil
}

func unknown(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
}

// usable is nil while the store is open and its database is there. disk.mu is held.
func (m *Memory) usable() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrClosed
	case m.disk.gone:
		return ErrLost
	}
	return nil
}

func (m *Memory) begin(ctx context.Context, tables []Table, write bool) (*memoryTx, error) {
	if ctx.Err() != nil {
		return nil, unknown(ctx)
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if err := m.usable(); err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, fmt.Errorf("%w: none named", ErrTable)
	}
	tx := &memoryTx{write: write, tables: make(map[Table]*memoryTable, len(tables))}
	for _, t := range tables {
		entries, ok := m.disk.tables[t]
		if !ok {
			return nil, fmt.Errorf("%w: %s", ErrTable, t)
		}
		tx.tables[t] = &memoryTable{entries: entries}
	}
	return tx, nil
}

func (m *Memory) commit(tx *memoryTx) error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if err := m.usable(); err != nil {
		return err
	}
	for name, t := range tx.tables {
		if t.owned {
			m.disk.tables[name] = t.entries
		}
	}
	return nil
}

// memoryTx is a transaction's own picture of its tables.
type memoryTx struct {
	write  bool
	tables map[Table]*memoryTable // nil once the transaction is over
}

type memoryTable struct {
	entries []Entry
	owned   bool // entries is this transaction's copy
}

func (tx *memoryTx) end() { tx.tables = nil }

func (tx *memoryTx) table(name Table) (*memoryTable, error) {
	if tx.tables == nil {
		return nil, ErrOver
	}
	t, ok := tx.tables[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrTable, name)
	}
	return t, nil
}

func (tx *memoryTx) writable(name Table) (*memoryTable, error) {
	t, err := tx.table(name)
	if err != nil {
		return nil, err
	}
	if !tx.write {
		return nil, ErrReadOnly
	}
	if !t.owned {
		t.entries, t.owned = slices.Clone(t.entries), true
	}
	return t, nil
}

// find is the place of key, and whether it is there.
func (t *memoryTable) find(key Key) (int, bool) {
	return slices.BinarySearchFunc(t.entries, key, func(e Entry, key Key) int {
		switch {
		case e.Key < key:
			return -1
		case e.Key > key:
			return 1
		}
		return 0
	})
}

// within is the places from … to of the span.
func (t *memoryTable) within(span Span) (from, to int) {
	if span.From > span.To {
		return 0, 0
	}
	from, _ = t.find(span.From)
	to, last := t.find(span.To)
	if last {
		to++
	}
	return from, to
}

func copied(value []byte) []byte { return append(make([]byte, 0, len(value)), value...) }

// Ask does nothing: here reading waits for nothing.
func (tx *memoryTx) Ask(Table, ...Key) {}

func (tx *memoryTx) Get(table Table, keys ...Key) ([][]byte, error) {
	t, err := tx.table(table)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if key > MaxKey {
			return nil, ErrKey
		}
		if at, ok := t.find(key); ok {
			values[i] = copied(t.entries[at].Value)
		}
	}
	return values, nil
}

func (tx *memoryTx) Scan(table Table, span Span, limit int, reverse bool) ([]Entry, error) {
	t, err := tx.table(table)
	if err != nil {
		return nil, err
	}
	from, to := t.within(span)
	if limit > 0 && to-from > limit {
		if reverse {
			from = to - limit
		} else {
			to = from + limit
		}
	}
	entries := make([]Entry, 0, to-from)
	for _, e := range t.entries[from:to] {
		entries = append(entries, Entry{e.Key, copied(e.Value)})
	}
	if reverse {
		slices.Reverse(entries)
	}
	return entries, nil
}

func (tx *memoryTx) Count(table Table, span Span) (int, error) {
	t, err := tx.table(table)
	if err != nil {
		return 0, err
	}
	from, to := t.within(span)
	return to - from, nil
}

func (tx *memoryTx) Put(table Table, key Key, value []byte) error {
	t, err := tx.writable(table)
	if err != nil {
		return err
	}
	if key > MaxKey {
		return ErrKey
	}
	at, ok := t.find(key)
	if ok {
		t.entries[at].Value = value
	} else {
		t.entries = slices.Insert(t.entries, at, Entry{key, value})
	}
	return nil
}

func (tx *memoryTx) Delete(table Table, spans ...Span) error {
	t, err := tx.writable(table)
	if err != nil {
		return err
	}
	for _, span := range spans {
		from, to := t.within(span)
		t.entries = slices.Delete(t.entries, from, to)
	}
	return nil
}
