package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func (w *world) tokenFor(user string, ttl time.Duration) string {
	w.t.Helper()
	token, err := server.SignToken(key, "lethe", user, "", time.Now(), time.Now().Add(ttl))
	require.NoError(w.t, err)
	return token
}

func (d *device) tokenIn(token string) error {
	_, err := d.Login(d.w.ctx, &sdk.LoginRequest{UserID: d.user, Token: token})
	return err
}

// A token that is renewed in time costs no connection: nothing is heard of the old one's end.
func TestLoginRenewsTheTokenOfAnOpenConnection(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA"), w.device("userB").login()
	require.NoError(t, a.tokenIn(w.tokenFor("userA", 2*time.Second)))
	require.Equal(t, wire.TokenOtherUser, wire.CodeOf(a.tokenIn(w.tokenFor("userB", time.Hour))), "another's is refused, and not kept")
	begin := time.Now()
	require.NoError(t, a.tokenIn(w.tokenFor("userA", time.Hour)))
	states := a.states()
	w.soon("the old one is over", func() bool { return time.Since(begin) > 3*time.Second })
	b.send("C2C", "userA", "still there?")
	w.soon("it arrives", func() bool { return len(a.page("C2CuserB")) == 1 })
	require.Equal(t, states, a.states(), "the connection is the same")
}

// A revoked user is told so, keeps the device's copy, does not come back by itself, and comes back with a new token.
func TestRevocationEndsTheSession(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	b.send("C2C", "userA", "before")
	w.soon("it arrives", func() bool { return len(a.page("C2CuserB")) == 1 })
	same := w.tokenFor("userA", time.Hour)
	w.admin("/v1/revocations", map[string]any{"userID": "userA"})
	w.soon("a is refused", func() bool { return a.states()["refused"] == 1 })
	require.Equal(t, []string{"C2CuserB"}, a.list())
	b.send("C2C", "userA", "after")
	require.Equal(t, wire.TokenRevoked, wire.CodeOf(a.tokenIn(same)), "one that was not in use is over as well")
	w.soon("tokens of a later second are taken", func() bool { return a.tokenIn(w.tokenFor("userA", time.Hour)) == nil })
	w.soon("it catches up", func() bool { return len(a.page("C2CuserB")) == 2 })
}
