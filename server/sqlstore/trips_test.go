package sqlstore

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

// sent counts what a server sends to PostgreSQL: all that waits for one answer is one write.
type sent struct {
	net.Conn
	writes *atomic.Int32
}

func (s sent) Write(b []byte) (int, error) {
	s.writes.Add(1)
	return s.Conn.Write(b)
}

// What an operation waits for is the network, more than PostgreSQL: its statements travel together.
func TestRoundTrips(t *testing.T) {
	config, err := postgresConfig(pgtest.Database(t))
	require.NoError(t, err)
	var writes atomic.Int32
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return sent{c, &writes}, err
	}
	s, err := openPostgres(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	s.crowd(t, "g", 3, 1000)

	who := server.Who{App: "lethe", User: "u00001", Device: "d"}
	var n byte
	var read uint64
	id := func() wire.ID { n++; return wire.ID{n, 1} }
	remove := func(d wire.Delete) func(context.Context) error {
		return func(ctx context.Context) error {
			set, _, err := s.Settings(ctx, "lethe")
			require.NoError(t, err)
			set.SyncDeletions, set.CloudHistory = true, true
			d.OpID, d.ConversationID, d.Scope = id(), "GROUPg", wire.ScopeBoth
			d.Anchor = 900 + uint64(n) // each deletes more than the one before
			if d.What == wire.WhatMessages {
				d.Ranges = wire.RangesOf(uint64(n), 256+uint64(n), d.Anchor)
			}
			_, err = s.Delete(ctx, who, d, set, 2000)
			return err
		}
	}
	send := func(conversation string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := s.Send(ctx, who, wire.Send{SendID: id(), ConversationID: conversation, Type: wire.TypeText, Payload: []byte{0x80}}, 2000)
			return err
		}
	}
	for _, c := range []struct {
		what  string
		most  int32
		apply func(context.Context) error
	}{
		// Settings; lock, opID, view and ledgers; all that is written, with the newest message and the count; the commit.
		{"delete messages", 4, remove(wire.Delete{What: wire.WhatMessages})},
		{"delete and hide messages", 4, remove(wire.Delete{What: wire.WhatMessages, Hide: true})},
		{"delete a conversation", 4, remove(wire.Delete{What: wire.WhatConversation, Hide: true})},
		// Lock, sendID and membership; all that is written, with the commit.
		{"send to a group", 2, send("GROUPg")},
		{"send to a user", 2, send("C2Cu00002")},
		{"read", 2, func(ctx context.Context) error {
			read++
			_, err := s.Read(ctx, who, wire.Read{ConversationID: "C2Cu00002", UpTo: read})
			return err
		}},
		// The user's number; the number again, for the same snapshot; the rows; the commit.
		{"rows of a change", 4, func(ctx context.Context) error {
			now, _, err := s.Number(ctx, who)
			require.NoError(t, err)
			_, err = s.Rows(ctx, who, now-1, 100)
			return err
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			// The least of some: the first has its statements prepared, and a connection that has rested is asked whether it lives.
			least := int32(1 << 30)
			for range 5 {
				writes.Store(0)
				require.NoError(t, c.apply(t.Context()))
				least = min(least, writes.Load())
			}
			require.LessOrEqual(t, least, c.most)
			require.Positive(t, least)
		})
	}
}
