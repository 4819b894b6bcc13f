package storetest

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

var pageCases = []testCase{
	{"whole segments from the head down", func(f *fixture) {
		f.fill("a", "C2Cb", 1000, start, 1)
		p := f.page("a", wire.PageRequest{ConversationID: "C2Cb", Limit: 50})
		require.Equal(f, []any{uint64(1000), uint64(768), uint64(1000), false}, []any{p.Head, p.From, p.To, p.First})
		require.Len(f, p.Batches, 1)
		b := p.Batches[0]
		require.Equal(f, uint32(3), b.Segment)
		require.Equal(f, 233, b.Held.Count())
		require.Equal(f, []int64{start + 767, start + 999}, []int64{b.MinTime, b.MaxTime})

		p = f.page("a", wire.PageRequest{ConversationID: "C2Cb", Limit: 300})
		require.Equal(f, []any{uint64(512), uint64(1000), false}, []any{p.From, p.To, p.First})
		require.Equal(f, []uint32{2, 3}, []uint32{p.Batches[0].Segment, p.Batches[1].Segment})

		p = f.page("a", wire.PageRequest{ConversationID: "C2Cb", Below: 512, Limit: 1024})
		require.Equal(f, []any{uint64(1), uint64(511), true}, []any{p.From, p.To, p.First})
		require.Equal(f, run(1, 1000), f.seqs("a", "C2Cb", 1))
	}},
	{"from the middle of a segment", func(f *fixture) {
		f.fill("a", "C2Cb", 1000, start, 1)
		p := f.page("a", wire.PageRequest{ConversationID: "C2Cb", Below: 600, Limit: 10})
		require.Equal(f, []any{uint64(512), uint64(599)}, []any{p.From, p.To})
		require.Len(f, f.messages(p), 88)
		p = f.page("a", wire.PageRequest{ConversationID: "C2Cb", Below: 5000, Limit: 10})
		require.Equal(f, uint64(1000), p.To)
	}},
	{"only above", func(f *fixture) {
		f.fill("a", "C2Cb", 1000, start, 1)
		p := f.page("a", wire.PageRequest{ConversationID: "C2Cb", Above: 990, Limit: 1024})
		require.Equal(f, []any{uint64(991), uint64(1000), false}, []any{p.From, p.To, p.First})
		require.Len(f, f.messages(p), 10)
		p = f.page("a", wire.PageRequest{ConversationID: "C2Cb", Above: 1000, Limit: 10})
		require.Equal(f, []any{uint64(1001), uint64(1000), false, 0}, []any{p.From, p.To, p.First, len(p.Batches)})
		p = f.page("a", wire.PageRequest{ConversationID: "C2Cb", Above: 5, Below: 6, Limit: 10})
		require.Greater(f, p.From, p.To)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 800})
		p = f.page("a", wire.PageRequest{ConversationID: "C2Cb", Above: 500, Below: 900, Limit: 1024})
		require.Equal(f, []any{uint64(501), uint64(899), true}, []any{p.From, p.To, p.First})
		require.Len(f, f.messages(p), 99)
	}},
	{"an empty conversation", func(f *fixture) {
		f.group("g", "a")
		p := f.page("a", wire.PageRequest{ConversationID: "GROUPg", Limit: 10})
		require.Equal(f, []any{uint64(1), uint64(0), true, 0}, []any{p.From, p.To, p.First, len(p.Batches)})
	}},
	{"after a whole deletion at once", func(f *fixture) {
		for range 20 {
			f.fill("a", "C2Cb", 1000, start, 0)
		}
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 20_000})
		p := f.page("a", wire.PageRequest{ConversationID: "C2Cb", Limit: 50})
		require.Equal(f, []any{uint64(1), uint64(20_000), true, 0}, []any{p.From, p.To, p.First, len(p.Batches)})
	}},
	{"over what was deleted message by message", func(f *fixture) {
		const n = 20_000
		for range n / 1000 {
			f.fill("a", "C2Cb", 1000, start, 0)
		}
		for at := uint64(3); at < n; at += 1000 {
			f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: n, Ranges: wire.RangesOf(run(at, at+999)...)})
			if at+1999 >= n {
				break
			}
		}
		begin := time.Now()
		left := f.seqs("a", "C2Cb", 50)
		require.Less(f, time.Since(begin), 2*time.Second, "deleted segments cost no query")
		require.Equal(f, []uint64{1, 2}, left[:2])
		require.Equal(f, uint64(len(left)), f.count("a", "C2Cb"))
	}},
	{"at most the bytes, but at least a message", func(f *fixture) {
		big := strings.Repeat("x", 10_000)
		for range 30 {
			f.send("a", "C2Cb", big)
		}
		var seqs []uint64
		for below := uint64(0); ; {
			p, err := f.s.Page(f.ctx, who("a"), wire.PageRequest{ConversationID: "C2Cb", Below: below, Limit: 1024}, 55_000)
			require.NoError(f, err)
			m := f.messages(p)
			require.NotEmpty(f, m)
			require.LessOrEqual(f, len(m), 5)
			require.Equal(f, p.From, m[0].Seq)
			for i := range m {
				require.Equal(f, p.To-uint64(len(m)-1-i), m[i].Seq)
			}
			seqs = append(seqs, uint64(len(m)))
			if p.First {
				break
			}
			below = p.From
		}
		require.Equal(f, []uint64{5, 5, 5, 5, 5, 5}, seqs)
		p, err := f.s.Page(f.ctx, who("a"), wire.PageRequest{ConversationID: "C2Cb", Limit: 1024}, 1)
		require.NoError(f, err)
		require.Len(f, f.messages(p), 1)
	}},
	{"a segment that does not fit opens the next page whole", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		one := f.messages(f.page("a", wire.PageRequest{ConversationID: "C2Cb", Limit: 1}))[0].Msgsize()
		p, err := f.s.Page(f.ctx, who("a"), wire.PageRequest{ConversationID: "C2Cb", Limit: 1024}, 200*one)
		require.NoError(f, err)
		require.Equal(f, []any{uint64(512), 1}, []any{p.From, len(p.Batches)})
	}},
	{"limits", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		for _, limit := range []uint32{0, wire.MaxPage + 1} {
			_, err := f.s.Page(f.ctx, who("a"), wire.PageRequest{ConversationID: "C2Cb", Limit: limit}, roomy)
			requireCode(f, wire.ParameterInvalid, err)
		}
		_, err := f.s.Page(f.ctx, who("a"), wire.PageRequest{ConversationID: "xyz", Limit: 1}, roomy)
		requireCode(f, wire.ConversationIDInvalid, err)
	}},
	{"pushes are made of the view", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		f.delete("b", wire.Delete{ConversationID: "C2Ca", What: wire.WhatMessages, Anchor: 10, Ranges: wire.RangesOf(7)})
		log := f.head("a", "C2Cb").Log
		e, err := f.s.Messages(f.ctx, who("b"), log, 6, 99)
		require.NoError(f, err)
		require.Equal(f, []any{"C2Ca", log, uint64(10)}, []any{e.ConversationID, e.Log, e.Head})
		require.Len(f, e.Messages, 4)
		require.Equal(f, []uint64{6, 8}, []uint64{e.Messages[0].Seq, e.Messages[1].Seq})
		for _, user := range []string{"stranger", "b"} {
			e, err = f.s.Messages(f.ctx, who(user), log, 7, 7)
			require.NoError(f, err)
			require.Equal(f, wire.MessagesEvent{}, e)
		}
		e, err = f.s.Messages(f.ctx, who("b"), log+1, 1, 9)
		require.NoError(f, err)
		require.Equal(f, wire.MessagesEvent{}, e)
	}},
}
