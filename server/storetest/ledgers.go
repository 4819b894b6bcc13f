package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var ledgerCases = []testCase{
	{"surfaces by scope, kind and settings", func(f *fixture) {
		const h, c, d = wire.SurfaceHistory, wire.SurfaceCompensation, wire.SurfaceDevices
		none := server.Settings{CloudHistory: true}
		table := []struct {
			scope wire.Scope
			what  wire.What
			set   server.Settings
			want  []wire.Surface
		}{
			{wire.ScopeRemote, wire.WhatMessages, server.Lethe, []wire.Surface{h, c}},
			{wire.ScopeRemote, wire.WhatConversation, server.Lethe, []wire.Surface{h, c}},
			{wire.ScopeRemote, wire.WhatNothing, server.Lethe, []wire.Surface{h, c}},
			{wire.ScopeRemote, wire.WhatTime, server.Lethe, []wire.Surface{h, c}},
			{wire.ScopeRemote, wire.WhatMessages, none, []wire.Surface{h, c}},
			{wire.ScopeRemote, wire.WhatTime, none, []wire.Surface{h}},
			{wire.ScopeBoth, wire.WhatMessages, server.Lethe, []wire.Surface{h, c, d}},
			{wire.ScopeBoth, wire.WhatConversation, server.Lethe, []wire.Surface{h, c, d}},
			{wire.ScopeBoth, wire.WhatTime, server.Lethe, []wire.Surface{h, c, d}},
			{wire.ScopeBoth, wire.WhatConversation, none, []wire.Surface{h, c}},
			{wire.ScopeBoth, wire.WhatTime, none, []wire.Surface{h}},
			{wire.ScopeBoth, wire.WhatTime, server.Settings{CloudHistory: true, SyncDeletions: true}, []wire.Surface{h, d}},
		}
		for i, row := range table {
			user := string(rune('a' + i))
			f.fill(user, "C2Cpeer", 3, start, 1)
			op := wire.Delete{OpID: newID(), ConversationID: "C2Cpeer", Scope: row.scope, What: row.what, Anchor: 2, Hide: true}
			want := wire.Ledger{HiddenAt: 3}
			switch row.what {
			case wire.WhatMessages:
				op.Ranges = wire.RangesOf(2)
				want.Ranges = op.Ranges
			case wire.WhatConversation:
				want.Through = 2
			case wire.WhatTime:
				op.Before = start + 1
				want.Through = 1
			}
			_, err := f.s.Delete(f.ctx, who(user), op, row.set, f.now)
			require.NoError(f, err)
			got := map[wire.Surface]wire.Ledger{}
			for _, l := range f.rows(user, 0, 100).Ledgers {
				got[l.Surface] = l.Ledger
			}
			require.Len(f, got, len(row.want), "%+v", row)
			for _, s := range row.want {
				require.Equal(f, want, got[s], "%+v surface %d", row, s)
			}
		}
	}},
	{"ranges that through has passed are dropped, the cut segment stays", func(f *fixture) {
		f.fill("a", "C2Cb", 1000, start, 1)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 1000, Ranges: wire.RangesOf(5, 300, 600, 700, 900)})
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 650})
		require.Equal(f, wire.Ledger{Through: 650, Ranges: wire.RangesOf(600, 700, 900)}, f.ledger("a", "C2Cb", wire.SurfaceHistory))
		require.Equal(f, uint64(348), f.count("a", "C2Cb"))
		// What through covers is no change; in the cut segment only what lies above it is new.
		n := f.number("a")
		require.Equal(f, n, f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 1000, Ranges: wire.RangesOf(6, 640, 700)}).N)
		require.Equal(f, n+1, f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 1000, Ranges: wire.RangesOf(640, 651)}).N)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 1000})
		require.Equal(f, wire.Ledger{Through: 1000, Ranges: wire.RangesOf(900)}, f.ledger("a", "C2Cb", wire.SurfaceHistory))
		require.Empty(f, f.seqs("a", "C2Cb", 10))
	}},
	{"the end of a segment belongs to it", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 600, Ranges: wire.RangesOf(255, 256, 511, 512)})
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 254})
		require.Equal(f, wire.RangesOf(255, 256, 511, 512), f.ledger("a", "C2Cb", wire.SurfaceHistory).Ranges)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 255})
		require.Equal(f, wire.RangesOf(256, 511, 512), f.ledger("a", "C2Cb", wire.SurfaceHistory).Ranges)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 511})
		require.Equal(f, wire.RangesOf(512), f.ledger("a", "C2Cb", wire.SurfaceHistory).Ranges)
		require.Equal(f, run(513, 600), f.seqs("a", "C2Cb", 10))
	}},
}

var readCases = []testCase{
	{"a max-join with one number a change", func(f *fixture) {
		f.fill("b", "C2Ca", 10, start, 1)
		read := func(upTo uint64) uint64 {
			ack, err := f.s.Read(f.ctx, who("a"), wire.Read{ConversationID: "C2Cb", UpTo: upTo})
			require.NoError(f, err)
			return ack.N
		}
		require.Equal(f, uint64(2), read(4))
		require.Equal(f, uint64(2), read(4))
		require.Equal(f, uint64(2), read(0))
		require.Equal(f, uint64(3), read(7))
		require.Equal(f, uint64(3), read(5))
		require.Equal(f, []wire.ReadRow{{ConversationID: "C2Cb", UpTo: 7}}, f.rows("a", 1, 10).Reads)
		require.Equal(f, uint64(7), f.head("a", "C2Cb").ReadUpTo)
		require.Equal(f, uint32(3), f.head("a", "C2Cb").Unread)
		require.Equal(f, uint64(1), f.number("b"), "the other one hears nothing of it")
	}},
	{"not above the head", func(f *fixture) {
		f.fill("b", "C2Ca", 10, start, 1)
		_, err := f.s.Read(f.ctx, who("a"), wire.Read{ConversationID: "C2Cb", UpTo: 11})
		requireCode(f, wire.AnchorAboveHead, err)
		require.Empty(f, f.rows("a", 0, 10).Reads)
	}},
	{"deleting through reads through, deleting messages does not", func(f *fixture) {
		f.fill("b", "C2Ca", 10, start, 1)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 10, Ranges: wire.RangesOf(9)})
		h := f.head("a", "C2Cb")
		require.Zero(f, h.ReadUpTo)
		require.Equal(f, uint32(9), h.Unread)
		f.delete("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatConversation, Anchor: 6})
		h = f.head("a", "C2Cb")
		require.Equal(f, uint64(6), h.ReadUpTo)
		require.Equal(f, uint32(3), h.Unread)
		require.Equal(f, []wire.ReadRow{{ConversationID: "C2Cb", UpTo: 6}}, f.rows("a", 2, 10).Reads)
	}},
}
