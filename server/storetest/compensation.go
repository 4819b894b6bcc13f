package storetest

import (
	"math"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// compensated pages through what a new device is given and returns its seqs. It checks that the pages join without a gap.
func (f *fixture) compensated(user, conversation string, since int64) (seqs []uint64) {
	f.Helper()
	for below := uint64(0); ; {
		p, err := f.s.Compensation(f.ctx, who(user), wire.PageRequest{ConversationID: conversation, Below: below, Limit: 10}, since, roomy)
		require.NoError(f, err)
		if below != 0 {
			require.Equal(f, below-1, p.To)
		}
		var part []uint64
		for _, m := range f.messages(p) {
			part = append(part, m.Seq)
		}
		seqs = append(part, seqs...)
		if p.First {
			require.Equal(f, uint64(1), p.From, "it covers the log to its beginning")
			return seqs
		}
		below = p.From
	}
}

// remotely deletes in the scope remote under given settings.
func (f *fixture) remotely(user string, d wire.Delete, set server.Settings) {
	f.Helper()
	d.OpID, d.Scope = newID(), wire.ScopeRemote
	_, err := f.s.Delete(f.ctx, who(user), d, set, f.now)
	require.NoError(f, err)
}

// RongCloud's document: by time "the server does not delete the compensation by default", "it can be switched on", "by
// message objects the server deletes it in any case".
var compensationCases = []testCase{
	{"by time it keeps what was deleted where the switch is off", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		set := server.Lethe
		set.CompensationClearedByTime = false
		f.remotely("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatTime, Anchor: 600, Before: start + 400}, set)
		require.Equal(f, run(401, 600), f.seqs("a", "C2Cb", 50))
		require.Equal(f, run(1, 600), f.compensated("a", "C2Cb", start))
	}},
	{"by time it is cleared where the switch is on", func(f *fixture) {
		f.fill("a", "C2Cb", 600, start, 1)
		f.remotely("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatTime, Anchor: 600, Before: start + 400}, server.Lethe)
		require.Equal(f, run(401, 600), f.seqs("a", "C2Cb", 50))
		require.Equal(f, run(401, 600), f.compensated("a", "C2Cb", start))
	}},
	{"by message objects it is cleared, whatever the switch says", func(f *fixture) {
		f.fill("a", "C2Cb", 5, start, 1)
		for _, on := range []bool{false, true} {
			set := server.Lethe
			set.CompensationClearedByTime = on
			gone := uint64(2)
			if on {
				gone = 4
			}
			f.remotely("a", wire.Delete{ConversationID: "C2Cb", What: wire.WhatMessages, Anchor: 5, Ranges: wire.RangesOf(gone)}, set)
			require.NotContains(f, f.compensated("a", "C2Cb", start), gone)
		}
		require.Equal(f, []uint64{1, 3, 5}, f.compensated("a", "C2Cb", start))
		require.Equal(f, run(1, 5), f.compensated("b", "C2Ca", start), "the other one's is another one")
	}},
	{"only the last days", func(f *fixture) {
		f.fill("a", "C2Cb", 10, start, day)
		require.Equal(f, run(8, 10), f.compensated("a", "C2Cb", start+7*day))
		require.Equal(f, run(1, 10), f.compensated("a", "C2Cb", 0))
		p, err := f.s.Compensation(f.ctx, who("a"), wire.PageRequest{ConversationID: "C2Cb", Limit: 10}, math.MaxInt64, roomy)
		require.NoError(f, err)
		require.Equal(f, []any{uint64(10), uint64(1), uint64(10), true, 0}, []any{p.Head, p.From, p.To, p.First, len(p.Batches)},
			"none at all: an empty answer that covers everything")
	}},
	{"only in the user's spans", func(f *fixture) {
		f.group("g", "a", "b")
		f.fill("a", "GROUPg", 3, start, 1)
		f.members("g", nil, []string{"b"})
		f.fill("a", "GROUPg", 3, f.now, 1)
		f.members("g", []string{"b"}, nil)
		f.fill("a", "GROUPg", 2, f.now, 1)
		require.Equal(f, []uint64{1, 2, 3, 7, 8}, f.compensated("b", "GROUPg", start))
	}},
	{"refusals", func(f *fixture) {
		f.send("a", "C2Cb", "x")
		for id, code := range map[string]wire.Code{"C2Cz": wire.ConversationNotFound, "z": wire.ConversationIDInvalid} {
			_, err := f.s.Compensation(f.ctx, who("a"), wire.PageRequest{ConversationID: id, Limit: 1}, 0, roomy)
			requireCode(f, code, err)
		}
		_, err := f.s.Compensation(f.ctx, who("a"), wire.PageRequest{ConversationID: "C2Cb"}, 0, roomy)
		requireCode(f, wire.ParameterInvalid, err)
	}},
}
