package storetest

import (
	"math"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var sendCases = []testCase{
	{"first message makes the log and both spans", func(f *fixture) {
		ack := f.send("a", "C2Cb", "hi")
		require.Equal(f, uint64(1), ack.Seq)
		require.Equal(f, f.now, ack.Time)
		require.Positive(f, ack.Log)
		require.LessOrEqual(f, ack.Log, uint64(math.MaxInt64))
		require.Equal(f, []wire.SpanRow{{ConversationID: "C2Cb", Log: ack.Log, Joined: 1}}, f.rows("a", 0, 10).Spans)
		require.Equal(f, []wire.SpanRow{{ConversationID: "C2Ca", Log: ack.Log, Joined: 1}}, f.rows("b", 0, 10).Spans)
		require.Equal(f, uint64(1), f.number("a"))
		require.Equal(f, uint64(1), f.number("b"))
	}},
	{"both sides share one log, seqs have no gaps, and no member row is written", func(f *fixture) {
		first := f.send("a", "C2Cb", "1")
		for i := uint64(2); i <= 20; i++ {
			from, to := "a", "C2Cb"
			if i%2 == 0 {
				from, to = "b", "C2Ca"
			}
			ack := f.send(from, to, "x")
			require.Equal(f, first.Log, ack.Log)
			require.Equal(f, i, ack.Seq)
		}
		require.Equal(f, uint64(1), f.number("a"))
		require.Equal(f, uint64(1), f.number("b"))
		require.Equal(f, run(1, 20), f.seqs("a", "C2Cb", 50))
		require.Equal(f, run(1, 20), f.seqs("b", "C2Ca", 50))
	}},
	{"a message comes back as it was sent", func(f *fixture) {
		s := newSend("C2Cb", "héllo 你好")
		ack, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		m := f.messages(f.page("b", wire.PageRequest{ConversationID: "C2Ca", Limit: 1}))
		require.Equal(f, []wire.Message{{Seq: 1, Time: ack.Time, From: "a", Type: s.Type, Payload: s.Payload, SendID: s.SendID}}, m)
	}},
	{"to oneself", func(f *fixture) {
		f.send("a", "C2Ca", "note")
		require.Equal(f, uint64(1), f.number("a"))
		require.Equal(f, []uint64{1}, f.seqs("a", "C2Ca", 10))
		require.Zero(f, f.head("a", "C2Ca").Unread)
	}},
	{"sentTime never falls", func(f *fixture) {
		f.send("a", "C2Cb", "1")
		late := f.now
		f.now -= 5000 // the clock was set back
		ack := f.send("b", "C2Ca", "2")
		require.Equal(f, late, ack.Time)
	}},
	{"ids of any characters never meet", func(f *fixture) {
		// Pairs that a separator or plain joining would confuse.
		pairs := [][2]string{{"a", "bc"}, {"ab", "c"}, {"a:b", "c"}, {"a", "b:c"}, {"1a", "b"}, {"1", "ab"}, {"C2Cx", "y"}, {"ü", "ß∕"}, {"a%", "_"}, {"'", "''"}}
		logs := map[uint64]bool{}
		for _, p := range pairs {
			ack := f.send(p[0], "C2C"+p[1], "x")
			require.Equal(f, uint64(1), ack.Seq, "%q", p)
			logs[ack.Log] = true
			back := f.send(p[1], "C2C"+p[0], "y")
			require.Equal(f, ack.Log, back.Log, "%q", p)
		}
		require.Len(f, logs, len(pairs))
	}},
	{"apps are apart", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		other := server.Who{App: "other", User: "a"}
		_, err := f.s.Count(f.ctx, other, wire.CountRequest{ConversationID: "C2Cb"})
		requireCode(f, wire.ConversationNotFound, err)
		n, _, err := f.s.Number(f.ctx, other)
		require.NoError(f, err)
		require.Zero(f, n)
	}},
	{"repeated send answers the first time's ack", func(f *fixture) {
		s := newSend("C2Cb", "once")
		first, repeated, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		require.False(f, repeated)
		f.send("b", "C2Ca", "between")
		s.FirstAttempt = f.now - 1
		again, repeated, err := f.s.Send(f.ctx, who("a"), s, f.now+1000)
		require.NoError(f, err)
		require.True(f, repeated)
		require.Equal(f, first, again)
		require.Equal(f, uint64(2), f.count("a", "C2Cb"))
	}},
	{"a sendID is one user's own", func(f *fixture) {
		s := newSend("C2Cb", "x")
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		s.ConversationID = "C2Ca"
		ack, repeated, err := f.s.Send(f.ctx, who("b"), s, f.now)
		require.NoError(f, err)
		require.False(f, repeated)
		require.Equal(f, uint64(2), ack.Seq)
	}},
	{"same sendID with another content is refused", func(f *fixture) {
		s := newSend("C2Cb", "x")
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		for _, change := range []func(*wire.Send){
			func(s *wire.Send) { s.ConversationID = "C2Cc" },
			func(s *wire.Send) { s.Payload = text("y") },
			func(s *wire.Send) { s.Type = wire.TypeCustom },
		} {
			other := s
			change(&other)
			_, _, err := f.s.Send(f.ctx, who("a"), other, f.now)
			requireCode(f, wire.OperationIDReused, err)
		}
		require.Equal(f, uint64(1), f.count("a", "C2Cb"))
	}},
	{"too old a first attempt is refused, unless it is known", func(f *fixture) {
		f.now += 40 * day
		s := newSend("C2Cb", "x")
		s.FirstAttempt = f.now - 30*day - 1
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		requireCode(f, wire.SendExpired, err)
		require.Zero(f, f.number("a"), "nothing was made")
		s.FirstAttempt = f.now - 30*day
		_, _, err = f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		s.FirstAttempt -= day
		_, repeated, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		require.True(f, repeated)
	}},
	{"who may send", func(f *fixture) {
		_, _, err := f.s.Send(f.ctx, who("a"), newSend("GROUPg", "x"), f.now)
		requireCode(f, wire.GroupNotFound, err)
		absent := err.Error()
		f.group("g", "a")
		f.send("a", "GROUPg", "x")
		_, _, err = f.s.Send(f.ctx, who("b"), newSend("GROUPg", "x"), f.now)
		require.EqualError(f, err, absent, "a stranger is told the same as of a group that is not there")
		f.members("g", nil, []string{"a"})
		_, _, err = f.s.Send(f.ctx, who("a"), newSend("GROUPg", "x"), f.now)
		requireCode(f, wire.PermissionDenied, err)
		_, _, err = f.s.Send(f.ctx, who("a"), newSend("@TIM#SYSTEM", "x"), f.now)
		requireCode(f, wire.PermissionDenied, err)
	}},
	{"a repeated send is answered even after leaving the group", func(f *fixture) {
		f.group("g", "a")
		s := newSend("GROUPg", "x")
		first, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		f.members("g", nil, []string{"a"})
		again, repeated, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		require.True(f, repeated)
		require.Equal(f, first, again)
	}},
	{"bad input", func(f *fixture) {
		for _, id := range []string{"", "C2C", "GROUP", "xyz", "c2ca", "C2C\x00", "C2C" + strings.Repeat("x", 129), "C2C\xff"} {
			_, _, err := f.s.Send(f.ctx, who("a"), newSend(id, "x"), f.now)
			requireCode(f, wire.ConversationIDInvalid, err)
		}
		_, _, err := f.s.Send(f.ctx, who("a"), wire.Send{ConversationID: "C2Cb", Payload: text("x")}, f.now)
		requireCode(f, wire.ParameterInvalid, err)
		require.Zero(f, f.number("a"))
	}},
}

var cancelCases = []testCase{
	{"before it comes: never, and refused from then on", func(f *fixture) {
		s := newSend("C2Cb", "x")
		c := wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "C2Cb", Scope: wire.ScopeBoth}
		ack, err := f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, wire.CancelAck{Never: true}, ack)
		_, _, err = f.s.Send(f.ctx, who("a"), s, f.now)
		requireCode(f, wire.SendCancelled, err)
		// Again, by the same operation and by another: still never.
		for _, op := range []wire.ID{c.OpID, newID()} {
			c.OpID = op
			ack, err = f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
			require.NoError(f, err)
			require.Equal(f, wire.CancelAck{Never: true}, ack)
		}
		_, _, err = f.s.Send(f.ctx, who("b"), s, f.now)
		require.NoError(f, err, "another user's sendID is another one")
	}},
	{"after it came: its seq joins the ledgers", func(f *fixture) {
		f.send("a", "C2Cb", "before")
		s := newSend("C2Cb", "x")
		sent, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		c := wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "C2Cb", Scope: wire.ScopeBoth, Hide: true}
		ack, err := f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, wire.CancelAck{Seq: sent.Seq, N: 2}, ack)
		for _, surface := range []wire.Surface{wire.SurfaceHistory, wire.SurfaceCompensation, wire.SurfaceDevices} {
			require.Equal(f, wire.Ledger{HiddenAt: 3, Ranges: wire.RangesOf(2)}, f.ledger("a", "C2Cb", surface))
		}
		require.Equal(f, []uint64{1}, f.seqs("a", "C2Cb", 10))
		require.Equal(f, []uint64{1, 2}, f.seqs("b", "C2Ca", 10))
		again, err := f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, ack, again)
		_, repeated, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		require.True(f, repeated, "it did come, so repeating says where it stands")
	}},
	{"a local scope joins no ledger of the server", func(f *fixture) {
		s := newSend("C2Cb", "x")
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		ack, err := f.s.Cancel(f.ctx, who("a"), wire.Cancel{
			OpID: newID(), SendID: s.SendID, ConversationID: "C2Cb", Scope: wire.ScopeLocal, Hide: true,
		}, server.Lethe, f.now)
		require.NoError(f, err)
		require.Equal(f, wire.CancelAck{Seq: 1, N: 1}, ack)
		require.Empty(f, f.rows("a", 0, 10).Ledgers)
	}},
	{"same opID with another content is refused", func(f *fixture) {
		c := wire.Cancel{OpID: newID(), SendID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth}
		_, err := f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
		require.NoError(f, err)
		c.SendID = newID()
		_, err = f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
		requireCode(f, wire.OperationIDReused, err)
		s := newSend("C2Cb", "x")
		s.SendID = c.SendID
		_, _, err = f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err, "the refused cancel changed nothing")
	}},
	{"bad input", func(f *fixture) {
		f.send("a", "C2Cc", "x")
		s := newSend("C2Cb", "x")
		_, _, err := f.s.Send(f.ctx, who("a"), s, f.now)
		require.NoError(f, err)
		good := wire.Cancel{OpID: newID(), SendID: s.SendID, ConversationID: "C2Cb", Scope: wire.ScopeBoth}
		for code, changes := range map[wire.Code][]func(*wire.Cancel){
			wire.ConversationIDInvalid: {func(c *wire.Cancel) { c.ConversationID = "b" }},
			wire.ParameterInvalid: {
				func(c *wire.Cancel) { c.OpID = wire.ID{} },
				func(c *wire.Cancel) { c.SendID = wire.ID{} },
				func(c *wire.Cancel) { c.Scope = 0 },
				func(c *wire.Cancel) { c.Scope = 4 },
				func(c *wire.Cancel) { c.ConversationID = "C2Cc" },
				func(c *wire.Cancel) { c.ConversationID = "C2Cnobody" },
			},
		} {
			for _, change := range changes {
				c := good
				change(&c)
				_, err := f.s.Cancel(f.ctx, who("a"), c, server.Lethe, f.now)
				requireCode(f, code, err)
			}
		}
		require.Empty(f, f.rows("a", 0, 10).Ledgers)
	}},
}
