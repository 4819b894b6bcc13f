package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var groupCases = []testCase{
	{"a member sees what came since joining", func(f *fixture) {
		log := f.group("g", "a")
		for range 5 {
			f.send("a", "GROUPg", "before b")
		}
		changed, again := f.members("g", []string{"b", "a", "b"}, nil)
		require.Equal(f, []string{"b"}, changed, "a was in already")
		require.Equal(f, log, again)
		require.Empty(f, f.seqs("b", "GROUPg", 10))
		h := f.head("b", "GROUPg")
		require.Equal(f, []any{uint64(5), int64(0), uint32(0)}, []any{h.Head, h.Time, h.Unread})
		f.send("a", "GROUPg", "after b")
		require.Equal(f, []uint64{6}, f.seqs("b", "GROUPg", 10))
		require.Equal(f, uint64(1), f.count("b", "GROUPg"))
		require.Equal(f, run(1, 6), f.seqs("a", "GROUPg", 10))
		require.Equal(f, []wire.SpanRow{{ConversationID: "GROUPg", Log: log, Joined: 6, Name: "the g"}}, f.rows("b", 0, 10).Spans)
	}},
	{"leaving and coming back", func(f *fixture) {
		f.group("g", "a", "b")
		send := func(n int) {
			for range n {
				f.send("a", "GROUPg", "x")
			}
		}
		send(3)
		changed, log := f.members("g", []string{"b"}, nil)
		require.Empty(f, changed)
		changed, _ = f.members("g", nil, []string{"b", "nobody"})
		require.Equal(f, []string{"b"}, changed)
		send(2) // 4, 5: not b's
		require.Equal(f, run(1, 3), f.seqs("b", "GROUPg", 10))
		h := f.head("b", "GROUPg")
		require.Equal(f, []any{uint64(3), uint32(3), uint64(3)}, []any{h.Head, h.Unread, h.Last.Seq}, "what b left with")
		_, err := f.tryDelete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 4})
		requireCode(f, wire.AnchorAboveHead, err)
		f.delete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatMessages, Anchor: 3, Ranges: wire.RangesOf(2)})

		f.members("g", []string{"b"}, nil)
		send(2) // 6, 7
		require.Equal(f, []uint64{1, 3, 6, 7}, f.seqs("b", "GROUPg", 10))
		require.Equal(f, uint64(4), f.count("b", "GROUPg"))
		require.Equal(f, uint64(7), f.head("b", "GROUPg").Head)
		e, err := f.s.Messages(f.ctx, who("b"), log, 1, 7)
		require.NoError(f, err)
		require.Len(f, e.Messages, 4)
		require.Equal(f, []wire.SpanRow{
			{ConversationID: "GROUPg", Log: log, Joined: 1, Left: 4, Name: "the g"},
			{ConversationID: "GROUPg", Log: log, Joined: 6, Name: "the g"},
		}, f.rows("b", 0, 10).Spans)
		require.Equal(f, run(1, 7), f.seqs("a", "GROUPg", 10))
	}},
	{"one who left may still read, page and delete", func(f *fixture) {
		f.group("g", "a", "b")
		f.send("a", "GROUPg", "x")
		f.members("g", nil, []string{"b"})
		require.Equal(f, []uint64{1}, f.seqs("b", "GROUPg", 10))
		f.delete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 1, Hide: true})
		require.Empty(f, f.seqs("b", "GROUPg", 10))
		require.Equal(f, []uint64{1}, f.seqs("a", "GROUPg", 10))
	}},
	{"leaving before anything came", func(f *fixture) {
		log := f.group("g", "a", "b")
		f.members("g", nil, []string{"b"})
		require.Equal(f, []wire.SpanRow{{ConversationID: "GROUPg", Log: log, Joined: 1, Left: 1, Name: "the g"}}, f.rows("b", 0, 10).Spans)
		require.Empty(f, f.seqs("b", "GROUPg", 10))
		f.members("g", []string{"b"}, nil)
		require.Equal(f, []wire.SpanRow{{ConversationID: "GROUPg", Log: log, Joined: 1, Name: "the g"}}, f.rows("b", 0, 10).Spans)
		f.send("b", "GROUPg", "x")
		require.Equal(f, []uint64{1}, f.seqs("b", "GROUPg", 10))
		require.Equal(f, uint64(3), f.number("b"), "one number a change")
	}},
	{"a message to a group writes no member row", func(f *fixture) {
		f.group("g", "a", "b", "c")
		for range 5 {
			f.send("a", "GROUPg", "x")
		}
		for _, user := range []string{"a", "b", "c"} {
			require.Equal(f, uint64(1), f.number(user))
		}
	}},
	{"renaming tells the members", func(f *fixture) {
		log := f.group("g", "a", "b", "c")
		f.members("g", nil, []string{"c"})
		changed, err := f.s.PutGroup(f.ctx, app, "g", "new", false)
		require.NoError(f, err)
		require.Equal(f, []string{"a", "b"}, changed)
		require.Equal(f, []wire.SpanRow{{ConversationID: "GROUPg", Log: log, Joined: 1, Name: "new"}}, f.rows("a", 1, 10).Spans)
		require.Equal(f, uint64(2), f.number("c"))
		changed, err = f.s.PutGroup(f.ctx, app, "g", "new", false)
		require.NoError(f, err)
		require.Empty(f, changed)
		require.Equal(f, uint64(2), f.number("a"))
	}},
	{"the open logs", func(f *fixture) {
		g := f.group("g", "a")
		for range 3 {
			f.send("a", "GROUPg", "x")
		}
		f.group("h", "a")
		f.members("h", nil, []string{"a"})
		f.members("g", nil, []string{"a"})
		f.members("g", []string{"a"}, nil)
		c := f.send("a", "C2Cb", "x")
		logs, err := f.s.Logs(f.ctx, who("a"))
		require.NoError(f, err)
		require.ElementsMatch(f, []server.OpenLog{{Log: g, Joined: 4, Head: 3}, {Log: c.Log, Joined: 1, Head: 1}}, logs)
	}},
	{"bad input", func(f *fixture) {
		_, _, err := f.s.Members(f.ctx, app, "none", []string{"a"}, nil)
		requireCode(f, wire.GroupNotFound, err)
		require.Zero(f, f.number("a"))
		f.group("g", "a")
		for _, lists := range [][2][]string{{{"b"}, {"b"}}, {{"b", ""}, nil}, {nil, {"\x00"}}} {
			_, _, err = f.s.Members(f.ctx, app, "g", lists[0], lists[1])
			requireCode(f, wire.ParameterInvalid, err)
		}
		require.Zero(f, f.number("b"))
		_, err = f.s.PutGroup(f.ctx, app, "", "x", false)
		requireCode(f, wire.ParameterInvalid, err)
	}},
}

var noticeCases = []testCase{
	{"to one user, by sender", func(f *fixture) {
		m := wire.Message{Type: wire.TypeText, Payload: text("hello")}
		first, err := f.s.Notice(f.ctx, app, "a", "", m, f.now)
		require.NoError(f, err)
		second, err := f.s.Notice(f.ctx, app, "a", "", m, f.now-5)
		require.NoError(f, err)
		require.Equal(f, wire.SendAck{Log: first.Log, Seq: 2, Time: f.now}, second)
		for _, other := range [][2]string{{"a", "shop"}, {"b", ""}} {
			ack, err := f.s.Notice(f.ctx, app, other[0], other[1], m, f.now)
			require.NoError(f, err)
			require.Equal(f, uint64(1), ack.Seq)
			require.NotEqual(f, first.Log, ack.Log)
		}
		require.Equal(f, []uint64{1, 2}, f.seqs("a", "@TIM#SYSTEM", 10))
		require.Equal(f, []uint64{1}, f.seqs("a", "@TIM#SYSTEMshop", 10))
		require.Equal(f, "shop", f.head("a", "@TIM#SYSTEMshop").Last.From)
		require.Equal(f, uint32(2), f.head("a", "@TIM#SYSTEM").Unread)
		f.delete("a", wire.Delete{ConversationID: "@TIM#SYSTEM", What: wire.WhatConversation, Anchor: 2, Hide: true})
		require.Empty(f, f.seqs("a", "@TIM#SYSTEM", 10))
		_, err = f.s.Notice(f.ctx, app, "", "", m, f.now)
		requireCode(f, wire.ParameterInvalid, err)
	}},
}

var importCases = []testCase{
	{"keeps times and senders", func(f *fixture) {
		messages := []wire.Message{
			{From: "b", Time: 1000, Type: wire.TypeText, Payload: text("1")},
			{From: "a", Time: 1000, Type: wire.TypeCustom, Payload: text("2")},
			{From: "b", Time: 2000, Type: wire.TypeText, Payload: text("3")},
		}
		first, last, log, err := f.s.Import(f.ctx, app, "a", "C2Cb", messages, f.now)
		require.NoError(f, err)
		require.Equal(f, []uint64{1, 3}, []uint64{first, last})
		require.Zero(f, messages[0].Seq, "the caller's messages are left alone")
		got := f.messages(f.page("b", wire.PageRequest{ConversationID: "C2Ca", Limit: 10}))
		for i := range got {
			want := messages[i]
			want.Seq = uint64(i + 1)
			require.Equal(f, want, got[i])
		}
		require.Equal(f, log, f.rows("b", 0, 10).Spans[0].Log)
		ack := f.send("a", "C2Cb", "now")
		require.Equal(f, []uint64{log, 4}, []uint64{ack.Log, ack.Seq})
	}},
	{"into a group", func(f *fixture) {
		f.group("g", "a")
		f.fill("gone", "GROUPg", 5, 1000, 1)
		require.Equal(f, run(1, 5), f.seqs("a", "GROUPg", 10))
	}},
	{"all or none", func(f *fixture) {
		f.fill("a", "C2Cb", 2, 1000, 1000)
		f.now = 9000
		m := func(from string, times ...int64) (messages []wire.Message) {
			for _, at := range times {
				messages = append(messages, wire.Message{From: from, Time: at, Type: wire.TypeText, Payload: text("x")})
			}
			return messages
		}
		table := []struct {
			name     string
			code     wire.Code
			as, id   string
			messages []wire.Message
		}{
			{"falling", wire.ParameterInvalid, "a", "C2Cb", m("a", 3000, 2999)},
			{"below the newest", wire.ParameterInvalid, "a", "C2Cb", m("a", 1999)},
			{"after now", wire.ParameterInvalid, "a", "C2Cb", m("a", 3000, 9001)},
			{"time 0", wire.ParameterInvalid, "a", "C2Cz", m("a", 0)},
			{"negative", wire.ParameterInvalid, "a", "C2Cz", m("a", -1)},
			{"none", wire.ParameterInvalid, "a", "C2Cb", nil},
			{"a third one's", wire.ParameterInvalid, "a", "C2Cb", m("c", 3000)},
			{"nobody's", wire.ParameterInvalid, "a", "C2Cb", m("", 3000)},
			{"as nobody", wire.ParameterInvalid, "", "C2Cb", m("b", 3000)},
			{"notices", wire.ParameterInvalid, "a", "@TIM#SYSTEM", m("a", 3000)},
			{"no group", wire.GroupNotFound, "a", "GROUPnone", m("a", 3000)},
			{"no conversation", wire.ConversationIDInvalid, "a", "b", m("a", 3000)},
		}
		for _, row := range table {
			_, _, _, err := f.s.Import(f.ctx, app, row.as, row.id, row.messages, f.now)
			require.Error(f, err, row.name)
			require.Equal(f, row.code.Name(), wire.CodeOf(err).Name(), row.name)
		}
		require.Equal(f, []uint64{1, 2}, f.seqs("a", "C2Cb", 10))
		require.Len(f, f.rows("a", 0, 10).Spans, 1)
		_, _, _, err := f.s.Import(f.ctx, app, "b", "C2Ca", m("a", 2000, 9000), f.now)
		require.NoError(f, err, "equal times and now itself are good")
	}},
}

var forgetCases = []testCase{
	{"operations and sends from before", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start-100, 1)
		old, kept := newSend("C2Cb", "old"), newSend("C2Cb", "kept")
		first, _, err := f.s.Send(f.ctx, who("a"), old, start)
		require.NoError(f, err)
		_, _, err = f.s.Send(f.ctx, who("a"), kept, start+1)
		require.NoError(f, err)
		op := func(at int64) wire.Delete {
			f.now = at
			d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 10, Ranges: wire.RangesOf(uint64(at-start) + 1)}
			f.delete("a", d)
			return d
		}
		oldOp, keptOp := op(start), op(start+1)
		require.NoError(f, f.s.Forget(f.ctx, start+1))

		_, repeated, err := f.s.Send(f.ctx, who("a"), kept, start+2)
		require.NoError(f, err)
		require.True(f, repeated)
		again, repeated, err := f.s.Send(f.ctx, who("a"), old, start+2)
		require.NoError(f, err)
		require.False(f, repeated)
		require.Equal(f, first.Seq+2, again.Seq)

		keptOp.Anchor = 9
		_, err = f.tryDelete("a", keptOp)
		requireCode(f, wire.OperationIDReused, err)
		oldOp.Anchor = 9
		n := f.number("a")
		require.Equal(f, n, f.delete("a", oldOp).N, "forgotten, so it is applied anew: a join of what is there already")
	}},
	{"health", func(f *fixture) {
		require.NoError(f, f.s.Check(f.ctx))
	}},
}
