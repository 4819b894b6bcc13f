package main

import (
	"context"
	"fmt"
)

// costs measures what deletions and messages cost, one at a time.
func (r *rig) costs(ctx context.Context) (all []cost, err error) {
	f, err := r.openField(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := f.close(); err == nil {
			err = e
		}
	}()
	// What a connection prepares once, and what a page costs that was never read, is not measured.
	for _, t := range r.tasks(warmGroup, r.plan.Copies, warmMessages) {
		if _, err := r.task(ctx, t, f.sides); err != nil {
			return nil, err
		}
	}
	var tasks []task
	for i, size := range r.plan.Sizes {
		sized := r.tasks(sizedGroup(i), r.plan.Copies, size)
		if i < len(r.plan.Sizes)-1 {
			sized = sized[len(sized)-1:] // only the whole conversation: how it grows
		}
		tasks = append(tasks, sized...)
	}
	for i, members := range r.plan.Crowds {
		tasks = append(tasks, r.crowdTasks(crowdGroup(i), members)...)
	}
	for _, t := range tasks {
		costs, err := r.task(ctx, t, f.sides)
		if err != nil {
			return nil, err
		}
		all = append(all, costs...)
		r.say("%s, %d members, %d messages: done", t.name, t.members, t.messages)
	}
	purged, err := r.purging(ctx, f)
	return append(all, purged...), err
}

// Groups are numbered.
const (
	warmGroup    = 0
	warmMessages = 100
)

func sizedGroup(i int) int { return 1 + i }

func crowdGroup(i int) int { return 100 + i }

// tasks are those of a conversation with few members.
func (r *rig) tasks(group, members, messages int) []task {
	// This user of each side never deletes everything.
	stays := func(s side) int { return s.deleters }
	span := min(r.plan.Range, messages/(2*r.plan.Repeats))
	repeats := func(side) int { return r.plan.Repeats }
	return []task{
		{
			name: taskOne, members: members, messages: messages, repeats: repeats,
			do: func(ctx context.Context, s side, m *measure, i int) error {
				return s.delete(ctx, m, group, stays(s), messages, messages-i, messages-i)
			},
			left: func(ctx context.Context, s side) error { return s.sees(ctx, group, stays(s), messages-r.plan.Repeats) },
		},
		{
			name: fmt.Sprintf("%s of %d", taskRange, span), members: members, messages: messages, repeats: repeats,
			do: func(ctx context.Context, s side, m *measure, i int) error {
				return s.delete(ctx, m, group, stays(s), messages, 1+i*span, (i+1)*span)
			},
			left: func(ctx context.Context, s side) error {
				return s.sees(ctx, group, stays(s), messages-r.plan.Repeats*(1+span))
			},
		},
		{
			name: taskAll, members: members, messages: messages, settles: true,
			repeats: func(s side) int { return s.deleters },
			do: func(ctx context.Context, s side, m *measure, i int) error {
				return s.deleteGroup(ctx, m, group, i, messages)
			},
			left: func(ctx context.Context, s side) error { return s.sees(ctx, group, 0, 0) },
		},
	}
}

// crowdTasks are those of a large group.
func (r *rig) crowdTasks(group, members int) []task {
	n, messages := r.plan.Repeats, r.plan.CrowdMessages
	span := messages / (2 * n)
	repeats := func(side) int { return n }
	return []task{
		{
			name: taskSend, members: members, messages: messages, repeats: repeats,
			do:   func(ctx context.Context, s side, m *measure, i int) error { return s.send(ctx, m, group, i) },
			left: func(ctx context.Context, s side) error { return s.sees(ctx, group, members-1, messages+n) },
		},
		{
			name: taskOne, members: members, messages: messages, repeats: repeats,
			do: func(ctx context.Context, s side, m *measure, i int) error {
				return s.delete(ctx, m, group, members-1, messages, messages-i, messages-i)
			},
			left: func(ctx context.Context, s side) error { return s.sees(ctx, group, members-1, messages) },
		},
		{
			name: fmt.Sprintf("%s of %d", taskRange, span), members: members, messages: messages, repeats: repeats,
			do: func(ctx context.Context, s side, m *measure, i int) error {
				return s.delete(ctx, m, group, members-1, messages, 1+i*span, (i+1)*span)
			},
			left: func(ctx context.Context, s side) error { return s.sees(ctx, group, members-1, messages-n*span) },
		},
		{
			name: taskAll, members: members, messages: messages + n, repeats: repeats, settles: true,
			do: func(ctx context.Context, s side, m *measure, i int) error {
				return s.deleteGroup(ctx, m, group, i, messages+n)
			},
			left: func(ctx context.Context, s side) error { return s.sees(ctx, group, 0, 0) },
		},
	}
}

// purging measures what Lethe does when the second of two users deletes a conversation: nobody holds its messages any more.
func (r *rig) purging(ctx context.Context, f *field) (costs []cost, err error) {
	t := task{name: taskPurging, members: 2, messages: r.plan.Purged}
	for i, l := range f.lethes {
		s := f.sides[i]
		var m measure
		if err := l.deleteAll(ctx, &m, pair[0], "C2C"+pair[1], r.plan.Purged); err != nil {
			return nil, err
		}
		m.meter, m.processes = s.meter, s.processes
		last, err := s.settled(ctx, func() error { return l.deleteAll(ctx, &m, pair[1], "C2C"+pair[0], r.plan.Purged) })
		if err != nil {
			return nil, err
		}
		costs = append(costs, costOf(t, s.name, &m, last))
	}
	return costs, nil
}
