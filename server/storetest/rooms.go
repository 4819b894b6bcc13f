package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// on is a user's device.
func on(user, device string) server.Who { return server.Who{App: app, User: user, Device: device} }

func (f *fixture) room(id string) {
	f.Helper()
	require.NoError(f, f.s.PutRoom(f.ctx, app, id, "the "+id))
}

// say sends to the room r.
func (f *fixture) say(who server.Who, s string) wire.SendAck {
	f.Helper()
	f.now++
	ack, _, err := f.s.Send(f.ctx, who, newSend("ROOMr", s), f.now)
	require.NoError(f, err)
	return ack
}

// heard are the seqs that the device can page through in the room r.
func (f *fixture) heard(who server.Who) (seqs []uint64) {
	f.Helper()
	p, err := f.s.Page(f.ctx, who, wire.PageRequest{ConversationID: "ROOMr", Limit: 100}, roomy)
	require.NoError(f, err)
	require.True(f, p.First)
	for _, m := range f.messages(p) {
		seqs = append(seqs, m.Seq)
	}
	return seqs
}

// requireOutside makes sure that the room r is closed to a device, with the code that it gets for it.
func (f *fixture) requireOutside(who server.Who, code, send wire.Code) {
	f.Helper()
	_, _, err := f.s.Send(f.ctx, who, newSend("ROOMr", "x"), f.now)
	requireCode(f, send, err)
	_, err = f.s.Page(f.ctx, who, wire.PageRequest{ConversationID: "ROOMr", Limit: 1}, roomy)
	requireCode(f, code, err)
	_, err = f.tryRecall(who, "ROOMr", 1, anybodyAnyTime)
	requireCode(f, code, err)
	_, err = f.s.Recalls(f.ctx, who, wire.RecallsRequest{ConversationID: "ROOMr"}, 10)
	requireCode(f, code, err)
	_, err = f.s.Read(f.ctx, who, wire.Read{ConversationID: "ROOMr"})
	requireCode(f, code, err)
	h, err := f.s.Heads(f.ctx, who, []wire.Head{{ConversationID: "ROOMr"}}, roomy)
	require.NoError(f, err)
	require.Equal(f, wire.Heads{Unknown: []string{"ROOMr"}, Done: 1}, h)
}

var keeping = func() server.Settings {
	set := server.Lethe
	set.RoomCloudHistory = true
	return set
}()

var roomCases = []testCase{
	{"a device sees what comes since it joined", func(f *fixture) {
		f.room("r")
		a, a2, b := on("a", "1"), on("a", "2"), on("b", "1")
		f.requireOutside(a, wire.NotInRoom, wire.NotInRoom)
		first := f.join(a, "ROOMr")
		require.Equal(f, wire.JoinAck{Log: first.Log, Head: 0, From: 1}, first)
		f.say(a, "1")
		require.Equal(f, wire.JoinAck{Log: first.Log, Head: 1, From: 2}, f.join(b, "ROOMr"))
		f.say(b, "2")
		require.Equal(f, wire.JoinAck{Log: first.Log, Head: 2, From: 2}, f.join(b, "ROOMr"), "twice is once")
		require.Equal(f, []uint64{1, 2}, f.heard(a))
		require.Equal(f, []uint64{2}, f.heard(b))
		f.requireOutside(a2, wire.NotInRoom, wire.NotInRoom)

		h, err := f.s.Heads(f.ctx, b, []wire.Head{{ConversationID: "ROOMr"}}, roomy)
		require.NoError(f, err)
		state := h.States[0]
		require.Equal(f, []any{"ROOMr", first.Log, uint64(2), uint64(2), uint32(0)},
			[]any{state.ConversationID, state.Log, state.Head, state.Last.Seq, state.Unread})
		h, err = f.s.Heads(f.ctx, a, []wire.Head{{ConversationID: "ROOMr", Head: 2}}, roomy)
		require.NoError(f, err)
		require.Empty(f, h.States)
		e, err := f.s.Messages(f.ctx, b, first.Log, 1, 2)
		require.NoError(f, err)
		require.Equal(f, []any{"ROOMr", 1}, []any{e.ConversationID, len(e.Messages)})
		e, err = f.s.Messages(f.ctx, a2, first.Log, 1, 2)
		require.NoError(f, err)
		require.Equal(f, wire.MessagesEvent{}, e)
		count, err := f.s.Count(f.ctx, a, wire.CountRequest{ConversationID: "ROOMr"})
		require.NoError(f, err)
		require.Equal(f, wire.Count{Messages: 2, Head: 2}, count)
	}},
	{"with history, all of it", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.join(a, "ROOMr")
		f.say(a, "1")
		ack, err := f.s.Join(f.ctx, b, wire.Join{ConversationID: "ROOMr"}, keeping)
		require.NoError(f, err)
		require.Equal(f, []uint64{1, 1}, []uint64{ack.Head, ack.From})
		require.Equal(f, []uint64{1}, f.heard(b))
		logs, err := f.s.Logs(f.ctx, b)
		require.NoError(f, err)
		require.Equal(f, []server.OpenLog{{Log: ack.Log, Joined: 2, Head: 1, Room: "ROOMr"}}, logs, "only what comes is pushed")
	}},
	{"the device's open logs", func(f *fixture) {
		f.room("r")
		f.room("s")
		a := on("a", "1")
		c := f.send("a", "C2Cb", "x")
		r := f.join(a, "ROOMr")
		s := f.join(a, "ROOMs")
		f.join(on("a", "2"), "ROOMs")
		f.leave(a, "ROOMs")
		f.leave(a, "ROOMs")
		logs, err := f.s.Logs(f.ctx, a)
		require.NoError(f, err)
		require.ElementsMatch(f, []server.OpenLog{{Log: c.Log, Joined: 1, Head: 1}, {Log: r.Log, Joined: 1, Room: "ROOMr"}}, logs)
		logs, err = f.s.Logs(f.ctx, on("a", "2"))
		require.NoError(f, err)
		require.ElementsMatch(f, []server.OpenLog{{Log: c.Log, Joined: 1, Head: 1}, {Log: s.Log, Joined: 1, Room: "ROOMs"}}, logs,
			"the other device is still in")
	}},
	{"leaving and coming back", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.join(a, "ROOMr")
		f.join(b, "ROOMr")
		f.say(a, "1")
		f.leave(b, "ROOMr")
		f.requireOutside(b, wire.NotInRoom, wire.NotInRoom)
		f.say(a, "2")
		require.Equal(f, uint64(3), f.join(b, "ROOMr").From)
		require.Empty(f, f.heard(b))
	}},
	{"no user has rows of it, and nobody's view of the rest has it", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.join(a, "ROOMr")
		f.join(b, "ROOMr")
		f.say(a, "1")
		f.say(b, "2")
		_, err := f.s.Read(f.ctx, a, wire.Read{ConversationID: "ROOMr", UpTo: 2})
		require.NoError(f, err)
		_, err = f.s.Read(f.ctx, a, wire.Read{ConversationID: "ROOMr", UpTo: 3})
		requireCode(f, wire.AnchorAboveHead, err)
		_, err = f.tryRecall(a, "ROOMr", 1, server.Lethe)
		require.NoError(f, err)
		f.leave(a, "ROOMr")
		require.Equal(f, wire.Rows{Epoch: 1}, f.rows("a", 0, 10))
		rest, err := f.s.Rest(f.ctx, b, func(string) bool { return false }, roomy)
		require.NoError(f, err)
		require.Equal(f, wire.Heads{}, rest)
	}},
	{"its visitors delete nothing", func(f *fixture) {
		f.room("r")
		a := on("a", "1")
		f.join(a, "ROOMr")
		s := newSend("ROOMr", "x")
		_, _, err := f.s.Send(f.ctx, a, s, f.now)
		require.NoError(f, err)
		for _, scope := range []wire.Scope{wire.ScopeRemote, wire.ScopeBoth} {
			_, err := f.s.Delete(f.ctx, a, wire.Delete{OpID: newID(), ConversationID: "ROOMr", Scope: scope, What: wire.WhatConversation, Anchor: 1}, server.Lethe, f.now)
			requireCode(f, wire.RoomNotDeletable, err)
			_, err = f.s.Cancel(f.ctx, a, wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "ROOMr", Scope: scope}, server.Lethe, f.now)
			requireCode(f, wire.RoomNotDeletable, err)
		}
		ack, err := f.s.Cancel(f.ctx, a, wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "ROOMr", Scope: wire.ScopeLocal}, server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, wire.CancelAck{Seq: 1}, ack)
		require.Equal(f, []uint64{1}, f.heard(a))
	}},
	{"recall", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.join(a, "ROOMr")
		log := f.say(a, "1").Log
		f.join(b, "ROOMr")
		f.say(b, "2")
		_, err := f.tryRecall(a, "ROOMr", 2, server.Lethe)
		requireCode(f, wire.PermissionDenied, err)
		_, err = f.tryRecall(b, "ROOMr", 1, anybodyAnyTime)
		requireCode(f, wire.MessageNotFound, err)
		r, err := f.tryRecall(a, "ROOMr", 2, anybodyAnyTime)
		require.NoError(f, err)
		e, err := f.s.Messages(f.ctx, b, log, 2, 2)
		require.NoError(f, err)
		require.Equal(f, []any{wire.TypeRecalled, notice("a", f.now)}, []any{e.Messages[0].Type, e.Messages[0].Payload})
		require.Equal(f, []wire.Recalled{r}, f.recalls(b, "ROOMr", 0, 10).Recalls)
		first, _, err := f.s.RecallByAdmin(f.ctx, app, "", wire.Recall{ConversationID: "ROOMr", Seq: 1}, f.now)
		require.NoError(f, err)
		require.Equal(f, []wire.Recalled{{Change: 2}}, f.recalls(b, "ROOMr", 1, 10).Recalls)
		require.Equal(f, []wire.Recalled{first}, f.recalls(a, "ROOMr", 1, 10).Recalls)
	}},
	{"a quote lies within what the device may see", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.join(a, "ROOMr")
		f.say(a, "1")
		f.join(b, "ROOMr")
		s := newSend("ROOMr", "x")
		s.Quote = 1
		_, _, err := f.s.Send(f.ctx, b, s, f.now)
		requireCode(f, wire.ParameterInvalid, err)
		_, _, err = f.s.Send(f.ctx, a, s, f.now)
		require.NoError(f, err)
	}},
	{"purged after its time, in this app's rooms only", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.join(a, "ROOMr")
		f.join(b, "ROOMr")
		f.say(a, "1")
		last := f.say(a, "2")
		f.send("a", "C2Cb", "x")
		require.NoError(f, f.s.PurgeRooms(f.ctx, "other", last.Time+day))
		require.NoError(f, f.s.PurgeRooms(f.ctx, app, last.Time))
		require.Equal(f, []uint64{2}, f.heard(a))
		require.NoError(f, f.s.PurgeRooms(f.ctx, app, last.Time+day))
		require.Empty(f, f.heard(a))
		require.Equal(f, uint64(1), f.count("a", "C2Cb"))
		require.Equal(f, uint64(3), f.say(b, "3").Seq, "the log goes on")

		// The devices still hold it.
		r, err := f.tryRecall(a, "ROOMr", 2, server.Lethe)
		require.NoError(f, err)
		require.Equal(f, []wire.Recalled{r}, f.recalls(b, "ROOMr", 0, 10).Recalls)
		require.Equal(f, []uint64{3}, f.heard(b))
		_, err = f.tryRecall(b, "ROOMr", 1, server.Lethe)
		requireCode(f, wire.PermissionDenied, err)
		f.now += 121_000
		_, err = f.tryRecall(a, "ROOMr", 1, server.Lethe)
		requireCode(f, wire.RecallTooLate, err)
	}},
	{"cleared for all", func(f *fixture) {
		f.room("r")
		a := on("a", "1")
		f.join(a, "ROOMr")
		f.say(a, "1")
		through, err := f.s.ClearRoom(f.ctx, app, "r")
		require.NoError(f, err)
		require.Equal(f, uint64(1), through)
		require.Empty(f, f.heard(a))
		f.say(a, "2")
		require.Equal(f, []uint64{2}, f.heard(a), "who is in stays in")
		_, err = f.s.ClearRoom(f.ctx, app, "none")
		requireCode(f, wire.RoomNotFound, err)
	}},
	{"closed, and opened again", func(f *fixture) {
		f.room("r")
		a := on("a", "1")
		log := f.join(a, "ROOMr").Log
		f.say(a, "1")
		for range 2 {
			closed, err := f.s.CloseRoom(f.ctx, app, "r")
			require.NoError(f, err)
			require.Equal(f, log, closed)
		}
		f.requireOutside(a, wire.ConversationNotFound, wire.RoomNotFound)
		_, err := f.s.Join(f.ctx, a, wire.Join{ConversationID: "ROOMr"}, server.Lethe)
		requireCode(f, wire.RoomNotFound, err)
		f.leave(a, "ROOMr")
		logs, err := f.s.Logs(f.ctx, a)
		require.NoError(f, err)
		require.Empty(f, logs)

		f.room("r")
		f.requireOutside(a, wire.NotInRoom, wire.NotInRoom)
		ack, err := f.s.Join(f.ctx, a, wire.Join{ConversationID: "ROOMr"}, keeping)
		require.NoError(f, err)
		require.Equal(f, wire.JoinAck{Log: log, Head: 1, From: 1}, ack)
		require.Empty(f, f.heard(a), "what was said before it closed is gone")
		require.Equal(f, uint64(2), f.say(a, "2").Seq)
		_, err = f.s.CloseRoom(f.ctx, app, "none")
		requireCode(f, wire.RoomNotFound, err)
	}},
	{"a device that is not seen any more is forgotten", func(f *fixture) {
		f.room("r")
		a, b := on("a", "1"), on("b", "1")
		f.see(a, b)
		f.join(a, "ROOMr")
		f.join(b, "ROOMr")
		f.now += 31 * day
		f.see(b)
		require.NoError(f, f.s.Forget(f.ctx, f.now-30*day))
		f.requireOutside(a, wire.NotInRoom, wire.NotInRoom)
		f.say(b, "hello?")
	}},
	{"bad input", func(f *fixture) {
		requireCode(f, wire.ParameterInvalid, f.s.PutRoom(f.ctx, app, "", "x"))
		f.room("r")
		for _, device := range []string{"", "\x00"} {
			_, err := f.s.Join(f.ctx, on("a", device), wire.Join{ConversationID: "ROOMr"}, server.Lethe)
			requireCode(f, wire.ParameterInvalid, err)
		}
		_, _, err := f.s.Send(f.ctx, on("a", "1"), newSend("ROOMnone", "x"), f.now)
		requireCode(f, wire.RoomNotFound, err)
		_, _, _, err = f.s.Import(f.ctx, app, "a", "ROOMr", []wire.Message{{From: "a", Time: 1, Type: wire.TypeText, Payload: text("x")}}, f.now)
		requireCode(f, wire.ParameterInvalid, err)
	}},
}
