package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var clearCases = []testCase{
	{"for everybody: all, before a time, by messages", func(f *fixture) {
		for i, row := range []struct {
			clear server.Clear
			left  []uint64
		}{
			{server.Clear{}, nil},
			{server.Clear{Before: start + 300}, run(301, 600)},
			{server.Clear{Ranges: wire.RangesOf(run(2, 599)...)}, []uint64{1, 600}},
			{server.Clear{Ranges: wire.RangesOf(999)}, run(1, 600)},
		} {
			peer := fmt.Sprintf("p%d", i)
			f.fill("a", "C2C"+peer, 600, start, 1)
			before := f.rows(peer, 0, 100)
			row.clear.ConversationID = "C2C" + peer
			head, err := f.s.Clear(f.ctx, app, "a", row.clear)
			require.NoError(f, err)
			require.Equal(f, uint64(600), head)
			for range 2 { // at once, and when it is purged
				for user, conversation := range map[string]string{"a": "C2C" + peer, peer: "C2Ca"} {
					require.Equal(f, row.left, f.seqs(user, conversation, 50))
					require.Equal(f, row.left, f.compensated(user, conversation, 0))
				}
				require.Equal(f, uint32(len(row.left)), f.head(peer, "C2Ca").Unread)
				f.purge(server.Lethe)
			}
			require.Equal(f, before, f.rows(peer, 0, 100), "devices keep what they hold")
			require.Equal(f, uint64(601), f.send(peer, "C2Ca", "new").Seq)
			require.Equal(f, append(row.left, 601), f.seqs("a", "C2C"+peer, 50))
		}
	}},
	{"what is cleared for everybody is purged", func(f *fixture) {
		f.group("g", "a")
		f.fill("a", "GROUPg", 10, start, 1)
		_, err := f.s.Clear(f.ctx, app, "", server.Clear{ConversationID: "GROUPg", Before: start + 4})
		require.NoError(f, err)
		f.purge(server.Lethe)
		require.Equal(f, run(5, 10), f.stored("", "GROUPg", 10))
	}},
	{"refusals", func(f *fixture) {
		f.fill("a", "C2Cb", 3, start, 1)
		log := f.head("a", "C2Cb").Log
		for _, row := range []struct {
			as    string
			clear server.Clear
			code  wire.Code
		}{
			{"a", server.Clear{ConversationID: "C2Cz"}, wire.ConversationNotFound},
			{"", server.Clear{ConversationID: "C2Cb"}, wire.ParameterInvalid},
			{"", server.Clear{ConversationID: "GROUPb"}, wire.ConversationNotFound},
			{"a", server.Clear{ConversationID: "b"}, wire.ConversationIDInvalid},
			{"a", server.Clear{ConversationID: "C2Cb", Log: log + 1, Ranges: wire.RangesOf(1)}, wire.MessageNotFound},
		} {
			_, err := f.s.Clear(f.ctx, app, row.as, row.clear)
			requireCode(f, row.code, err)
		}
		require.Equal(f, run(1, 3), f.seqs("a", "C2Cb", 10))
	}},
}

var wipeCases = []testCase{
	{"everything of the user, nothing of others", func(f *fixture) {
		f.group("g", "a", "b")
		f.send("a", "GROUPg", "x")
		f.send("a", "C2Cb", "x")
		f.send("b", "C2Ca", "y")
		f.send("a", "C2Ca", "a note to oneself")
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 2, Ranges: wire.RangesOf(1)})
		f.see(device("a", "1"))
		require.NoError(f, f.s.Settle(f.ctx, device("a", "1")))
		note := f.head("a", "C2Ca").Log
		before, n := f.rows("b", 0, 100), f.number("a")
		require.NoError(f, f.s.Wipe(f.ctx, app, "a"))

		require.Equal(f, before, f.rows("b", 0, 100))
		require.Equal(f, run(1, 2), f.seqs("b", "C2Ca", 10), "what a sent stays with b")
		require.Equal(f, []uint64{1}, f.seqs("b", "GROUPg", 10))
		for _, id := range []string{"C2Cb", "GROUPg", "C2Ca"} {
			_, err := f.s.Count(f.ctx, who("a"), wire.CountRequest{ConversationID: id})
			requireCode(f, wire.ConversationNotFound, err)
		}
		rows := f.rows("a", 0, 100)
		require.Equal(f, wire.Rows{Epoch: rows.Epoch, N: n + 1}, rows, "the number goes on, so that no cursor is wrong")
		isNew, err := f.s.Device(f.ctx, device("a", "1"), f.now)
		require.NoError(f, err)
		require.True(f, isNew)

		f.purge(server.Lethe)
		require.Equal(f, run(1, 2), f.stored("b", "C2Ca", 2))
		_, _, err = f.s.RecallByAdmin(f.ctx, app, "a", wire.Recall{ConversationID: "C2Ca", Seq: 1}, f.now)
		requireCode(f, wire.MessageNotFound, err)
		require.NotZero(f, note)
		require.NoError(f, f.s.Wipe(f.ctx, app, "nobody"))
	}},
	{"one who is gone is written to again after writing", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		require.NoError(f, f.s.Wipe(f.ctx, app, "b"))
		_, _, err := f.s.Send(f.ctx, who("a"), newSend("C2Cb", "are you there?"), f.now)
		requireCode(f, wire.PermissionDenied, err)
		require.Equal(f, []uint64{1}, f.seqs("a", "C2Cb", 10))
		require.Equal(f, uint64(2), f.send("b", "C2Ca", "yes").Seq)
		f.send("a", "C2Cb", "good")
		require.Equal(f, run(2, 3), f.seqs("b", "C2Ca", 10), "from then on")
		require.Equal(f, run(1, 3), f.seqs("a", "C2Cb", 10))
	}},
	{"one who is gone writes to oneself again", func(f *fixture) {
		f.send("a", "C2Ca", "a note")
		require.NoError(f, f.s.Wipe(f.ctx, app, "a"))
		seq := f.send("a", "C2Ca", "another").Seq
		require.Equal(f, []uint64{seq}, f.seqs("a", "C2Ca", 10))
	}},
	{"refusals", func(f *fixture) {
		requireCode(f, wire.ParameterInvalid, f.s.Wipe(f.ctx, app, ""))
	}},
}
