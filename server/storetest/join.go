package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func (f *fixture) openGroup(id string, members ...string) uint64 {
	f.Helper()
	log := f.group(id, members...)
	_, err := f.s.PutGroup(f.ctx, app, id, "the "+id, true)
	require.NoError(f, err)
	return log
}

func (f *fixture) join(who server.Who, conversation string) wire.JoinAck {
	f.Helper()
	ack, err := f.s.Join(f.ctx, who, wire.Join{ConversationID: conversation}, server.Lethe)
	require.NoError(f, err)
	return ack
}

func (f *fixture) leave(who server.Who, conversation string) wire.LeaveAck {
	f.Helper()
	ack, err := f.s.Leave(f.ctx, who, wire.Leave{ConversationID: conversation})
	require.NoError(f, err)
	return ack
}

var joinCases = []testCase{
	{"an open group, twice, leaving, twice, and again", func(f *fixture) {
		log := f.openGroup("g", "a")
		f.send("a", "GROUPg", "1")
		want := wire.JoinAck{Log: log, Head: 1, From: 2, N: 1}
		require.Equal(f, want, f.join(who("b"), "GROUPg"))
		f.send("b", "GROUPg", "2")
		want.Head = 2
		require.Equal(f, want, f.join(who("b"), "GROUPg"), "the stay goes on")
		require.Equal(f, []uint64{2}, f.seqs("b", "GROUPg", 10))

		require.Equal(f, wire.LeaveAck{N: 2}, f.leave(who("b"), "GROUPg"))
		require.Equal(f, wire.LeaveAck{N: 2}, f.leave(who("b"), "GROUPg"))
		f.send("a", "GROUPg", "3")
		require.Equal(f, []uint64{2}, f.seqs("b", "GROUPg", 10), "it stays readable")
		_, _, err := f.s.Send(f.ctx, who("b"), newSend("GROUPg", "x"), f.now)
		requireCode(f, wire.PermissionDenied, err)

		require.Equal(f, wire.JoinAck{Log: log, Head: 3, From: 4, N: 3}, f.join(who("b"), "GROUPg"))
		f.send("a", "GROUPg", "4")
		require.Equal(f, []uint64{2, 4}, f.seqs("b", "GROUPg", 10), "the history of the stays")
		require.Equal(f, []wire.SpanRow{
			{ConversationID: "GROUPg", Log: log, Joined: 2, Left: 3, Name: "the g"},
			{ConversationID: "GROUPg", Log: log, Joined: 4, Name: "the g"},
		}, f.rows("b", 0, 10).Spans)
	}},
	{"closed unless opened", func(f *fixture) {
		log := f.group("g", "a")
		join := func(user string) error {
			_, err := f.s.Join(f.ctx, who(user), wire.Join{ConversationID: "GROUPg"}, server.Lethe)
			return err
		}
		requireCode(f, wire.GroupNotFound, join("b"))
		require.Zero(f, f.number("b"))
		require.Equal(f, log, f.join(who("a"), "GROUPg").Log, "a member is in already")
		f.openGroup("g")
		require.NoError(f, join("b"))
		f.group("g")
		requireCode(f, wire.GroupNotFound, join("c"))
		f.leave(who("b"), "GROUPg")
		requireCode(f, wire.PermissionDenied, join("b"))
	}},
	{"what is not joined or left", func(f *fixture) {
		f.group("g", "a")
		f.send("a", "C2Cb", "x")
		for id, codes := range map[string][2]wire.Code{
			"C2Cb": {wire.ConversationIDInvalid, wire.ConversationIDInvalid}, "@TIM#SYSTEM": {wire.ConversationIDInvalid, wire.ConversationIDInvalid},
			"junk":      {wire.ConversationIDInvalid, wire.ConversationIDInvalid},
			"GROUPnone": {wire.GroupNotFound, wire.ConversationNotFound}, "ROOMnone": {wire.RoomNotFound, wire.ConversationNotFound},
		} {
			_, err := f.s.Join(f.ctx, on("a", "d"), wire.Join{ConversationID: id}, server.Lethe)
			require.Equal(f, codes[0].Name(), wire.CodeOf(err).Name(), id)
			_, err = f.s.Leave(f.ctx, on("a", "d"), wire.Leave{ConversationID: id})
			require.Equal(f, codes[1].Name(), wire.CodeOf(err).Name(), id)
		}
		_, err := f.s.Leave(f.ctx, who("stranger"), wire.Leave{ConversationID: "GROUPg"})
		requireCode(f, wire.ConversationNotFound, err)
	}},
	{"dissolving", func(f *fixture) {
		log := f.openGroup("g", "a", "b", "c")
		f.send("a", "GROUPg", "1")
		f.members("g", nil, []string{"c"})
		changed, err := f.s.Dissolve(f.ctx, app, "g")
		require.NoError(f, err)
		require.Equal(f, []string{"a", "b"}, changed)
		again, err := f.s.Dissolve(f.ctx, app, "g")
		require.NoError(f, err)
		require.Empty(f, again)
		require.Equal(f, []wire.SpanRow{{ConversationID: "GROUPg", Log: log, Joined: 1, Left: 2, Name: "the g"}}, f.rows("a", 0, 10).Spans)

		_, _, err = f.s.Send(f.ctx, who("a"), newSend("GROUPg", "x"), f.now)
		requireCode(f, wire.GroupNotFound, err)
		_, err = f.s.Join(f.ctx, who("d"), wire.Join{ConversationID: "GROUPg"}, server.Lethe)
		requireCode(f, wire.GroupNotFound, err)
		_, _, err = f.s.Members(f.ctx, app, "g", []string{"d"}, nil)
		requireCode(f, wire.GroupNotFound, err)
		f.leave(who("a"), "GROUPg")
		rest, err := f.s.Rest(f.ctx, who("a"), func(string) bool { return false }, roomy)
		require.NoError(f, err)
		require.Len(f, rest.States, 1, "it stays listed")
		require.Equal(f, []uint64{1}, f.seqs("a", "GROUPg", 10), "and readable")
		f.delete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 1, Hide: true})
		require.Empty(f, f.seqs("b", "GROUPg", 10), "and deletable")

		require.Equal(f, log, f.openGroup("g", "a"), "made again, it goes on in its log")
		require.Equal(f, wire.JoinAck{Log: log, Head: 1, From: 2, N: f.number("d") + 1}, f.join(who("d"), "GROUPg"))
		require.Equal(f, uint64(2), f.send("a", "GROUPg", "2").Seq)
		require.Equal(f, []uint64{1, 2}, f.seqs("a", "GROUPg", 10))
		require.Equal(f, []uint64{2}, f.seqs("d", "GROUPg", 10))
		require.Empty(f, f.seqs("b", "GROUPg", 10), "who was in is not in again")
		_, err = f.s.Dissolve(f.ctx, app, "none")
		requireCode(f, wire.GroupNotFound, err)
	}},
}
