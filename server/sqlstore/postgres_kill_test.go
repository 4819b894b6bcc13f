package sqlstore_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// attempt is a message and its deletion, tried until both are acknowledged, as a device does.
type attempt struct {
	who     server.Who
	n       uint64
	ack     wire.SendAck
	deleted wire.DeleteAck
	failed  int
}

func (x *attempt) id(kind byte) (id wire.ID) {
	binary.BigEndian.PutUint64(id[:], x.n)
	id[15] = kind
	return id
}

func (x *attempt) try(t *testing.T, s *sqlstore.Store) (err error) {
	send := wire.Send{SendID: x.id(1), ConversationID: "C2Cpeer", Type: wire.TypeText, Payload: msgp.AppendUint64(nil, x.n)}
	if x.ack, _, err = s.Send(t.Context(), x.who, send, 1000); err != nil {
		return err
	}
	x.deleted, err = s.Delete(t.Context(), x.who, wire.Delete{
		OpID: x.id(2), ConversationID: "C2Cpeer", Scope: wire.ScopeBoth, What: wire.WhatMessages,
		Anchor: x.ack.Seq, Ranges: wire.RangesOf(x.ack.Seq),
	}, server.Lethe, 1000)
	return err
}

// PostgreSQL dies under a working server, as by kill -9, and comes back: what was under way fails with a code that devices
// try again after, the server goes on by itself, and what was acknowledged is there once.
func TestPostgresDiesAndComesBack(t *testing.T) {
	cluster, err := pgtest.Start()
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Stop()) }()
	address, err := cluster.Database(t.Context())
	require.NoError(t, err)
	s := openPostgres(t, address)
	defer func() { require.NoError(t, s.Close()) }()

	const users, deaths = 4, 3
	var jobs sync.WaitGroup
	var stop atomic.Bool
	var acknowledged, failures atomic.Int64
	done := make([][]*attempt, users)
	for u := range users {
		jobs.Go(func() {
			for n := uint64(1); !stop.Load(); n++ {
				x := &attempt{who: server.Who{App: "lethe", User: fmt.Sprint("u", u)}, n: n}
				for {
					start := time.Now()
					err := x.try(t, s)
					if err == nil {
						break
					}
					x.failed++
					failures.Add(1)
					if code := wire.CodeOf(err); code != wire.Internal || !code.Retryable() || time.Since(start) > 10*time.Second {
						t.Errorf("after %v: %v", time.Since(start), err)
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				done[u] = append(done[u], x)
				acknowledged.Add(1)
			}
		})
	}
	work := func() {
		before := acknowledged.Load()
		require.Eventually(t, func() bool { return acknowledged.Load() > before+20 }, 60*time.Second, 5*time.Millisecond)
	}
	for range deaths {
		work()
		before := failures.Load()
		cluster.Kill()
		require.Eventually(t, func() bool { return failures.Load() >= before+users }, 60*time.Second, 5*time.Millisecond, "the death was not noticed")
		require.NoError(t, cluster.Launch())
	}
	work()
	stop.Store(true)
	jobs.Wait()

	again := 0
	for _, mine := range done {
		for _, x := range mine {
			if x.failed > 0 {
				again++
			}
			before := *x
			require.NoError(t, x.try(t, s))
			require.Equal(t, before.ack, x.ack)
			require.Equal(t, []uint64{before.deleted.N, before.deleted.Through}, []uint64{x.deleted.N, x.deleted.Through})
			require.Equal(t, x.n, x.ack.Seq, "seqs without gaps")
			require.Equal(t, x.n+1, x.deleted.N, "numbers without gaps; number 1 is the span")
		}
	}
	t.Logf("%d messages and deletions acknowledged over %d deaths, %d of them after a failure, %d failures", acknowledged.Load(), deaths, again, failures.Load())
	require.GreaterOrEqual(t, again, deaths, "nobody was hit")
}
