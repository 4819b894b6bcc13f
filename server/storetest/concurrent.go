package storetest

import (
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var concurrencyCases = []testCase{
	{"first messages from both sides make one log", func(f *fixture) {
		const pairs = 10
		var all sync.WaitGroup
		acks := make([]wire.SendAck, 2*pairs)
		errs := make([]error, 2*pairs)
		for i := range 2 * pairs {
			all.Go(func() {
				from, to := fmt.Sprintf("a%d", i/2), fmt.Sprintf("b%d", i/2)
				if i%2 == 1 {
					from, to = to, from
				}
				acks[i], _, errs[i] = f.s.Send(f.ctx, who(from), newSend("C2C"+to, "x"), f.now)
			})
		}
		all.Wait()
		for i, err := range errs {
			require.NoError(f, err)
			require.Equal(f, acks[i].Log, acks[i^1].Log)
			require.Equal(f, uint64(3), acks[i].Seq+acks[i^1].Seq)
		}
	}},
	{"seqs and numbers have no gaps", func(f *fixture) {
		const users, rounds = 8, 25
		var names []string
		numbers := map[string]map[uint64]int{}
		for i := range users {
			name := fmt.Sprintf("u%d", i)
			names = append(names, name)
			numbers[name] = map[uint64]int{}
		}
		f.group("g", names...)
		f.fill(names[0], "GROUPg", 300, start, 1)
		var all sync.WaitGroup
		var mu sync.Mutex
		seqs := map[uint64]int{}
		var failed []error
		for i, name := range names {
			for device := range 2 {
				all.Go(func() {
					for r := range uint64(rounds) {
						ack, _, err := f.s.Send(f.ctx, who(name), newSend("GROUPg", "x"), f.now)
						seq := 1 + (uint64(i)*31+r*2+uint64(device))%300
						del, err2 := f.s.Delete(f.ctx, who(name), wire.Delete{
							OpID: newID(), ConversationID: "GROUPg", Scope: wire.ScopeBoth, What: wire.WhatMessages,
							Anchor: 300, Ranges: wire.RangesOf(seq),
						}, server.Lethe, f.now)
						_, err3 := f.s.Page(f.ctx, who(name), wire.PageRequest{ConversationID: "GROUPg", Limit: 10}, roomy)
						mu.Lock()
						for _, err := range []error{err, err2, err3} {
							if err != nil {
								failed = append(failed, err)
							}
						}
						seqs[ack.Seq]++
						numbers[name][del.N]++
						mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		require.Empty(f, failed)
		for s := uint64(301); s <= 300+users*2*rounds; s++ {
			require.Equal(f, 1, seqs[s], "seq %d", s)
		}
		for _, name := range names {
			// Number 1 is the span; every deletion named another message.
			for n := uint64(2); n <= 1+2*rounds; n++ {
				require.Equal(f, 1, numbers[name][n], "%s number %d", name, n)
			}
			require.Equal(f, uint64(1+2*rounds), f.number(name))
			require.Equal(f, uint64(300+users*2*rounds-2*rounds), f.count(name, "GROUPg"))
		}
	}},
	{"one operation sent many times at once is applied once", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 10}
		s := newSend("C2Cb", "once")
		var all sync.WaitGroup
		acks, sent, errs := make([]wire.DeleteAck, 16), make([]wire.SendAck, 16), make([]error, 32)
		for i := range acks {
			all.Go(func() { acks[i], errs[2*i] = f.s.Delete(f.ctx, who("a"), d, server.Lethe, f.now) })
			all.Go(func() { sent[i], _, errs[2*i+1] = f.s.Send(f.ctx, who("a"), s, f.now) })
		}
		all.Wait()
		for i := range acks {
			require.NoError(f, errs[2*i])
			require.NoError(f, errs[2*i+1])
			require.Equal(f, uint64(2), acks[i].N)
			require.Equal(f, sent[0], sent[i])
		}
		require.Equal(f, uint64(2), f.number("a"))
		require.Equal(f, []uint64{11}, f.seqs("a", "C2Cb", 10))
	}},
}
