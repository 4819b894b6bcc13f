package vault

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
	"github.com/lethe-im/lethe/wire"
)

// shelf is a disk with a reserve: full, it takes what is written only while the reserve is given.
type shelf struct {
	full bool
	held bool
}

func (s *shelf) Hold(context.Context) error {
	if s.held || !s.full {
		s.held = true
		return nil
	}
	return kv.ErrFull
}

func (s *shelf) Probe(context.Context) error {
	if s.full && s.held {
		return kv.ErrFull
	}
	return nil
}

func (s *shelf) Give(context.Context) error { s.held = false; return nil }
func (s *shelf) Close() error               { return nil }

// On a full disk deletions have the reserve, and nothing else has.
func TestReserveIsForDeleting(t *testing.T) {
	b := newBench(t)
	b.fill(600)
	disk := &shelf{}
	b.v.UseReserve(disk)
	require.NoError(t, b.v.HoldReserve(b.ctx))
	disk.full = true
	send := func() error {
		_, err := b.v.Append(b.ctx, conversation, wire.Message{SendID: wire.ID{1}, From: me})
		return err
	}
	before := b.rows()
	require.ErrorIs(t, send(), kv.ErrFull)
	require.ErrorIs(t, b.v.SetDraft(b.ctx, conversation, "half"), kv.ErrFull)
	b.grow(1, nil)
	require.ErrorIs(t, b.receive(601), kv.ErrFull)
	require.True(t, disk.held)
	require.Equal(t, before, b.rows())

	b.delete(Deletion{What: wire.WhatMessages, Seqs: []uint64{3}})
	require.False(t, disk.held)
	b.reclaim()
	require.ErrorIs(t, send(), kv.ErrFull, "what is left is for deleting")
	d := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
	require.True(t, d.Settled.Erased)

	disk.full = false
	require.NoError(t, send())
	require.True(t, disk.held, "it is held again")
}

// A connection that breaks is tried again, and what was not begun with room gets it.
func TestBrokenIsTriedAgain(t *testing.T) {
	for _, err := range []error{kv.ErrBroken, kv.ErrFull} {
		b := newBench(t)
		b.fill(600)
		disk := &shelf{held: true}
		b.v.UseReserve(disk)
		b.faults.Arm(kvtest.Fault{Step: 3, Err: err})
		d := b.delete(Deletion{What: wire.WhatConversation, Hide: true})
		require.True(t, b.faults.Bit())
		require.True(t, d.Settled.Erased)
		require.Equal(t, err == kv.ErrFull, b.v.short.Load())
	}
}
