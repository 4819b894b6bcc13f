package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

var rowsCases = []testCase{
	{"only what changed, and only its part", func(f *fixture) {
		f.fill("a", "C2Cb", 1000, start, 1)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", Scope: wire.ScopeRemote, What: wire.WhatMessages, Anchor: 1000, Ranges: wire.RangesOf(10, 300, 900)})
		n := f.number("a")
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 1000, Ranges: wire.RangesOf(10, 301)})
		r := f.rows("a", n, 100)
		require.Equal(f, n+1, r.N)
		part := wire.Ledger{Ranges: wire.RangesOf(300, 301)}
		require.Equal(f, []wire.LedgerRow{
			{ConversationID: "C2Cb", Surface: wire.SurfaceHistory, Ledger: part},
			{ConversationID: "C2Cb", Surface: wire.SurfaceCompensation, Ledger: part},
		}, r.Ledgers)
		require.Empty(f, r.Spans)
		require.Empty(f, f.rows("a", n+1, 100).Ledgers)
	}},
	{"in slices, no operation split", func(f *fixture) {
		f.fill("a", "C2Cb", 3000, start, 1)
		for i := range uint64(10) {
			var seqs []uint64
			for s := uint64(0); s < 10; s++ {
				seqs = append(seqs, s*256+20+i)
			}
			f.delete("a", wire.Delete{ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 3000, Ranges: wire.RangesOf(seqs...)})
		}
		_, err := f.s.Read(f.ctx, who("a"), wire.Read{ConversationID: "C2Cb", UpTo: 5})
		require.NoError(f, err)
		for _, conversation := range []string{"C2Cc", "C2Cd", "C2Ce"} {
			f.send("a", conversation, "x")
		}
		whole, err := f.s.Rows(f.ctx, who("a"), 0, 100_000)
		require.NoError(f, err)
		require.False(f, whole.More)
		require.Equal(f, f.number("a"), whole.N)
		for _, limit := range []int{1, 2, 7, 29, 30, 31, 1000} {
			parts := f.rows("a", 0, limit)
			require.ElementsMatch(f, whole.Spans, parts.Spans, "limit %d", limit)
			require.ElementsMatch(f, whole.Reads, parts.Reads, "limit %d", limit)
			require.ElementsMatch(f, joined(whole), joined(parts), "limit %d", limit)
		}
		// The tenth deletion has 30 parts: all come in one answer.
		r, err := f.s.Rows(f.ctx, who("a"), 1, 1)
		require.NoError(f, err)
		require.True(f, r.More)
		require.Equal(f, uint64(11), r.N)
		require.Len(f, r.Ledgers, 3)
		require.Len(f, r.Ledgers[0].Ledger.Ranges, 10)
	}},
	{"nothing, and from beyond", func(f *fixture) {
		r, err := f.s.Rows(f.ctx, who("nobody"), 0, 10)
		require.NoError(f, err)
		require.Equal(f, wire.Rows{Epoch: r.Epoch}, r)
		require.Positive(f, r.Epoch)
		f.send("a", "C2Cb", "x")
		r, err = f.s.Rows(f.ctx, who("a"), 99, 10)
		require.NoError(f, err)
		require.Equal(f, []any{uint64(0), uint64(1)}, []any{r.After, r.N})
		require.Len(f, r.Spans, 1)
	}},
}

func joined(r wire.Rows) (rows []wire.LedgerRow) {
	at := map[[2]string]int{}
	for _, l := range r.Ledgers {
		key := [2]string{l.ConversationID, string(rune(l.Surface))}
		if i, ok := at[key]; ok {
			rows[i].Ledger.Join(l.Ledger)
			continue
		}
		at[key] = len(rows)
		l.Ledger = l.Ledger.Clone()
		rows = append(rows, l)
	}
	return rows
}

var headsCases = []testCase{
	{"those that differ", func(f *fixture) {
		f.fill("b", "C2Ca", 10, start, 1)
		f.send("c", "C2Ca", "x")
		f.group("g", "a", "b")
		ask := func(heads ...wire.Head) wire.Heads {
			h, err := f.s.Heads(f.ctx, who("a"), heads, roomy)
			require.NoError(f, err)
			require.Len(f, heads, int(h.Done))
			return h
		}
		require.Equal(f, wire.Heads{Done: 1}, ask(wire.Head{ConversationID: "C2Cb", Head: 10}))
		require.Equal(f, wire.Heads{}, ask())
		for _, differs := range []wire.Head{{Head: 9}, {Head: 11}, {Head: 10, ReadUpTo: 3}, {}} {
			differs.ConversationID = "C2Cb"
			require.Len(f, ask(differs).States, 1, "%+v", differs)
		}
		h := ask(wire.Head{ConversationID: "C2Cc", Head: 1}, wire.Head{ConversationID: "GROUPg"}, wire.Head{ConversationID: "GROUPnone"},
			wire.Head{ConversationID: "junk"}, wire.Head{ConversationID: "C2Cb"})
		require.Equal(f, []string{"GROUPnone", "junk"}, h.Unknown)
		require.Len(f, h.States, 2)
		require.Equal(f, "GROUPg", h.States[0].ConversationID)
		require.Nil(f, h.States[0].Last)
		require.Equal(f, "C2Cb", h.States[1].ConversationID)
	}},
	{"the state", func(f *fixture) {
		f.fill("b", "C2Ca", 4, start, 1)
		f.send("a", "C2Cb", "mine")
		last := f.send("b", "C2Ca", "theirs")
		h := f.head("a", "C2Cb")
		require.Equal(f, []any{last.Log, uint64(6), last.Time, uint32(5), uint64(0)}, []any{h.Log, h.Head, h.Time, h.Unread, h.ReadUpTo})
		require.Equal(f, uint64(6), h.Last.Seq)
		require.Equal(f, text("theirs"), h.Last.Payload)
		require.Equal(f, uint32(1), f.head("b", "C2Ca").Unread, "one's own are never unread")

		// The greater of the two read marks counts.
		got, err := f.s.Heads(f.ctx, who("a"), []wire.Head{{ConversationID: "C2Cb", Head: 6, ReadUpTo: 3}}, roomy)
		require.NoError(f, err)
		require.Equal(f, []any{uint32(2), uint64(0)}, []any{got.States[0].Unread, got.States[0].ReadUpTo})
		_, err = f.s.Read(f.ctx, who("a"), wire.Read{ConversationID: "C2Cb", UpTo: 5})
		require.NoError(f, err)
		got, err = f.s.Heads(f.ctx, who("a"), []wire.Head{{ConversationID: "C2Cb", Head: 6, ReadUpTo: 3}}, roomy)
		require.NoError(f, err)
		require.Equal(f, []any{uint32(1), uint64(5)}, []any{got.States[0].Unread, got.States[0].ReadUpTo})

		// What is deleted is not unread and not the last, but still gives the place in the list.
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 6, Ranges: wire.RangesOf(6)})
		h = f.head("a", "C2Cb")
		require.Equal(f, []any{uint64(6), last.Time, uint32(0), uint64(5)}, []any{h.Head, h.Time, h.Unread, h.Last.Seq})
	}},
	{"within the bytes, going on from Done", func(f *fixture) {
		var heads []wire.Head
		for _, c := range "cdefghij" {
			f.send(string(c), "C2Ca", "x")
			heads = append(heads, wire.Head{ConversationID: "C2C" + string(c)})
		}
		all, err := f.s.Heads(f.ctx, who("a"), heads, roomy)
		require.NoError(f, err)
		size := all.States[0].Msgsize()
		var got []wire.HeadState
		rounds := 0
		for rest := heads; len(rest) > 0; rounds++ {
			h, err := f.s.Heads(f.ctx, who("a"), rest, 3*size+size/2)
			require.NoError(f, err)
			require.LessOrEqual(f, len(h.States), 3)
			got = append(got, h.States...)
			rest = rest[h.Done:]
		}
		require.Equal(f, all.States, got)
		require.Equal(f, 3, rounds)
		h, err := f.s.Heads(f.ctx, who("a"), heads, 1)
		require.NoError(f, err)
		require.EqualValues(f, 1, h.Done, "one at least")
	}},
	{"the rest", func(f *fixture) {
		f.send("b", "C2Ca", "x")
		f.send("c", "C2Ca", "x")
		f.group("left", "a")
		f.send("a", "GROUPleft", "x")
		f.members("left", nil, []string{"a"})
		f.group("g", "a", "b")
		f.send("b", "GROUPg", "x")
		f.send("d", "C2Ca", "x")
		rest := func(maxBytes int, named ...string) wire.Heads {
			h, err := f.s.Rest(f.ctx, who("a"), func(id string) bool {
				for _, n := range named {
					if n == id {
						return true
					}
				}
				return false
			}, maxBytes)
			require.NoError(f, err)
			return h
		}
		names := func(h wire.Heads) (names []string) {
			for _, s := range h.States {
				names = append(names, s.ConversationID)
			}
			return names
		}
		require.ElementsMatch(f, []string{"C2Cb", "C2Cc", "C2Cd", "GROUPleft", "GROUPg"}, names(rest(roomy)))
		require.ElementsMatch(f, []string{"C2Cc", "C2Cd", "GROUPleft"}, names(rest(roomy, "C2Cb", "GROUPg")))

		f.delete("a", wire.Delete{ConversationID: "C2Cc", What: wire.WhatConversation, Anchor: 1, Hide: true})
		f.delete("a", wire.Delete{ConversationID: "C2Cd", What: wire.WhatConversation, Anchor: 1})
		h := rest(roomy, "C2Cb", "GROUPg", "GROUPleft")
		require.Equal(f, []string{"C2Cd"}, names(h), "hidden is out, emptied is in")
		require.Nil(f, h.States[0].Last)
		f.send("c", "C2Ca", "again")
		require.ElementsMatch(f, []string{"C2Cc", "C2Cd"}, names(rest(roomy, "C2Cb", "GROUPg", "GROUPleft")), "a newer message brings it back")

		var got []string
		for more := true; more; {
			h := rest(1, got...)
			require.Len(f, h.States, 1)
			got = append(got, names(h)...)
			more = h.More
		}
		require.ElementsMatch(f, []string{"C2Cb", "C2Cc", "C2Cd", "GROUPleft", "GROUPg"}, got)
		require.Equal(f, wire.Heads{}, rest(1, got...))
	}},
}
