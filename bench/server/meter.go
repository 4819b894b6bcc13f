package main

import (
	"context"
	"strconv"
	"time"
)

// meter tells what is written: PostgreSQL's by its log, SQLite's by what its process gives to the disk.
type meter interface {
	// place is where the log ends now, or how much was written until now.
	place(ctx context.Context) (string, error)
	between(ctx context.Context, from, to string) (written, error)
	// checkpoint makes what is measured next start from the same state.
	checkpoint(ctx context.Context) error
}

// disk is the meter of a process. It knows of no rows.
type disk struct{ pid int }

func (d disk) place(context.Context) (string, error) {
	bytes, err := writtenTo(d.pid)
	return strconv.FormatFloat(bytes, 'f', 0, 64), err
}

func (d disk) between(_ context.Context, from, to string) (sum written, err error) {
	before, err := strconv.ParseFloat(from, 64)
	if err != nil {
		return sum, err
	}
	after, err := strconv.ParseFloat(to, 64)
	return written{Bytes: after - before}, err
}

func (d disk) checkpoint(context.Context) error { return nil }

// measure is how long something took, repeatedly, and what it wrote. The zero value measures nothing and does it all the same.
type measure struct {
	meter     meter
	processes processes
	Times     sample // ms
	Processor sample // ms that the server and the database ran
	Wrote     []written
}

// of does it and measures it.
func (m *measure) of(ctx context.Context, do func() error) error {
	if m.meter == nil {
		return do()
	}
	if err := m.meter.checkpoint(ctx); err != nil {
		return err
	}
	from, err := m.meter.place(ctx)
	if err != nil {
		return err
	}
	before, err := m.processes.ran()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := do(); err != nil {
		return err
	}
	took := ms(time.Since(start))
	after, err := m.processes.ran()
	if err != nil {
		return err
	}
	to, err := m.meter.place(ctx)
	if err != nil {
		return err
	}
	wrote, err := m.meter.between(ctx, from, to)
	m.Times, m.Processor, m.Wrote = append(m.Times, took), append(m.Processor, after-before), append(m.Wrote, wrote)
	return err
}

// wrote is the median of one of the things that are written.
func (m *measure) wrote(of func(written) float64) float64 {
	var s sample
	for _, w := range m.Wrote {
		s = append(s, of(w))
	}
	return s.median()
}
