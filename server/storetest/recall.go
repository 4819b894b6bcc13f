package storetest

import (
	"sync"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// recall recalls for a user with the default settings.
func (f *fixture) recall(user, conversation string, seq uint64) wire.Recalled {
	f.Helper()
	r, err := f.tryRecall(who(user), conversation, seq, server.Lethe)
	require.NoError(f, err)
	return r
}

func (f *fixture) tryRecall(who server.Who, conversation string, seq uint64, set server.Settings) (wire.Recalled, error) {
	r, _, err := f.s.Recall(f.ctx, who, wire.Recall{ConversationID: conversation, Seq: seq}, set, f.now)
	return r, err
}

func (f *fixture) recalls(who server.Who, conversation string, since uint64, limit int) wire.Recalls {
	f.Helper()
	r, err := f.s.Recalls(f.ctx, who, wire.RecallsRequest{ConversationID: conversation, Since: since}, limit)
	require.NoError(f, err)
	return r
}

func notice(by string, time int64) msgp.Raw {
	raw, err := (&wire.RecallNotice{By: by, Time: time}).MarshalMsg(nil)
	if err != nil {
		panic(err)
	}
	return raw
}

var anybodyAnyTime = func() server.Settings {
	set := server.Lethe
	set.RecallOwnOnly, set.RecallWindow = false, 0
	return set
}()

var recallCases = []testCase{
	{"a notice stands in the message's place for everybody", func(f *fixture) {
		f.send("b", "C2Ca", "before")
		s := newSend("C2Cb", "secret")
		s.Quote = 1
		sent, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		f.now += 1000
		r, log, err := f.s.Recall(f.ctx, who("a"), wire.Recall{ConversationID: "C2Cb", Seq: 2}, server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, sent.Log, log)
		require.Equal(f, wire.Recalled{Seq: 2, By: "a", Time: f.now, Change: 1}, r)

		want := wire.Message{Seq: 2, Time: sent.Time, From: "a", Type: wire.TypeRecalled, Payload: notice("a", f.now), SendID: s.SendID}
		for user, conversation := range map[string]string{"a": "C2Cb", "b": "C2Ca"} {
			require.Equal(f, want, f.messages(f.page(user, wire.PageRequest{ConversationID: conversation, Limit: 10}))[1])
			h := f.head(user, conversation)
			require.Equal(f, want, *h.Last)
			require.Equal(f, uint64(1), h.Recall)
			require.Equal(f, wire.Recalls{Recalls: []wire.Recalled{r}}, f.recalls(who(user), conversation, 0, 10))
			e, err := f.s.Messages(f.ctx, who(user), log, 2, 2)
			require.NoError(f, err)
			require.Equal(f, []wire.Message{want}, e.Messages, "a late push has the notice")
			pushed, err := f.s.RecallsSince(f.ctx, who(user), log, 0, 10)
			require.NoError(f, err)
			require.Equal(f, wire.RecallsEvent{ConversationID: conversation, Log: log, Recalls: []wire.Recalled{r}}, pushed)
		}
		require.Equal(f, uint64(1), f.number("a"), "no user's rows change")
	}},
	{"again answers the same", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		first := f.recall("a", "C2Cb", 1)
		f.now += day
		require.Equal(f, first, f.recall("a", "C2Cb", 1), "also when it would be too late")
		require.Equal(f, first, f.recall("b", "C2Ca", 1), "also for another member")
		require.Equal(f, uint64(1), f.head("a", "C2Cb").Recall)
	}},
	{"a repeated send still answers its place", func(f *fixture) {
		s := newSend("C2Cb", "x")
		ack, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		f.recall("a", "C2Cb", 1)
		again, repeated, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		require.True(f, repeated)
		require.Equal(f, ack, again)
		require.Equal(f, wire.TypeRecalled, f.head("b", "C2Ca").Last.Type)
	}},
	{"within the window", func(f *fixture) {
		for range 3 {
			f.send("a", "C2Cb", "x")
		}
		sent := f.now
		f.now = sent + 120_000
		f.recall("a", "C2Cb", 3)
		f.now++
		_, err := f.tryRecall(who("a"), "C2Cb", 2, server.Lethe)
		requireCode(f, wire.RecallTooLate, err)
		short := server.Lethe
		short.RecallWindow = 1
		ack := f.send("a", "C2Cb", "x")
		f.now += 1001
		_, err = f.tryRecall(who("a"), "C2Cb", ack.Seq, short)
		requireCode(f, wire.RecallTooLate, err)
		f.now += 1000 * day
		none := server.Lethe
		none.RecallWindow = 0
		_, err = f.tryRecall(who("a"), "C2Cb", 2, none)
		require.NoError(f, err, "0 is no limit")
		require.Equal(f, wire.TypeText, f.messages(f.page("a", wire.PageRequest{ConversationID: "C2Cb", Limit: 10}))[0].Type)
	}},
	{"by the sender, or by any member", func(f *fixture) {
		f.group("g", "a", "b", "c")
		f.send("a", "GROUPg", "x")
		_, err := f.tryRecall(who("b"), "GROUPg", 1, server.Lethe)
		requireCode(f, wire.PermissionDenied, err)
		f.members("g", nil, []string{"c"})
		_, err = f.tryRecall(who("c"), "GROUPg", 1, anybodyAnyTime)
		requireCode(f, wire.PermissionDenied, err)
		r, err := f.tryRecall(who("b"), "GROUPg", 1, anybodyAnyTime)
		require.NoError(f, err)
		require.Equal(f, "b", r.By)
		m := f.head("a", "GROUPg").Last
		require.Equal(f, []any{"a", notice("b", f.now)}, []any{m.From, m.Payload}, "the sender stays, the notice has who")
		require.Equal(f, m, f.head("c", "GROUPg").Last, "who has left loses it too")
		require.Equal(f, []wire.Recalled{r}, f.recalls(who("c"), "GROUPg", 0, 10).Recalls)

		f.send("a", "GROUPg", "x")
		f.members("g", nil, []string{"a"})
		_, err = f.tryRecall(who("a"), "GROUPg", 2, server.Lethe)
		requireCode(f, wire.PermissionDenied, err)
	}},
	{"what is not there for the user", func(f *fixture) {
		f.group("g", "a")
		f.send("a", "GROUPg", "1")
		f.members("g", []string{"b"}, nil)
		f.send("a", "GROUPg", "2")
		f.send("a", "GROUPg", "3")
		f.delete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatMessages, Anchor: 3, Ranges: wire.RangesOf(2)})
		for seq, text := range map[uint64]string{0: "no seq", 1: "before the stay", 2: "deleted", 4: "above the head"} {
			_, err := f.tryRecall(who("b"), "GROUPg", seq, anybodyAnyTime)
			require.Equal(f, wire.MessageNotFound.Name(), wire.CodeOf(err).Name(), text)
		}
		for _, id := range []string{"GROUPnone", "C2Ca"} {
			_, err := f.tryRecall(who("b"), id, 1, anybodyAnyTime)
			requireCode(f, wire.ConversationNotFound, err)
		}
		_, err := f.tryRecall(who("b"), "junk", 1, anybodyAnyTime)
		requireCode(f, wire.ConversationIDInvalid, err)
		_, err = f.tryRecall(who("stranger"), "GROUPg", 3, anybodyAnyTime)
		requireCode(f, wire.ConversationNotFound, err)
		_, err = f.s.Recalls(f.ctx, who("stranger"), wire.RecallsRequest{ConversationID: "GROUPg"}, 10)
		requireCode(f, wire.ConversationNotFound, err)
		require.Zero(f, f.head("a", "GROUPg").Recall, "nothing was recalled by all this")
	}},
	{"where the user has deleted, no notice shows, but devices hear of it", func(f *fixture) {
		log := f.send("a", "C2Cb", "1").Log
		f.send("a", "C2Cb", "2")
		f.delete("b", wire.Delete{ConversationID: "C2Ca", What: wire.WhatMessages, Anchor: 2, Ranges: wire.RangesOf(2)})
		r := f.recall("a", "C2Cb", 2)
		require.Equal(f, []uint64{1}, f.seqs("b", "C2Ca", 10))
		require.Equal(f, uint64(1), f.head("b", "C2Ca").Last.Seq)
		e, err := f.s.Messages(f.ctx, who("b"), log, 1, 2)
		require.NoError(f, err)
		require.Len(f, e.Messages, 1)
		require.Equal(f, []wire.Recalled{r}, f.recalls(who("b"), "C2Ca", 0, 10).Recalls, "a device may still hold it")
	}},
	{"by an administrator", func(f *fixture) {
		log := f.send("a", "C2Cb", "x").Log
		f.group("g", "a")
		f.send("a", "GROUPg", "x")
		_, err := f.s.Notice(f.ctx, app, "a", "shop", wire.Message{Type: wire.TypeText, Payload: text("x")}, f.now)
		require.NoError(f, err)
		f.now += 1000 * day
		table := []struct{ as, conversation string }{{"b", "C2Ca"}, {"", "GROUPg"}, {"a", "@TIM#SYSTEMshop"}}
		for _, c := range table {
			r, in, err := f.s.RecallByAdmin(f.ctx, app, c.as, wire.Recall{ConversationID: c.conversation, Seq: 1}, f.now)
			require.NoError(f, err, c.conversation)
			require.Equal(f, wire.Recalled{Seq: 1, Time: f.now, Change: 1}, r)
			require.Equal(f, c.as == "b", in == log)
		}
		for _, conversation := range []string{"C2Cb", "GROUPg", "@TIM#SYSTEMshop"} {
			m := f.head("a", conversation).Last
			require.Equal(f, []any{wire.TypeRecalled, notice("", f.now)}, []any{m.Type, m.Payload})
		}
		refused := []struct {
			as, conversation string
			seq              uint64
			code             wire.Code
		}{
			{"", "C2Ca", 1, wire.ParameterInvalid}, {"a", "C2Cc", 1, wire.ConversationNotFound}, {"", "GROUPnone", 1, wire.ConversationNotFound},
			{"a", "C2Cb", 2, wire.MessageNotFound}, {"a", "C2Cb", 0, wire.MessageNotFound}, {"a", "junk", 1, wire.ConversationIDInvalid},
		}
		for _, c := range refused {
			_, _, err := f.s.RecallByAdmin(f.ctx, app, c.as, wire.Recall{ConversationID: c.conversation, Seq: c.seq}, f.now)
			require.Equal(f, c.code.Name(), wire.CodeOf(err).Name(), "%+v", c)
		}
	}},
	{"a notice of the system is not a user's to recall", func(f *fixture) {
		_, err := f.s.Notice(f.ctx, app, "a", "a", wire.Message{Type: wire.TypeText, Payload: text("x")}, f.now)
		require.NoError(f, err)
		_, err = f.tryRecall(who("a"), "@TIM#SYSTEMa", 1, anybodyAnyTime)
		requireCode(f, wire.PermissionDenied, err)
	}},
	{"where cloud history is off, also when the server has given it out and keeps it no longer", func(f *fixture) {
		a, b := device("a", "1"), device("b", "1")
		f.see(a, b)
		f.send("a", "C2Cb", "1")
		f.send("a", "C2Cb", "2")
		f.have(a, "C2Cb", 2)
		r, err := f.tryRecall(a, "C2Cb", 2, server.RongCloud)
		require.NoError(f, err)
		p, err := f.s.Page(f.ctx, b, wire.PageRequest{ConversationID: "C2Ca", Limit: 10}, roomy)
		require.NoError(f, err)
		m := f.messages(p)
		require.Equal(f, []string{wire.TypeText, wire.TypeRecalled}, []string{m[0].Type, m[1].Type})
		f.have(b, "C2Ca", 2)
		_, err = f.s.Purge(f.ctx, app, server.RongCloud, f.now)
		require.NoError(f, err)
		require.Zero(f, f.count("a", "C2Cb"))

		first, err := f.tryRecall(b, "C2Ca", 1, server.RongCloud)
		require.NoError(f, err)
		require.Equal(f, []wire.Recalled{r, first}, f.recalls(a, "C2Cb", 0, 10).Recalls)
		require.Equal(f, []wire.Recalled{r, first}, f.recalls(b, "C2Ca", 0, 10).Recalls)
		_, err = f.tryRecall(b, "C2Ca", 3, server.RongCloud)
		requireCode(f, wire.MessageNotFound, err)
	}},
	{"numbers without gaps, in slices", func(f *fixture) {
		for range 7 {
			f.send("a", "C2Cb", "x")
		}
		var all []wire.Recalled
		for i, seq := range []uint64{5, 1, 7, 2, 3} {
			r := f.recall("a", "C2Cb", seq)
			require.Equal(f, uint64(i+1), r.Change)
			all = append(all, r)
		}
		for _, limit := range []int{1, 2, 5, 6} {
			var got []wire.Recalled
			for more := true; more; {
				since := uint64(len(got))
				part := f.recalls(who("b"), "C2Ca", since, limit)
				require.LessOrEqual(f, len(part.Recalls), limit)
				got, more = append(got, part.Recalls...), part.More
			}
			require.Equal(f, all, got, "limit %d", limit)
		}
		require.Equal(f, wire.Recalls{}, f.recalls(who("b"), "C2Ca", 5, 10))
	}},
	{"of what a stay does not reach only the number is told", func(f *fixture) {
		log := f.group("g", "a")
		for range 3 {
			f.send("a", "GROUPg", "x")
		}
		f.recall("a", "GROUPg", 1)
		f.members("g", []string{"b"}, nil)
		f.send("a", "GROUPg", "4")
		f.recall("a", "GROUPg", 3)
		r := f.recall("a", "GROUPg", 4)
		want := []wire.Recalled{{Change: 1}, {Change: 2}, r}
		require.Equal(f, want, f.recalls(who("b"), "GROUPg", 0, 10).Recalls)
		e, err := f.s.RecallsSince(f.ctx, who("b"), log, 0, 10)
		require.NoError(f, err)
		require.Equal(f, want, e.Recalls)
		require.Equal(f, uint64(3), f.head("b", "GROUPg").Recall)
		for _, outside := range []server.Who{who("stranger"), {App: "other", User: "a"}} {
			e, err = f.s.RecallsSince(f.ctx, outside, log, 0, 10)
			require.NoError(f, err)
			require.Equal(f, wire.RecallsEvent{}, e)
		}
	}},
	{"heads differ by the recall number", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		ask := func(recall uint64) int {
			h, err := f.s.Heads(f.ctx, who("b"), []wire.Head{{ConversationID: "C2Ca", Head: 1, Recall: recall}}, roomy)
			require.NoError(f, err)
			return len(h.States)
		}
		require.Zero(f, ask(0))
		f.recall("a", "C2Cb", 1)
		require.Equal(f, []int{1, 0, 1}, []int{ask(0), ask(1), ask(2)})
		rest, err := f.s.Rest(f.ctx, who("b"), func(string) bool { return false }, roomy)
		require.NoError(f, err)
		require.Equal(f, uint64(1), rest.States[0].Recall)
	}},
	{"at the same time", func(f *fixture) {
		const n = 20
		for range n {
			f.send("a", "C2Cb", "x")
		}
		numbers := make([]uint64, 2*n)
		var all sync.WaitGroup
		for i := range numbers {
			all.Go(func() {
				r, err := f.tryRecall(who("a"), "C2Cb", uint64(i%n+1), server.Lethe)
				if err == nil {
					numbers[i] = r.Change
				}
			})
		}
		all.Wait()
		require.ElementsMatch(f, run(1, n), numbers[:n], "each message once")
		require.Equal(f, numbers[:n], numbers[n:], "whoever was first")
		require.Len(f, f.recalls(who("b"), "C2Ca", 0, 100).Recalls, n)
	}},
}

var quoteCases = []testCase{
	{"comes back as it was sent", func(f *fixture) {
		f.send("b", "C2Ca", "1")
		s := newSend("C2Cb", "2")
		s.Quote = 1
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		m := f.messages(f.page("b", wire.PageRequest{ConversationID: "C2Ca", Limit: 10}))
		require.Equal(f, []uint64{0, 1}, []uint64{m[0].Quote, m[1].Quote})
		other := s
		other.Quote = 0
		_, _, err = f.s.Send(f.ctx, who("a"), other, f.now)
		requireCode(f, wire.OperationIDReused, err)
	}},
	{"of what the sender's stays reach", func(f *fixture) {
		f.group("g", "a")
		f.send("a", "GROUPg", "1")
		f.members("g", []string{"b"}, nil)
		f.send("a", "GROUPg", "2")
		for seq, code := range map[uint64]wire.Code{1: wire.ParameterInvalid, 3: wire.ParameterInvalid} {
			s := newSend("GROUPg", "x")
			s.Quote = seq
			_, _, err := f.s.Send(f.ctx, who("b"), s, f.now)
			require.Equal(f, code.Name(), wire.CodeOf(err).Name(), "%d", seq)
		}
		f.delete("b", wire.Delete{ConversationID: "GROUPg", What: wire.WhatMessages, Anchor: 2, Ranges: wire.RangesOf(2)})
		s := newSend("GROUPg", "x")
		s.Quote = 2
		_, _, err := f.s.Send(f.ctx, who("b"), s, f.now)
		require.NoError(f, err, "a device may still hold what the user has taken from the server")

		first := newSend("C2Cc", "x")
		first.Quote = 1
		_, _, err = f.s.Send(f.ctx, who("b"), first, f.now)
		requireCode(f, wire.ParameterInvalid, err)
		_, err = f.s.Count(f.ctx, who("b"), wire.CountRequest{ConversationID: "C2Cc"})
		requireCode(f, wire.ConversationNotFound, err)
	}},
}
