package sqlstore

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// spent is the processor time that PostgreSQL has taken for the store; 0 on SQLite, and where the system does not tell.
func (s *Store) spent(t testing.TB) (all time.Duration) {
	t.Helper()
	p, ok := s.database.(*postgres)
	if !ok {
		return 0
	}
	rows, err := p.pool.Query(context.Background(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var pid int
		var onProcessor time.Duration
		require.NoError(t, rows.Scan(&pid))
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)); err == nil {
			_, err := fmt.Sscan(string(text), &onProcessor)
			require.NoError(t, err)
		}
		all += onProcessor
	}
	require.NoError(t, rows.Err())
	return all
}

// spentHere is the processor time that this process has taken.
func spentHere(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// What a message and a deletion cost against members and messages: the table in docs/scale.md.
func BenchmarkGroup(b *testing.B) {
	for name, s := range bothStores(b) {
		for i, size := range []struct{ members, messages int }{
			{10, 1000}, {10, 100_000}, {1000, 100_000}, {10_000, 1000}, {10_000, 100_000}, {10_000, 1_000_000},
		} {
			group := fmt.Sprint("g", i)
			crowd := sync.OnceFunc(func() { s.crowd(b, group, size.members, size.messages) })
			n := uint32(0)
			id := func() (id wire.ID) {
				n++
				return wire.ID{byte(n), byte(n >> 8), byte(n >> 16), byte(i), 1}
			}
			// Each user gets to the last message before one comes again, which would change nothing.
			rising := func() uint64 { return 1 + uint64(int(n)/size.members%size.messages) }
			next := func() server.Who { return server.Who{App: "lethe", User: fmt.Sprintf("u%05d", int(n)%size.members)} }
			for what, run := range map[string]func() error{
				"send": func() error {
					_, _, err := s.Send(b.Context(), next(), wire.Send{
						SendID: id(), ConversationID: "GROUP" + group, Type: wire.TypeText, Payload: []byte{0x80},
					}, 2000)
					return err
				},
				"delete one": func() error {
					seq := rising()
					_, err := s.Delete(b.Context(), next(), wire.Delete{
						OpID: id(), ConversationID: "GROUP" + group, Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: seq, Ranges: wire.RangesOf(seq),
					}, server.Lethe, 2000)
					return err
				},
				"delete through": func() error {
					d := wholeConversation
					d.OpID, d.ConversationID, d.Anchor = id(), "GROUP"+group, rising()
					_, err := s.Delete(b.Context(), next(), d, server.Lethe, 2000)
					return err
				},
				"delete all": func() error {
					d := wholeConversation
					d.OpID, d.ConversationID, d.Anchor = id(), "GROUP"+group, uint64(size.messages)
					_, err := s.Delete(b.Context(), next(), d, server.Lethe, 2000)
					return err
				},
			} {
				b.Run(fmt.Sprintf("%s/%s/members=%d/messages=%d", name, what, size.members, size.messages), func(b *testing.B) {
					crowd()
					there, here := s.spent(b), spentHere(b)
					for b.Loop() {
						require.NoError(b, run())
					}
					each := func(spent time.Duration) float64 { return float64(spent.Nanoseconds()) / 1000 / float64(b.N) }
					b.ReportMetric(each(spentHere(b)-here), "here-µs/op")
					if strings.HasPrefix(name, "Postgre") {
						b.ReportMetric(each(s.spent(b)-there), "there-µs/op")
					}
				})
			}
		}
	}
}

// What a page costs where conversations of one kind are read, and where two kinds take turns: why kinds are cast (logBy).
func BenchmarkPage(b *testing.B) {
	for name, s := range bothStores(b) {
		s.crowd(b, "g", 10, 30)
		who := server.Who{App: "lethe", User: "u00001"}
		for i := range byte(30) {
			_, _, err := s.Send(b.Context(), who, wire.Send{
				SendID: wire.ID{i, 1}, ConversationID: "C2Cu00002", Type: wire.TypeText, Payload: []byte{0x80},
			}, 2000)
			require.NoError(b, err)
		}
		for what, conversations := range map[string][]string{"C2C": {"C2Cu00002"}, "C2C and groups": {"C2Cu00002", "GROUPg"}} {
			b.Run(name+"/"+what, func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					_, err := s.Page(b.Context(), who, wire.PageRequest{ConversationID: conversations[n%len(conversations)], Limit: 15}, 1<<20)
					require.NoError(b, err)
				}
			})
		}
	}
}
