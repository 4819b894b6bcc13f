package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func (f *fixture) revoked(g server.Grant) bool {
	f.Helper()
	if g.App == "" {
		g.App = app
	}
	revoked, err := f.s.Revoked(f.ctx, g)
	require.NoError(f, err)
	return revoked
}

var revocationCases = []testCase{
	{"what each ends", func(f *fixture) {
		for i, row := range []struct {
			r    server.Revocation
			ends []server.Grant
			not  []server.Grant
		}{
			{
				server.Revocation{User: "all", Before: 5000},
				[]server.Grant{{User: "all"}, {User: "all", Issued: 5000}, {User: "all", Device: "d", Token: "t", Issued: 4000}},
				[]server.Grant{{User: "all", Issued: 5001}, {User: "other"}, {App: "other", User: "all"}},
			},
			{
				server.Revocation{User: "device", Device: "d", Before: 5000},
				[]server.Grant{{User: "device", Device: "d", Issued: 1}},
				[]server.Grant{{User: "device", Device: "d", Issued: 5001}, {User: "device", Device: "e"}, {User: "device"}},
			},
			{
				server.Revocation{User: "token", Token: "t", Before: 5000},
				[]server.Grant{{User: "token", Token: "t", Issued: 9000}, {User: "token", Token: "t", Device: "d"}},
				[]server.Grant{{User: "token"}, {User: "token", Token: "u", Issued: 1}, {User: "x", Token: "t"}},
			},
			{
				server.Revocation{User: "both", Device: "d", Token: "t"},
				[]server.Grant{{User: "both", Token: "t", Device: "d", Issued: 9000}},
				[]server.Grant{{User: "both", Token: "t"}, {User: "both", Device: "d"}},
			},
		} {
			for _, g := range row.ends {
				require.False(f, f.revoked(g), "%+v", g)
			}
			require.NoError(f, f.s.Revoke(f.ctx, app, row.r))
			for _, g := range row.ends {
				require.True(f, f.revoked(g), "%+v", g)
				require.True(f, row.r.Ends(g))
			}
			for _, g := range row.not {
				require.False(f, f.revoked(g), "%+v", g)
				require.False(f, row.r.Ends(g) && g.App == "")
			}
			row.r.Change = uint64(i + 1)
			all, err := f.s.Revocations(f.ctx, app, uint64(i), 10)
			require.NoError(f, err)
			require.Equal(f, []server.Revocation{row.r}, all)
		}
	}},
	{"numbered by app, the time only rises, and they outlive the user", func(f *fixture) {
		require.NoError(f, f.s.Revoke(f.ctx, "other", server.Revocation{User: "a", Before: 1}))
		for i := range 5 {
			require.NoError(f, f.s.Revoke(f.ctx, app, server.Revocation{User: fmt.Sprint(i), Before: 10}))
		}
		require.NoError(f, f.s.Revoke(f.ctx, app, server.Revocation{User: "1", Before: 5}))
		all, err := f.s.Revocations(f.ctx, app, 0, 3)
		require.NoError(f, err)
		require.Equal(f, []server.Revocation{{Change: 1, User: "0", Before: 10}, {Change: 3, User: "2", Before: 10}, {Change: 4, User: "3", Before: 10}}, all)
		all, err = f.s.Revocations(f.ctx, app, 4, 10)
		require.NoError(f, err)
		require.Equal(f, []server.Revocation{{Change: 5, User: "4", Before: 10}, {Change: 6, User: "1", Before: 10}}, all, "the newest is the last, though its time is not later")
		require.NoError(f, f.s.Wipe(f.ctx, app, "1"))
		require.NoError(f, f.s.Forget(f.ctx, f.now+1))
		require.True(f, f.revoked(server.Grant{User: "1", Issued: 10}))
		requireCode(f, wire.ParameterInvalid, f.s.Revoke(f.ctx, app, server.Revocation{}))
	}},
}
