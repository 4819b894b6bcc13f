package storetest

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// two makes one answer of two.
func two(a, b any, err error) (any, error) { return []any{a, b}, err }

// only makes an answer of an error alone.
func only(err error) (any, error) { return nil, err }

// deletes makes an operation of a deletion.
func deletes(user string, d wire.Delete) func(*fixture) (any, error) {
	d.OpID = wire.ID{9}
	return func(f *fixture) (any, error) {
		return f.s.Delete(f.ctx, who(user), d, server.Lethe, f.now)
	}
}

// sends makes an operation of a message.
func sends(w server.Who, conversation string, quote uint64) func(*fixture) (any, error) {
	s := wire.Send{SendID: wire.ID{8}, ConversationID: conversation, Type: wire.TypeText, Payload: text("struck"), Quote: quote}
	return func(f *fixture) (any, error) {
		ack, _, err := f.s.Send(f.ctx, w, s, f.now)
		return ack, err
	}
}

var (
	all       = []string{"a", "b", "c"}
	visitor   = server.Who{App: app, User: "a", Device: "1"}
	struckOne = []wire.Message{
		{From: "a", Time: start + 9000, Type: wire.TypeText, Payload: text("one")},
		{From: "a", Time: start + 9001, Type: wire.TypeText, Payload: text("two")},
	}
)

// faultOperations are the operations of Store.
var faultOperations = []faultOperation{
	{name: "Send", users: all, run: sends(who("a"), "GROUPg", 5)},
	{name: "Send the first", users: []string{"a", "z"}, run: sends(who("a"), "C2Cz", 0)},
	{name: "Send in a room", users: all, run: sends(visitor, "ROOMr", 0)},
	{name: "Cancel what came", users: []string{"b"}, run: func(f *fixture) (any, error) {
		return f.s.Cancel(f.ctx, who("b"), wire.Cancel{
			OpID: wire.ID{9}, SendID: wire.ID{1, 3}, ConversationID: "GROUPg", Scope: wire.ScopeBoth, Hide: true,
		}, server.Lethe, f.now)
	}},
	{name: "Cancel what never came", run: func(f *fixture) (any, error) {
		return f.s.Cancel(f.ctx, who("b"), wire.Cancel{
			OpID: wire.ID{9}, SendID: wire.ID{7}, ConversationID: "GROUPg", Scope: wire.ScopeBoth,
		}, server.Lethe, f.now)
	}},
	{name: "Delete a conversation", users: []string{"a"}, run: deletes("a",
		wire.Delete{ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 300, Hide: true})},
	{name: "Delete messages", users: []string{"b"}, run: deletes("b",
		wire.Delete{ConversationID: "C2Ca", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 300, Ranges: wire.RangesOf(1, 2, 255, 256, 300)})},
	{name: "Delete by time", users: []string{"a"}, run: deletes("a",
		wire.Delete{ConversationID: "C2Cb", Scope: wire.ScopeRemote, What: wire.WhatTime, Anchor: 300, Before: start + 1000})},
	{name: "Hide", users: []string{"a"}, run: deletes("a",
		wire.Delete{ConversationID: "GROUPg", Scope: wire.ScopeBoth, What: wire.WhatNothing, Anchor: 24, Hide: true})},
	{name: "Read", users: []string{"b"}, run: func(f *fixture) (any, error) {
		return f.s.Read(f.ctx, who("b"), wire.Read{ConversationID: "C2Ca", UpTo: 200})
	}},
	{name: "Recall", users: all, run: func(f *fixture) (any, error) {
		r, log, err := f.s.Recall(f.ctx, who("b"), wire.Recall{ConversationID: "GROUPg", Seq: 23}, server.Settings{CloudHistory: true}, f.now)
		return two(r, log, err)
	}},
	{name: "RecallByAdmin", users: all, run: func(f *fixture) (any, error) {
		r, log, err := f.s.RecallByAdmin(f.ctx, app, "a", wire.Recall{ConversationID: "C2Cb", Seq: 7}, f.now)
		return two(r, log, err)
	}},
	{name: "Join a group", users: []string{"d"}, run: func(f *fixture) (any, error) {
		return f.s.Join(f.ctx, who("d"), wire.Join{ConversationID: "GROUPopen"}, server.Lethe)
	}},
	{name: "Join a room", users: []string{"d"}, run: func(f *fixture) (any, error) {
		return f.s.Join(f.ctx, server.Who{App: app, User: "d", Device: "1"}, wire.Join{ConversationID: "ROOMr"}, server.Lethe)
	}},
	{name: "Leave a group", users: []string{"a"}, run: func(f *fixture) (any, error) {
		return f.s.Leave(f.ctx, who("a"), wire.Leave{ConversationID: "GROUPg"})
	}},
	{name: "Leave a room", users: []string{"a"}, run: func(f *fixture) (any, error) {
		return f.s.Leave(f.ctx, visitor, wire.Leave{ConversationID: "ROOMr"})
	}},
	{name: "PutGroup", run: func(f *fixture) (any, error) {
		return f.s.PutGroup(f.ctx, app, "new", "a new one", true)
	}},
	{name: "PutGroup renames", users: []string{"a", "b", "c"}, run: func(f *fixture) (any, error) {
		_, err := f.s.PutGroup(f.ctx, app, "g", "another name", false)
		return only(err)
	}},
	{name: "Dissolve", users: []string{"a", "b"}, run: func(f *fixture) (any, error) {
		_, err := f.s.Dissolve(f.ctx, app, "g")
		return only(err)
	}},
	{name: "Members", users: []string{"a", "c", "d"}, run: func(f *fixture) (any, error) {
		_, log, err := f.s.Members(f.ctx, app, "g", []string{"c", "d"}, []string{"a"})
		return log, err
	}},
	{name: "PutRoom", run: func(f *fixture) (any, error) { return only(f.s.PutRoom(f.ctx, app, "new", "a room")) }},
	{name: "PutRoom renames", run: func(f *fixture) (any, error) { return only(f.s.PutRoom(f.ctx, app, "r", "another name")) }},
	{name: "CloseRoom", users: all, run: func(f *fixture) (any, error) { return f.s.CloseRoom(f.ctx, app, "r") }},
	{name: "ClearRoom", users: all, run: func(f *fixture) (any, error) { return f.s.ClearRoom(f.ctx, app, "r") }},
	{name: "PurgeRooms", users: all, run: func(f *fixture) (any, error) {
		return only(f.s.PurgeRooms(f.ctx, app, f.now+1))
	}},
	{name: "Notice", users: []string{"a"}, run: func(f *fixture) (any, error) {
		return f.s.Notice(f.ctx, app, "a", "news", struckOne[0], f.now)
	}},
	{name: "Notice, the first", users: []string{"a"}, run: func(f *fixture) (any, error) {
		return f.s.Notice(f.ctx, app, "a", "more", struckOne[0], f.now)
	}},
	{name: "Import", users: []string{"a", "b"}, run: func(f *fixture) (any, error) {
		first, last, _, err := f.s.Import(f.ctx, app, "a", "C2Cb", struckOne[:], f.now)
		return two(first, last, err)
	}},
	{name: "Device", run: func(f *fixture) (any, error) { return f.s.Device(f.ctx, device("b", "new"), f.now) }},
	{name: "Settle", run: func(f *fixture) (any, error) { return only(f.s.Settle(f.ctx, device("b", "1"))) }},
	{name: "Have", run: func(f *fixture) (any, error) {
		return only(f.s.Have(f.ctx, device("b", "1"), []wire.Head{{ConversationID: "C2Ca", Head: 150}, {ConversationID: "GROUPg", Head: 3}}, f.now))
	}},
	{name: "Clear", users: all, run: func(f *fixture) (any, error) {
		return f.s.Clear(f.ctx, app, "a", server.Clear{ConversationID: "C2Cb"})
	}},
	{name: "Clear messages", users: all, run: func(f *fixture) (any, error) {
		return f.s.Clear(f.ctx, app, "", server.Clear{ConversationID: "GROUPg", Ranges: wire.RangesOf(2, 21)})
	}},
	{name: "Wipe", users: []string{"b"}, run: func(f *fixture) (any, error) { return only(f.s.Wipe(f.ctx, app, "b")) }},
	{name: "Purge", users: all, parts: true, run: func(f *fixture) (any, error) { return only(purgeAll(f, f.now)) }},
	{name: "Purge by retention", users: all, parts: true, alike: 7, run: func(f *fixture) (any, error) {
		if err := purgeAll(f, f.now); err != nil { // what is owed already expires later, a log at a time
			return nil, err
		}
		return only(purgeAll(f, start+200+180*day)) // the group's first, and some others
	}},
	{name: "Erase", run: func(f *fixture) (any, error) {
		for {
			if more, err := f.s.Erase(f.ctx); err != nil || !more {
				return nil, err
			}
		}
	}},
	{name: "ChangeSettings", users: faultUsers, run: func(f *fixture) (any, error) {
		return f.s.ChangeSettings(f.ctx, app, server.Lethe, func(set *server.Settings) error {
			set.CompensationDays = 3
			return nil
		})
	}},
	{name: "Claim", run: func(f *fixture) (any, error) {
		first, _, err := f.s.Claim(f.ctx, app, "new", []byte{2}, f.now) // one that was claimed before the fault is not claimed again
		return first.Body, err
	}},
	{name: "KeepAnswer", run: func(f *fixture) (any, error) {
		return only(f.s.KeepAnswer(f.ctx, app, "claimed", server.Answer{Hash: []byte{2}, Body: []byte("no")}, f.now))
	}},
	{name: "DropClaim", run: func(f *fixture) (any, error) {
		return only(f.s.DropClaim(f.ctx, app, "claimed", []byte{2}))
	}},
	{name: "Revoke", run: func(f *fixture) (any, error) {
		return only(f.s.Revoke(f.ctx, app, server.Revocation{User: "a", Device: "1", Before: f.now}))
	}},
	{name: "Forget", users: all, run: func(f *fixture) (any, error) { return only(f.s.Forget(f.ctx, f.now)) }},
	{name: "Check", run: func(f *fixture) (any, error) { return only(f.s.Check(f.ctx)) }},

	{name: "Page", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Page(ctx, who("b"), wire.PageRequest{ConversationID: "C2Ca", Limit: 100}, roomy)
	})},
	{name: "Compensation", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Compensation(ctx, who("b"), wire.PageRequest{ConversationID: "GROUPg", Limit: 100}, start, roomy)
	})},
	{name: "Rows", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Rows(ctx, who("b"), 0, 2)
	})},
	{name: "Recalls", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Recalls(ctx, who("a"), wire.RecallsRequest{ConversationID: "GROUPg"}, 10)
	})},
	{name: "Heads", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Heads(ctx, who("b"), []wire.Head{{ConversationID: "C2Ca"}, {ConversationID: "C2Cnobody"}, {ConversationID: "GROUPg"}}, roomy)
	})},
	{name: "Rest", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Rest(ctx, who("b"), func(string) bool { return false }, roomy)
	})},
	{name: "Count", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		return s.Count(ctx, who("b"), wire.CountRequest{ConversationID: "C2Ca"})
	})},
	{name: "Number", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		n, epoch, err := s.Number(ctx, who("b"))
		return two(n, epoch, err)
	})},
	{name: "Logs", run: reads(func(ctx context.Context, s server.Store) (any, error) { return s.Logs(ctx, visitor) })},
	{name: "Messages", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		logs, err := s.Logs(ctx, who("b"))
		if err != nil {
			return nil, err
		}
		var found []wire.MessagesEvent
		for _, l := range logs {
			e, err := s.Messages(ctx, who("b"), l.Log, 2, 5)
			recalls, err2 := s.RecallsSince(ctx, who("b"), l.Log, 0, 10)
			_, conversation, err3 := s.Conversation(ctx, app, l.Log)
			if err := errors.Join(err, err2, err3); err != nil {
				return nil, err
			}
			e.ConversationID += conversation + recalls.ConversationID
			found = append(found, e)
		}
		return found, nil
	})},
	{name: "Revoked", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		revoked, err := s.Revoked(ctx, server.Grant{App: app, User: "d", Issued: start})
		if err != nil {
			return nil, err
		}
		all, err := s.Revocations(ctx, app, 0, 10)
		return two(revoked, all, err)
	})},
	{name: "Settings", run: reads(func(ctx context.Context, s server.Store) (any, error) {
		set, known, err := s.Settings(ctx, app)
		return []any{set, known}, err
	})},
}

func reads(run func(context.Context, server.Store) (any, error)) func(*fixture) (any, error) {
	return func(f *fixture) (any, error) { return run(f.ctx, f.s) }
}

// purgeAll purges until nothing is left to do.
func purgeAll(f *fixture, now int64) error {
	for {
		if more, err := f.s.Purge(f.ctx, app, server.Lethe, now); err != nil || !more {
			return err
		}
	}
}
