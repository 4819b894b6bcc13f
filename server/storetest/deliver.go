package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// device is one of a user's devices where cloud history is off.
func device(user, name string) server.Who {
	return server.Who{App: app, User: user, Device: name, Waiting: true}
}

func (f *fixture) see(devices ...server.Who) {
	f.Helper()
	for _, d := range devices {
		_, err := f.s.Device(f.ctx, d, f.now)
		require.NoError(f, err)
	}
}

func (f *fixture) have(d server.Who, conversation string, upTo uint64) {
	f.Helper()
	require.NoError(f, f.s.Have(f.ctx, d, []wire.Head{{ConversationID: conversation, Head: upTo}}, f.now))
}

// waits returns the seqs that wait for a device.
func (f *fixture) waits(d server.Who, conversation string) (seqs []uint64) {
	f.Helper()
	p, err := f.s.Page(f.ctx, d, wire.PageRequest{ConversationID: conversation, Limit: 100}, roomy)
	require.NoError(f, err)
	require.Equal(f, []any{uint64(1), p.Head}, []any{p.From, p.To}, "it covers all")
	for _, m := range f.messages(p) {
		seqs = append(seqs, m.Seq)
	}
	return seqs
}

// Where cloud history is off.
var deliveryCases = []testCase{
	{"a device is given what it has not said it has", func(f *fixture) {
		a1, a2, b1 := device("a", "1"), device("a", "2"), device("b", "1")
		f.see(a1, a2, b1)
		f.fill("a", "C2Cb", 5, start, 1)
		require.Equal(f, run(1, 5), f.waits(b1, "C2Ca"))
		f.have(b1, "C2Ca", 3)
		require.Equal(f, run(4, 5), f.waits(b1, "C2Ca"))
		f.have(b1, "C2Ca", 2)
		require.Equal(f, run(4, 5), f.waits(b1, "C2Ca"), "a max-join")
		require.Equal(f, run(1, 5), f.waits(a2, "C2Cb"), "the sender's other device is given it too")

		h, err := f.s.Heads(f.ctx, b1, []wire.Head{{ConversationID: "C2Ca"}}, roomy)
		require.NoError(f, err)
		require.Equal(f, []any{uint64(5), uint32(2)}, []any{h.States[0].Head, h.States[0].Unread})
		f.have(b1, "C2Ca", 99)
		count, err := f.s.Count(f.ctx, b1, wire.CountRequest{ConversationID: "C2Ca"})
		require.NoError(f, err)
		require.Equal(f, wire.Count{Head: 5}, count)
		f.send("a", "C2Cb", "new")
		require.Equal(f, []uint64{6}, f.waits(b1, "C2Ca"), "a mark above the head was one at the head")
	}},
	{"a new device is given what no other device of the user was given", func(f *fixture) {
		f.see(device("b", "0"), device("b", "1"))
		f.fill("a", "C2Cb", 5, start, 1)
		f.have(device("b", "0"), "C2Ca", 1)
		f.have(device("b", "1"), "C2Ca", 3)
		f.see(device("b", "2"), device("c", "1"))
		f.have(device("b", "1"), "C2Ca", 4)
		require.Equal(f, run(4, 5), f.waits(device("b", "2"), "C2Ca"))
	}},
	{"purged once all devices have it, the sender's too", func(f *fixture) {
		devices := []server.Who{device("a", "1"), device("a", "2"), device("b", "1"), device("b", "2")}
		f.see(devices...)
		f.fill("a", "C2Cb", 5, start, 1)
		for i, d := range devices {
			conversation := "C2Cb"
			if d.User == "b" {
				conversation = "C2Ca"
			}
			f.purge(server.RongCloud)
			require.Equal(f, run(1, 5), f.waits(device(d.User, "any"), conversation), "device %d", i)
			f.have(d, conversation, 4)
		}
		f.purge(server.RongCloud)
		require.Equal(f, []uint64{5}, f.stored("a", "C2Cb", 5))
	}},
	{"after 7 days at the latest", func(f *fixture) {
		f.see(device("a", "1"))
		f.fill("a", "C2Cb", 5, start, 1)
		f.have(device("a", "1"), "C2Cb", 5)
		f.now = start + 7*day
		f.purge(server.RongCloud)
		require.Equal(f, run(1, 5), f.waits(device("b", "1"), "C2Ca"), "b was never there: it waits")
		f.now = start + 7*day + 10
		f.purge(server.RongCloud)
		require.Empty(f, f.stored("a", "C2Cb", 5))
	}},
	{"a device that was not seen for 7 days is not waited for, if there is another", func(f *fixture) {
		f.see(device("b", "old"))
		f.now += 5 * day
		f.see(device("a", "1"), device("b", "1"))
		f.fill("a", "C2Cb", 5, f.now, 1)
		f.have(device("a", "1"), "C2Cb", 5)
		f.have(device("b", "1"), "C2Ca", 5)
		f.purge(server.RongCloud)
		require.Equal(f, run(1, 5), f.waits(device("b", "old"), "C2Ca"))
		f.now += 3 * day
		f.purge(server.RongCloud)
		require.Empty(f, f.stored("a", "C2Cb", 5), "nothing but time has passed")
	}},
	{"deleting in both places clears what waits", func(f *fixture) {
		f.see(device("a", "1"), device("b", "1"))
		f.fill("a", "C2Cb", 5, start, 1)
		f.have(device("a", "1"), "C2Cb", 5)
		_, err := f.s.Delete(f.ctx, who("b"), wire.Delete{
			OpID: newID(), ConversationID: "C2Ca", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 5, Ranges: wire.RangesOf(2, 3),
		}, server.RongCloud, f.now)
		require.NoError(f, err)
		require.Equal(f, []uint64{1, 4, 5}, f.waits(device("b", "1"), "C2Ca"))
		f.purge(server.RongCloud)
		require.Equal(f, []uint64{1, 4, 5}, f.stored("a", "C2Cb", 5))
	}},
	{"while the compensation lasts it is kept for new devices", func(f *fixture) {
		set := server.RongCloud
		set.CompensationDays = 3
		f.see(device("a", "1"), device("b", "1"))
		f.fill("a", "C2Cb", 5, start, 1)
		f.have(device("a", "1"), "C2Cb", 5)
		f.have(device("b", "1"), "C2Ca", 5)
		f.purge(set)
		require.Empty(f, f.waits(device("b", "1"), "C2Ca"))
		require.Equal(f, run(1, 5), f.compensated("b", "C2Ca", set.Compensated(f.now)))
		f.now += 4 * day
		f.purge(set)
		require.Empty(f, f.stored("a", "C2Cb", 5))
	}},
	{"have refuses who is no device, and passes over what is not the user's", func(f *fixture) {
		requireCode(f, wire.ParameterInvalid, f.s.Have(f.ctx, who("a"), nil, f.now))
		f.see(device("a", "1"))
		f.fill("a", "C2Cb", 5, start, 1)
		require.NoError(f, f.s.Have(f.ctx, device("a", "1"), []wire.Head{
			{ConversationID: "C2Cz", Head: 9}, {ConversationID: "nonsense", Head: 9}, {ConversationID: "C2Cb", Head: 2},
		}, f.now))
		require.Equal(f, run(3, 5), f.waits(device("a", "1"), "C2Cb"))
	}},
	{"rooms wait for nobody", func(f *fixture) {
		require.NoError(f, f.s.PutRoom(f.ctx, app, "r", "r"))
		for _, d := range []server.Who{device("a", "1"), device("b", "1")} {
			f.see(d)
			_, err := f.s.Join(f.ctx, d, wire.Join{ConversationID: "ROOMr"}, server.RongCloud)
			require.NoError(f, err)
		}
		_, _, err := f.s.Send(f.ctx, device("a", "1"), newSend("ROOMr", "x"), f.now)
		require.NoError(f, err)
		f.have(device("a", "1"), "ROOMr", 1)
		f.have(device("b", "1"), "ROOMr", 1)
		f.purge(server.RongCloud)
		require.Equal(f, []uint64{1}, f.stored("", "ROOMr", 1))
	}},
}
