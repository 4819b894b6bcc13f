package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var deleteCases = []testCase{
	{"a whole conversation, for the one who deletes only", func(f *fixture) {
		f.fill("a", "C2Cb", 700, start, 1)
		before := f.rows("b", 0, 100)
		seen := f.seqs("b", "C2Ca", 100)
		ack := f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 700, Hide: true})
		require.Equal(f, uint64(700), ack.Through)
		require.Equal(f, uint64(2), ack.N)
		require.Equal(f, wire.HeadState{
			ConversationID: "C2Cb", Log: ack.State.Log, Head: 700, Time: start + 699, ReadUpTo: 700,
		}, ack.State)
		require.Empty(f, f.seqs("a", "C2Cb", 100))
		require.Zero(f, f.count("a", "C2Cb"))

		require.Equal(f, before, f.rows("b", 0, 100), "the other one's rows")
		require.Equal(f, seen, f.seqs("b", "C2Ca", 100), "the other one's view")
		require.Equal(f, uint64(700), f.count("b", "C2Ca"))
		require.Equal(f, uint32(700), f.head("b", "C2Ca").Unread)
	}},
	{"messages", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		gone := []uint64{1, 255, 256, 300, 600}
		ack := f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 600, Ranges: wire.RangesOf(gone...)})
		require.Zero(f, ack.Through)
		require.Equal(f, uint64(599), ack.State.Last.Seq)
		require.Equal(f, start+599, ack.State.Time, "the list is sorted by the newest, even if deleted")
		want := map[uint64]bool{}
		for _, s := range gone {
			want[s] = true
		}
		left := f.seqs("a", "C2Cb", 100)
		require.Len(f, left, 595)
		for _, s := range left {
			require.False(f, want[s], "%d", s)
		}
		require.Equal(f, uint64(595), f.count("a", "C2Cb"))
		require.Equal(f, uint64(600), f.count("b", "C2Ca"))
	}},
	{"once per opID", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 5}
		first := f.delete("a", d)
		f.send("b", "C2Ca", "later")
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 8, Ranges: wire.RangesOf(8)})
		again := f.delete("a", d)
		require.Equal(f, first.N, again.N)
		require.Equal(f, first.Through, again.Through)
		require.Equal(f, uint64(11), again.State.Head, "the state is as of now")
		require.Equal(f, uint64(3), f.number("a"))
	}},
	{"same opID with another content is refused", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 5}
		f.delete("a", d)
		d.Anchor = 6
		_, err := f.tryDelete("a", d)
		requireCode(f, wire.OperationIDReused, err)
		_, err = f.s.Cancel(f.ctx, who("a"), wire.Cancel{OpID: d.OpID, SendID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth},
			server.Lethe, f.now)
		requireCode(f, wire.OperationIDReused, err)
		require.Equal(f, run(6, 10), f.seqs("a", "C2Cb", 10))
		d.ConversationID = "C2Ca"
		f.delete("b", d) // another user's opID is another one
	}},
	{"a refused operation is not remembered", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 11}
		_, err := f.tryDelete("a", d)
		requireCode(f, wire.AnchorAboveHead, err)
		d.Anchor = 10
		f.delete("a", d)
	}},
	{"repeating, reordering and overlapping change nothing", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		all := []wire.Delete{
			{What: wire.WhatConversation, Anchor: 300},
			{What: wire.WhatMessages, Anchor: 600, Ranges: wire.RangesOf(10, 299, 300, 301, 400)},
			{What: wire.WhatTime, Anchor: 600, Before: start + 100},
			{What: wire.WhatNothing, Anchor: 200, Hide: true},
		}
		for i := range all {
			all[i].ConversationID = "C2Cb"
			f.delete("a", all[i])
		}
		n, left := f.number("a"), f.seqs("a", "C2Cb", 64)
		require.NotContains(f, left, uint64(301))
		require.Len(f, left, 298)
		for i := range all {
			d := all[len(all)-1-i]
			require.Equal(f, n, f.delete("a", d).N, "a deletion that changes nothing takes no number")
		}
		require.Equal(f, n, f.number("a"))
		require.Equal(f, left, f.seqs("a", "C2Cb", 64))
	}},
	{"newer messages stay", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 10, Hide: true})
		f.send("b", "C2Ca", "new")
		require.Equal(f, []uint64{11}, f.seqs("a", "C2Cb", 10))
		h := f.head("a", "C2Cb")
		require.Equal(f, uint32(1), h.Unread)
		ledger := f.ledger("a", "C2Cb", wire.SurfaceHistory)
		require.True(f, ledger.Hides(10))
		require.False(f, ledger.Hides(h.Head))
	}},
	{"an empty group", func(f *fixture) {
		f.group("g", "a")
		ack := f.delete("a", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 0, Hide: true})
		require.Zero(f, ack.Through)
		require.Equal(f, wire.Ledger{HiddenAt: 1}, f.ledger("a", "GROUPg", wire.SurfaceHistory))
	}},
	{"foreign and absent are the same", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		f.group("g", "a")
		for _, id := range []string{"C2Ca", "C2Cnobody", "GROUPg", "GROUPnone", "@TIM#SYSTEM"} {
			d := wire.Delete{ConversationID: id, What: wire.WhatConversation}
			_, err := f.tryDelete("stranger", d)
			requireCode(f, wire.ConversationNotFound, err)
			foreign := wire.AsError(err).Text
			require.Contains(f, foreign, id)
			_, err = f.s.Page(f.ctx, who("stranger"), wire.PageRequest{ConversationID: id, Limit: 1}, roomy)
			requireCode(f, wire.ConversationNotFound, err)
			require.Equal(f, foreign, wire.AsError(err).Text)
			_, err = f.s.Count(f.ctx, who("stranger"), wire.CountRequest{ConversationID: id})
			requireCode(f, wire.ConversationNotFound, err)
			_, err = f.s.Read(f.ctx, who("stranger"), wire.Read{ConversationID: id})
			requireCode(f, wire.ConversationNotFound, err)
		}
		require.Zero(f, f.number("stranger"))
	}},
	{"bad input changes nothing", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, 1)
		good := wire.Delete{ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 10, Ranges: wire.RangesOf(3)}
		full := wire.RangesOf(5, 300)
		table := map[string]struct {
			code   wire.Code
			change func(*wire.Delete)
		}{
			"no scope":             {wire.ParameterInvalid, func(d *wire.Delete) { d.Scope = 4 }},
			"local scope":          {wire.ParameterInvalid, func(d *wire.Delete) { d.Scope = wire.ScopeLocal }},
			"no kind":              {wire.ParameterInvalid, func(d *wire.Delete) { d.What = 0 }},
			"unknown kind":         {wire.ParameterInvalid, func(d *wire.Delete) { d.What = 5 }},
			"no ranges":            {wire.ParameterInvalid, func(d *wire.Delete) { d.Ranges = nil }},
			"empty part":           {wire.ParameterInvalid, func(d *wire.Delete) { d.Ranges = wire.Ranges{{Segment: 0}} }},
			"falling parts":        {wire.ParameterInvalid, func(d *wire.Delete) { d.Ranges = wire.Ranges{full[1], full[0]} }},
			"a part twice":         {wire.ParameterInvalid, func(d *wire.Delete) { d.Ranges = wire.Ranges{full[0], full[0]} }},
			"seq 0":                {wire.ParameterInvalid, func(d *wire.Delete) { d.Ranges = wire.RangesOf(0, 1) }},
			"above the anchor":     {wire.ParameterInvalid, func(d *wire.Delete) { d.Anchor = 2 }},
			"ranges with a time":   {wire.ParameterInvalid, func(d *wire.Delete) { d.Before = 1 }},
			"conversation, ranges": {wire.ParameterInvalid, func(d *wire.Delete) { d.What = wire.WhatConversation }},
			"time 0":               {wire.ParameterInvalid, func(d *wire.Delete) { d.What, d.Ranges = wire.WhatTime, nil }},
			"negative time":        {wire.ParameterInvalid, func(d *wire.Delete) { d.What, d.Ranges, d.Before = wire.WhatTime, nil, -1 }},
			"nothing at all":       {wire.ParameterInvalid, func(d *wire.Delete) { d.What, d.Ranges = wire.WhatNothing, nil }},
			"anchor above head":    {wire.AnchorAboveHead, func(d *wire.Delete) { d.Anchor = 11 }},
			"unknown prefix":       {wire.ConversationIDInvalid, func(d *wire.Delete) { d.ConversationID = "b" }},
			"empty conversation":   {wire.ConversationIDInvalid, func(d *wire.Delete) { d.ConversationID = "" }},
			"no such conversation": {wire.ConversationNotFound, func(d *wire.Delete) { d.ConversationID = "C2Cz" }},
		}
		before := f.rows("a", 0, 100)
		for name, c := range table {
			d := good
			c.change(&d)
			_, err := f.tryDelete("a", d)
			require.Error(f, err, name)
			require.Equal(f, c.code.Name(), wire.CodeOf(err).Name(), name)
		}
		_, err := f.s.Delete(f.ctx, who("a"), good, server.Lethe, f.now) // without an opID
		requireCode(f, wire.ParameterInvalid, err)
		require.Equal(f, before, f.rows("a", 0, 100))
		require.Equal(f, run(1, 10), f.seqs("a", "C2Cb", 10))
	}},
}

var timeCases = []testCase{
	{"resolved by sentTime", func(f *fixture) {
		// Times 100, 110, 120 … with three equal ones at seq 5, 6, 7.
		times := []int64{100, 110, 120, 130, 140, 140, 140, 150, 160, 170}
		table := []struct {
			before  int64
			anchor  uint64
			through uint64
		}{
			{1, 10, 0}, {100, 10, 0}, {101, 10, 1}, {110, 10, 1}, {140, 10, 4}, {141, 10, 7}, {170, 10, 9}, {171, 10, 10},
			{1 << 60, 10, 10}, {1 << 60, 6, 6}, {141, 6, 6}, {110, 6, 1}, {500, 0, 0},
		}
		messages := make([]wire.Message, len(times))
		for i, at := range times {
			messages[i] = wire.Message{From: "a", Time: at, Type: wire.TypeText, Payload: text("x")}
		}
		for i, row := range table {
			user := string(rune('a' + i))
			for j := range messages {
				messages[j].From = user
			}
			_, _, _, err := f.s.Import(f.ctx, app, user, "C2Cpeer", messages, f.now)
			require.NoError(f, err)
			ack := f.delete(user, wire.Delete{ConversationID: "C2Cpeer", What: wire.WhatTime, Anchor: row.anchor, Before: row.before})
			require.Equal(f, row.through, ack.Through, "%+v", row)
			require.Equal(f, run(row.through+1, 10), f.seqs(user, "C2Cpeer", 10), "%+v", row)
			require.Equal(f, row.through, ack.State.ReadUpTo, "it reads through what it deletes through")
		}
	}},
	{"in a long log", func(f *fixture) {
		f.fill("a", "C2Cb", 2000, start, 10)
		for _, through := range []uint64{1, 255, 256, 257, 999, 1500, 1999} {
			// Between the times of through and the one after it.
			ack := f.delete("a", wire.Delete{
				ConversationID: "C2Cb", What: wire.WhatTime, Anchor: 2000, Before: start + int64(through-1)*10 + 5,
			})
			require.Equal(f, through, ack.Through)
			require.Equal(f, 2000-through, f.count("a", "C2Cb"))
		}
	}},
	{"a future time takes nothing that comes later", func(f *fixture) {
		f.fill("a", "C2Cb", 3, start, 1)
		ack := f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatTime, Anchor: 3, Before: f.now + 365*day})
		require.Equal(f, uint64(3), ack.Through)
		f.send("b", "C2Ca", "new")
		require.Equal(f, []uint64{4}, f.seqs("a", "C2Cb", 10))
	}},
}
