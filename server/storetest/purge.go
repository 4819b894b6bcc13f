package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// purge purges until nothing is left to do.
func (f *fixture) purge(set server.Settings) {
	f.Helper()
	for range 10_000 {
		more, err := f.s.Purge(f.ctx, app, set, f.now)
		require.NoError(f, err)
		if !more {
			f.erase()
			return
		}
	}
	require.Fail(f, "purging does not end")
}

func (f *fixture) erase() {
	f.Helper()
	for range 10_000 {
		more, err := f.s.Erase(f.ctx)
		require.NoError(f, err)
		if !more {
			return
		}
	}
	require.Fail(f, "erasing does not end")
}

// stored tells which messages are still there at all: an administrator's recall finds a message in no matter whose view,
// and what it finds it takes away.
func (f *fixture) stored(as, conversation string, head uint64) (seqs []uint64) {
	f.Helper()
	return f.storedOf(as, conversation, 1, head)
}

func (f *fixture) storedOf(as, conversation string, first, last uint64) (seqs []uint64) {
	f.Helper()
	for seq := first; seq <= last; seq++ {
		_, _, err := f.s.RecallByAdmin(f.ctx, app, as, wire.Recall{ConversationID: conversation, Seq: seq}, f.now)
		if err == nil {
			seqs = append(seqs, seq)
		} else {
			requireCode(f, wire.MessageNotFound, err)
		}
	}
	return seqs
}

var retentionCases = []testCase{
	{"an expired message leaves everybody's history and compensation", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, day)
		f.fill("a", "C2Cc", 1, start, day)
		f.now = start + 14*day + 1
		before := f.rows("a", 0, 100)
		f.purge(server.Tencent) // 7 days
		for user, conversation := range map[string]string{"a": "C2Cb", "b": "C2Ca"} {
			require.Equal(f, run(9, 10), f.seqs(user, conversation, 10))
			require.Equal(f, run(9, 10), f.compensated(user, conversation, 0))
			require.Equal(f, uint64(2), f.count(user, conversation))
			h := f.head(user, conversation)
			require.Equal(f, []any{uint64(10), start + 9*day, uint64(10)}, []any{h.Head, h.Time, h.Last.Seq})
		}
		require.Equal(f, uint32(2), f.head("b", "C2Ca").Unread)
		h := f.head("c", "C2Ca")
		require.Equal(f, []any{uint64(1), start, (*wire.Message)(nil), uint32(0)}, []any{h.Head, h.Time, h.Last, h.Unread})
		require.Equal(f, before, f.rows("a", 0, 100), "devices are not told: they keep what they hold")

		ack := f.send("b", "C2Ca", "new")
		require.Equal(f, uint64(11), ack.Seq, "seqs go on")
		require.Equal(f, uint64(2), f.send("c", "C2Ca", "new").Seq)
		require.Equal(f, run(9, 11), f.stored("a", "C2Cb", 11))
		require.Equal(f, run(2, 2), f.stored("a", "C2Cc", 2))
	}},
	{"in slices", func(f *fixture) {
		const n = 3000
		f.fill("a", "C2Cb", 1000, start, 0)
		f.fill("a", "C2Cb", 1000, start, 0)
		f.fill("a", "C2Cb", 1000, start, 0)
		f.now = start + 200*day
		calls := 0
		for more := true; more; calls++ {
			var err error
			more, err = f.s.Purge(f.ctx, app, server.Lethe, f.now)
			require.NoError(f, err)
			require.Empty(f, f.seqs("b", "C2Ca", 50), "it leaves the views at once, the store by and by")
		}
		require.Greater(f, calls, 3)
		f.now = start
		_, _, err := f.s.RecallByAdmin(f.ctx, app, "a", wire.Recall{ConversationID: "C2Cb", Seq: n}, f.now)
		requireCode(f, wire.MessageNotFound, err)
	}},
	{"a deletion by time finds its place among what has expired", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, day)
		f.now = start + 30*day
		f.purge(server.Tencent)
		require.Zero(f, f.count("a", "C2Cb"))
		ack := f.delete("a", wire.Delete{ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatTime, Anchor: 10, Before: start + 4*day})
		require.Equal(f, uint64(4), ack.Through, "devices still hold the rest, and keep it")
	}},
	{"the longer retention keeps", func(f *fixture) {
		f.fill("a", "C2Cb", 3, start, 1)
		f.now = start + 179*day
		f.purge(server.Lethe)
		require.Equal(f, run(1, 3), f.seqs("a", "C2Cb", 10))
		f.now = start + 180*day + 10
		f.purge(server.Lethe)
		require.Empty(f, f.seqs("a", "C2Cb", 10))
	}},
	{"apps are apart", func(f *fixture) {
		f.fill("a", "C2Cb", 3, start, 1)
		f.now = start + 400*day
		_, err := f.s.Purge(f.ctx, "other", server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, run(1, 3), f.stored("a", "C2Cb", 3))
	}},
}

var purgeCases = []testCase{
	{"a message goes when the last view loses it", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 500})
		f.purge(server.Lethe)
		require.Equal(f, run(1, 600), f.seqs("b", "C2Ca", 50), "the other one still has it")
		f.delete("b", wire.Delete{ConversationID: "C2Ca", What: wire.WhatMessages, Anchor: 600, Ranges: wire.RangesOf(run(2, 600)...)})
		f.purge(server.Lethe)
		require.Equal(f, run(501, 600), f.seqs("a", "C2Cb", 50))
		require.Equal(f, []uint64{1}, f.seqs("b", "C2Ca", 50))
		require.Equal(f, append([]uint64{1}, run(501, 600)...), f.stored("a", "C2Cb", 600))
	}},
	{"the compensation is a view too, as long as it lasts", func(f *fixture) {
		f.fill("a", "C2Ca", 3, start, 1)
		set := server.Lethe
		set.CompensationClearedByTime = false
		f.remotely("a", wire.Delete{ConversationID: "C2Ca", What: wire.WhatTime, Anchor: 3, Before: start + 10}, set)
		f.purge(set)
		require.Equal(f, run(1, 3), f.compensated("a", "C2Ca", start))
		f.now = start + 9*day
		f.purge(set)
		require.Empty(f, f.compensated("a", "C2Ca", start))
		require.Empty(f, f.stored("a", "C2Ca", 3))
	}},
	{"spans decide whose view it is", func(f *fixture) {
		f.group("g", "a", "b")
		f.fill("a", "GROUPg", 2, start, 1)
		f.members("g", []string{"c"}, []string{"b"})
		f.fill("a", "GROUPg", 2, f.now, 1)
		f.delete("a", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 4})
		f.purge(server.Lethe)
		require.Equal(f, run(1, 2), f.seqs("b", "GROUPg", 10), "who has left keeps what the stay had")
		require.Equal(f, run(3, 4), f.seqs("c", "GROUPg", 10))
		f.delete("c", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 4})
		f.delete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatMessages, Anchor: 2, Ranges: wire.RangesOf(1)})
		f.purge(server.Lethe)
		require.Equal(f, []uint64{2}, f.stored("", "GROUPg", 4))
	}},
	{"a cancelled send goes like a deleted message", func(f *fixture) {
		s := newSend("C2Ca", "x")
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		_, err = f.s.Cancel(f.ctx, who("a"), wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "C2Ca", Scope: wire.ScopeBoth}, server.Lethe, f.now)
		require.NoError(f, err)
		f.purge(server.Lethe)
		require.NoError(f, f.s.Forget(f.ctx, f.now+1)) // a recall finds by the SendID what only devices hold
		require.Empty(f, f.stored("a", "C2Ca", 1))
	}},
}
