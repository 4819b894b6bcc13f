package storetest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

var settingsCases = []testCase{
	{"kept by app", func(f *fixture) {
		_, ok, err := f.s.Settings(f.ctx, app)
		require.NoError(f, err)
		require.False(f, ok, "there are none at first")
		set, err := f.s.ChangeSettings(f.ctx, app, server.Tencent, func(s *server.Settings) error {
			require.Equal(f, server.Tencent, *s, "it begins with the initial ones")
			s.RetentionDays = 30
			return nil
		})
		require.NoError(f, err)
		want := server.Tencent
		want.RetentionDays = 30
		require.Equal(f, want, set)
		got, ok, err := f.s.Settings(f.ctx, app)
		require.NoError(f, err)
		require.True(f, ok)
		require.Equal(f, want, got)
		_, ok, err = f.s.Settings(f.ctx, "other")
		require.NoError(f, err)
		require.False(f, ok)
	}},
	{"a change goes on from the last, a failed one leaves it", func(f *fixture) {
		change := func(fn func(*server.Settings) error) (server.Settings, error) {
			return f.s.ChangeSettings(f.ctx, app, server.Lethe, fn)
		}
		_, err := change(func(s *server.Settings) error { *s = server.RongCloud; return nil })
		require.NoError(f, err)
		no := errors.New("no")
		_, err = change(func(s *server.Settings) error { s.CloudHistory = true; return no })
		require.ErrorIs(f, err, no)
		set, err := change(func(s *server.Settings) error { s.RecallWindow = 5; return nil })
		require.NoError(f, err)
		want := server.RongCloud
		want.RecallWindow = 5
		require.Equal(f, want, set)
	}},
}

var deviceCases = []testCase{
	{"new until it is settled", func(f *fixture) {
		see := func(user, device string) bool {
			isNew, err := f.s.Device(f.ctx, server.Who{App: app, User: user, Device: device}, f.now)
			require.NoError(f, err)
			return isNew
		}
		require.True(f, see("a", "1"))
		require.True(f, see("a", "1"), "the answer may have been lost")
		require.NoError(f, f.s.Settle(f.ctx, server.Who{App: app, User: "a", Device: "1"}))
		require.False(f, see("a", "1"))
		require.True(f, see("a", "2"))
		require.True(f, see("b", "1"), "another user's device of the same name is another one")
	}},
	{"one that has said what it has before it is seen", func(f *fixture) {
		// As one that was connected when its user was wiped, and made a member again.
		d := server.Who{App: app, User: "a", Device: "1"}
		f.fill("b", "C2Ca", 5, start, 1)
		require.NoError(f, f.s.Have(f.ctx, d, []wire.Head{{ConversationID: "C2Cb", Head: 3}}, f.now))
		isNew, err := f.s.Device(f.ctx, d, f.now)
		require.NoError(f, err)
		require.True(f, isNew)
		d.Waiting = true
		c, err := f.s.Count(f.ctx, d, wire.CountRequest{ConversationID: "C2Cb"})
		require.NoError(f, err)
		require.Equal(f, uint64(2), c.Messages)
	}},
}

var answerCases = []testCase{
	{"kept by app and key for 30 days", func(f *fixture) {
		a := server.Answer{Hash: []byte{1, 2}, Body: []byte(`{}`)}
		f.claimed("k", a.Hash, true)
		require.NoError(f, f.s.KeepAnswer(f.ctx, app, "k", a, f.now))
		for _, hash := range [][]byte{a.Hash, {3}} {
			require.Equal(f, a, f.claimed("k", hash, false))
		}
		f.claimed("K", a.Hash, true)
		_, claimed, err := f.s.Claim(f.ctx, "other", "k", a.Hash, f.now)
		require.NoError(f, err)
		require.True(f, claimed)
		require.NoError(f, f.s.DropClaim(f.ctx, app, "k", a.Hash), "too late")
		require.NoError(f, f.s.Forget(f.ctx, f.now))
		require.Equal(f, a, f.claimed("k", a.Hash, false))
		require.NoError(f, f.s.Forget(f.ctx, f.now+1))
		f.claimed("k", a.Hash, true)
	}},
	{"a claim stands until it is dropped or lapses", func(f *fixture) {
		f.claimed("k", []byte{1}, true)
		under := server.Answer{Hash: []byte{1}}
		require.Equal(f, under, f.claimed("k", []byte{2}, false))
		require.NoError(f, f.s.DropClaim(f.ctx, app, "k", []byte{2}), "another call's")
		f.now += server.ClaimTime.Milliseconds() - 1
		require.Equal(f, under, f.claimed("k", []byte{1}, false))
		f.now++
		f.claimed("k", []byte{2}, true)
		require.Equal(f, server.Answer{Hash: []byte{2}}, f.claimed("k", []byte{1}, false))
		require.NoError(f, f.s.DropClaim(f.ctx, app, "k", []byte{2}))
		f.claimed("k", []byte{1}, true)
	}},
	{"of many at once one has it", func(f *fixture) {
		f.claimed("old", []byte{1}, true)
		f.now += server.ClaimTime.Milliseconds()
		for _, key := range []string{"new", "old"} {
			var claims atomic.Int32
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if _, claimed, err := f.s.Claim(f.ctx, app, key, []byte{1}, f.now); err != nil {
						f.Error(err)
					} else if claimed {
						claims.Add(1)
					}
				})
			}
			all.Wait()
			require.EqualValues(f, 1, claims.Load())
		}
	}},
}

// claimed claims a key, and gives what stands there if it was not to be had.
func (f *fixture) claimed(key string, hash []byte, want bool) server.Answer {
	f.Helper()
	first, claimed, err := f.s.Claim(f.ctx, app, key, hash, f.now)
	require.NoError(f, err)
	require.Equal(f, want, claimed)
	return first
}

// Where cloud history is off.
var notEnabledCases = []testCase{
	{"remote is refused, both is not", func(f *fixture) {
		f.fill("a", "C2Cb", 3, start, 1)
		for _, what := range []wire.What{wire.WhatMessages, wire.WhatConversation, wire.WhatTime, wire.WhatNothing} {
			d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeRemote, What: what, Anchor: 3, Hide: true}
			switch what {
			case wire.WhatMessages:
				d.Ranges = wire.RangesOf(2)
			case wire.WhatTime:
				d.Before = start + 2
			}
			_, err := f.s.Delete(f.ctx, who("a"), d, server.RongCloud, f.now)
			requireCode(f, wire.StorageNotEnabled, err)
			require.Empty(f, f.rows("a", 1, 10).Ledgers, "it changed nothing")
		}
		_, err := f.s.Delete(f.ctx, who("a"), wire.Delete{
			OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 3, Ranges: wire.RangesOf(2),
		}, server.RongCloud, f.now)
		require.NoError(f, err)
		waits := who("a")
		waits.Device, waits.Waiting = "1", true
		p, err := f.s.Page(f.ctx, waits, wire.PageRequest{ConversationID: "C2Cb", Limit: 10}, roomy)
		require.NoError(f, err)
		require.Len(f, f.messages(p), 2, "it does not wait for the user's devices any more")
	}},
	{"an operation that was accepted is answered as it was", func(f *fixture) {
		f.fill("a", "C2Cb", 3, start, 1)
		d := wire.Delete{OpID: newID(), ConversationID: "C2Cb", Scope: wire.ScopeRemote, What: wire.WhatConversation, Anchor: 3}
		first := f.delete("a", d)
		again, err := f.s.Delete(f.ctx, who("a"), d, server.RongCloud, f.now)
		require.NoError(f, err)
		require.Equal(f, first, again)
	}},
}
