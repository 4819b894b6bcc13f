package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// candidate keeps groups of users and deletes from them, for one user at a time.
type candidate interface {
	send(ctx context.Context, m *measure, group, user int) error
	delete(ctx context.Context, m *measure, group, user, head, first, last int) error
	deleteGroup(ctx context.Context, m *measure, group, user, head int) error
	count(ctx context.Context, group, user int) (int, error)
	settle(ctx context.Context, m meter) (last time.Time, err error)
}

// side is a candidate with what measures it.
type side struct {
	name string
	candidate
	meter     meter
	processes processes
	deleters  int // users who can delete a whole conversation of the sizes
}

// cost is what one task has cost one candidate.
type cost struct {
	Task     string `json:"task"`
	Members  int    `json:"members"`
	Messages int    `json:"messages"`
	Side     string `json:"side"`

	Times sample  `json:"times"` // ms
	Least float64 `json:"least"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	// Processor is for how many ms the server and the database ran, the median.
	Processor float64 `json:"processor"`
	// Wrote are medians. SQLite's bytes are those that its process gave to the disk, and its rows are not counted.
	Wrote written `json:"wrote"`
	After *after  `json:"after,omitempty"`
}

// after is what one deletion of a whole conversation leaves to do: Lethe looks for what no view holds any more, the textbook vacuums.
type after struct {
	Seconds   float64 `json:"seconds"` // until the last was written
	Wrote     written `json:"wrote"`
	Processor float64 `json:"processor"` // seconds
}

// The tasks, as the report names them.
const (
	taskSend    = "send a message"
	taskOne     = "delete one message"
	taskRange   = "delete a range"
	taskAll     = "delete the conversation"
	taskPurging = "delete it on both sides"
)

// task is done to all sides in turn.
type task struct {
	name              string
	members, messages int
	repeats           func(s side) int
	// do does it for the i-th time; left, where it is not nil, is what the user sees then of the group.
	do   func(ctx context.Context, s side, m *measure, i int) error
	left func(ctx context.Context, s side) error
	// settles: what the last one leaves to do is measured too.
	settles bool
}

// task does a task: each repetition on all sides, every second one backwards.
func (r *rig) task(ctx context.Context, t task, sides []side) (costs []cost, err error) {
	measures := make([]*measure, len(sides))
	lasts := make([]*after, len(sides))
	most := 0
	for i, s := range sides {
		measures[i] = &measure{meter: s.meter, processes: s.processes}
		most = max(most, t.repeats(s))
	}
	for i := range most {
		if err := r.quiet(); err != nil {
			return nil, err
		}
		order := make([]int, len(sides))
		for at := range order {
			order[at] = at
		}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, at := range order {
			s, n := sides[at], t.repeats(sides[at])
			if i >= n {
				continue
			}
			do := func() error { return t.do(ctx, s, measures[at], i) }
			if t.settles && i == n-1 {
				lasts[at], err = s.settled(ctx, do)
			} else {
				err = do()
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", t.name, s.name, err)
			}
		}
	}
	for i, s := range sides {
		if t.left != nil {
			if err := t.left(ctx, s); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", t.name, s.name, err)
			}
		}
		costs = append(costs, costOf(t, s.name, measures[i], lasts[i]))
	}
	return costs, nil
}

func costOf(t task, side string, m *measure, last *after) cost {
	return cost{
		Task: t.name, Members: t.members, Messages: t.messages, Side: side,
		Times: m.Times, Least: m.Times.at(0), P50: m.Times.median(), P99: m.Times.p99(), Processor: m.Processor.median(),
		Wrote: written{
			Rows:   m.wrote(func(w written) float64 { return w.Rows }),
			Bytes:  m.wrote(func(w written) float64 { return w.Bytes }),
			Images: m.wrote(func(w written) float64 { return w.Images }),
		},
		After: last,
	}
}

// settled does something when nothing is owed, and measures what it leaves to do.
func (s side) settled(ctx context.Context, do func() error) (*after, error) {
	if _, err := s.settle(ctx, s.meter); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	start := time.Now()
	used, err := s.processes.spent()
	if err != nil {
		return nil, err
	}
	from, err := s.meter.place(ctx)
	if err != nil {
		return nil, err
	}
	last, err := s.settle(ctx, s.meter)
	if err != nil {
		return nil, err
	}
	to, err := s.meter.place(ctx)
	if err != nil {
		return nil, err
	}
	wrote, err := s.meter.between(ctx, from, to)
	if err != nil {
		return nil, err
	}
	now, err := s.processes.spent()
	used = now.since(used)
	return &after{Seconds: last.Sub(start).Seconds(), Wrote: wrote, Processor: used.Server + used.Database}, err
}

// sees fails unless a user sees so many messages of a group: a time counts only if the work was done.
func (s side) sees(ctx context.Context, group, user, messages int) error {
	n, err := s.count(ctx, group, user)
	if err == nil && n != messages {
		err = fmt.Errorf("user %d sees %d messages of group %d, not %d", user, n, group, messages)
	}
	return err
}
