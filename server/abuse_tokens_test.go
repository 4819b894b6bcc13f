package server_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// refused says hello and is closed with the code, without an answer.
func (s *scene) refused(code wire.CloseCode, h *wire.Hello) {
	s.Helper()
	c := s.open()
	c.write(wire.OpHello, h)
	c.requireClosed(code)
	require.Empty(s, c.frames)
}

// TestHelloIsRefusedByCloseCodes has the plain ones.
func TestAbuseTokens(t *testing.T) {
	t.Parallel()
	s := newScene(t, limits(server.Limits{TokenLife: 2 * time.Hour}))
	now := time.Now()
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"sub": "mallory", "aud": app, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": "m"}
	}
	with := func(name string, value any) string {
		c := good()
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return claimed(t, jwt.SigningMethodHS256, key, c)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	unsigned := part(`{"alg":"NONE"}`) + "." + part(fmt.Sprintf(`{"sub":"victim","aud":"lethe","exp":%d}`, now.Add(time.Hour).Unix())) + "."
	for _, row := range []struct {
		name  string
		code  wire.CloseCode
		user  string
		token string
	}{
		{"the victim's name with her own token", wire.CloseTokenOtherUser, "victim", with("sub", "mallory")},
		{"a token for two apps, of which one is another's key", wire.CloseTokenInvalid, "mallory", signedFor(t, otherKey, []string{app, "other"})},
		{"an app's name in a list that does not have it", wire.CloseTokenOtherApp, "mallory", with("aud", []string{"other"})},
		{"no algorithm in capitals", wire.CloseTokenInvalid, "victim", unsigned},
		{"a key pair of her own", wire.CloseTokenInvalid, "victim", claimed(t, jwt.SigningMethodRS256, rsaKey, jwt.MapClaims{"sub": "victim", "aud": app, "exp": now.Add(time.Hour).Unix()})},
		{"an empty key", wire.CloseTokenInvalid, "victim", claimed(t, jwt.SigningMethodHS256, []byte{}, jwt.MapClaims{"sub": "victim", "aud": app, "exp": now.Add(time.Hour).Unix()})},
		{"not before tomorrow", wire.CloseTokenInvalid, "mallory", with("nbf", now.Add(24*time.Hour).Unix())},
		{"an end that is no number", wire.CloseTokenInvalid, "mallory", with("exp", "never")},
		{"an end of long ago", wire.CloseTokenExpired, "mallory", with("exp", 1)},
		{"a negative end", wire.CloseTokenExpired, "mallory", with("exp", -1)},
		{"longer than a token lives", wire.CloseTokenInvalid, "mallory", with("exp", now.Add(3*time.Hour).Unix())},
		{"for ever", wire.CloseTokenInvalid, "mallory", with("exp", 1e15)},
		{"without its beginning", wire.CloseTokenInvalid, "mallory", with("iat", nil)},
		{"bound to another device", wire.CloseTokenInvalid, "mallory", with("device", "phone")},
		{"a subject that is no name", wire.CloseTokenInvalid, "a\x00b", with("sub", "a\x00b")},
		{"a subject of many bytes", wire.CloseTokenInvalid, strings.Repeat("m", 129), with("sub", strings.Repeat("m", 129))},
		{"three dots", wire.CloseTokenInvalid, "mallory", "..."},
		{"200 KB of it", wire.CloseTokenInvalid, "mallory", strings.Repeat("A", 200_000)},
		{"a claim twice", wire.CloseTokenOtherUser, "victim", doubled(now)},
	} {
		s.holds(t, row.name, func(s *scene) { s.refused(row.code, hello(row.user, row.token)) })
	}
	s.holds(t, "a device id that is none", func(s *scene) {
		h := hello("mallory", with("sub", "mallory"))
		h.DeviceID = strings.Repeat("d", 129)
		s.refused(wire.CloseFrameInvalid, h)
	})
	s.holds(t, "bound to this device", func(s *scene) {
		ask[wire.Welcome](s.open(), wire.OpHello, hello("mallory", with("device", "device")))
	})
}

func signedFor(t *testing.T, key []byte, apps []string) string {
	return claimed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "mallory", "aud": apps, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
}

// doubled is a well signed token that names two users; the last counts, and it is not the one of the hello.
func doubled(now time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	text := part(`{"alg":"HS256"}`) + "." + part(fmt.Sprintf(`{"sub":"victim","sub":"mallory","aud":"lethe","iat":%d,"exp":%d}`, now.Unix(), now.Add(time.Hour).Unix()))
	signature, err := jwt.SigningMethodHS256.Sign(text, key)
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAbuseRenewal(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.store.Revoke(t.Context(), app, server.Revocation{User: "mallory", Token: "stolen"}))
	exp := time.Now().Add(time.Hour).Unix()
	change := func(fn func(*wire.Hello)) *wire.Hello {
		h := hello("mallory", token("mallory", time.Hour))
		fn(h)
		return h
	}
	s.refuses(t, "mallory", []refusal{
		{"with the victim's token", wire.TokenOtherUser, wire.OpHello, hello("victim", token("victim", time.Hour))},
		{"as the victim", wire.TokenOtherUser, wire.OpHello, hello("victim", token("mallory", time.Hour))},
		{"as another device", wire.ParameterInvalid, wire.OpHello, change(func(h *wire.Hello) { h.DeviceID = "phone" })},
		{"in another app", wire.TokenOtherApp, wire.OpHello, change(func(h *wire.Hello) { h.AppID, h.Token = "other", signed(otherKey, "other", "mallory", "", time.Hour) })},
		{"with an expired token", wire.TokenExpired, wire.OpHello, hello("mallory", token("mallory", -time.Hour))},
		{"with a forged token", wire.TokenInvalid, wire.OpHello, hello("mallory", signed(otherKey, app, "mallory", "", time.Hour))},
		{"with no token", wire.TokenMissing, wire.OpHello, hello("mallory", "")},
		{"with a revoked token", wire.TokenRevoked, wire.OpHello, hello("mallory", claimed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "mallory", "aud": app, "jti": "stolen", "exp": exp}))},
		{"in a version of tomorrow", wire.VersionUnsupported, wire.OpHello, change(func(h *wire.Hello) { h.Versions = []uint8{99} })},
	})
	s.holds(t, "too late: it ends with the old token", func(s *scene) {
		c := s.open()
		ask[wire.Welcome](c, wire.OpHello, hello("mallory", token("mallory", 2*time.Second)))
		var none wire.Welcome
		require.Equal(s, wire.TokenExpired, try(c, wire.OpHello, hello("mallory", token("mallory", -time.Hour)), &none))
		c.requireClosed(wire.CloseTokenExpired)
	})
	s.holds(t, "in time: it goes on", func(s *scene) {
		c := s.open()
		begin := time.Now()
		ask[wire.Welcome](c, wire.OpHello, hello("mallory", token("mallory", 2*time.Second)))
		ask[wire.Welcome](c, wire.OpHello, hello("mallory", token("mallory", time.Hour)))
		require.Never(s, func() bool { return len(c.closed) > 0 }, 2200*time.Millisecond-time.Since(begin), 50*time.Millisecond)
		ask[wire.Pong](c, wire.OpPing, &wire.Ping{})
	})
	s.holds(t, "a connection ends with its token though it never stops asking", func(s *scene) {
		c := s.open()
		ask[wire.Welcome](c, wire.OpHello, hello("mallory", token("mallory", 2*time.Second)))
		go func() {
			for raw, _ := wire.NewRequest(9, wire.OpPing, (&wire.Ping{}).MarshalMsg); c.ws.Write(s.Context(), 2, raw) == nil; {
			}
		}()
		c.requireClosed(wire.CloseTokenExpired)
	})
}

// Revocations close sockets within 5 s, on every server of the store, and hold.
func TestAbuseRevoked(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	second, err := server.New(server.Options{
		Store: s.store, Apps: map[string]server.App{app: {Key: key, Settings: server.Lethe}},
		Limits: server.Limits{Revocations: 100 * time.Millisecond},
	})
	require.NoError(t, err)
	other := &scene{world: &world{T: t, server: second, store: s.store, http: newHTTP(second)}}
	t.Cleanup(func() {
		require.NoError(t, second.Shutdown(context.WithoutCancel(t.Context())))
		other.http.Close()
	})
	on := func(w *world, user, device, jti string) (*client, *wire.Hello) {
		h := hello(user, claimed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{
			"sub": user, "aud": app, "jti": jti, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		}))
		h.DeviceID = device
		c := w.open()
		ask[wire.Welcome](c, wire.OpHello, h)
		return c, h
	}
	for _, row := range []struct{ name, body string }{
		{"all tokens of a user", `{"userID":%q}`},
		{"a user's tokens on one device", `{"userID":%q,"deviceID":"d1"}`},
		{"one token", `{"userID":%q,"tokenID":"t1"}`},
	} {
		s.holds(t, row.name, func(s *scene) {
			other := *other.world
			other.T = s.T
			user := "revoked by " + row.name
			stays, stayed := on(s.world, user, "d2", "t2")
			c, h := on(s.world, user, "d1", "t1")
			far, _ := on(&other, user, "d1", "t1")
			begin := time.Now()
			s.post("/v1/revocations", fmt.Sprintf(row.body, user))
			c.requireClosed(wire.CloseTokenRevoked)
			far.requireClosed(wire.CloseTokenRevoked)
			require.Less(s, time.Since(begin), 5*time.Second)
			s.refused(wire.CloseTokenRevoked, h)
			if strings.Contains(row.body, "ID\":\"") {
				ask[wire.Pong](stays, wire.OpPing, &wire.Ping{})
			} else {
				stays.requireClosed(wire.CloseTokenRevoked)
				s.refused(wire.CloseTokenRevoked, stayed)
			}
		})
	}
	s.holds(t, "who does not read is cut", func(s *scene) {
		ws, _, err := s.dial(nil)
		require.NoError(s, err)
		c := s.client(ws)
		c.write(wire.OpHello, hello("silent", token("silent", time.Hour)))
		require.Eventually(s, func() bool { return s.server.Connections() == 3 }, patience, time.Millisecond)
		require.Eventually(s, func() bool { // until it has said hello there is nothing to revoke
			s.post("/v1/revocations", `{"userID":"silent"}`)
			return s.server.Connections() == 2
		}, 5*time.Second, 100*time.Millisecond)
	})
	s.holds(t, "an administrator's token", func(s *scene) {
		admin := signed(key, app, "leaked", server.RoleAdmin, time.Hour)
		status, _ := s.call(http.MethodGet, "/v1/settings", admin, "")
		require.Equal(s, http.StatusOK, status)
		s.post("/v1/revocations", `{"userID":"leaked"}`)
		status, out := s.call(http.MethodGet, "/v1/settings", admin, "")
		require.Equal(s, []any{http.StatusUnauthorized, "TOKEN_REVOKED"}, []any{status, out["name"]})
	})
	s.holds(t, "a wiped user's token", func(s *scene) {
		_, h := on(s.world, "wiped", "d", "t")
		s.post("/v1/revocations", `{"userID":"wiped"}`)
		status, _ := s.call(http.MethodDelete, "/v1/users/wiped", admin(), "")
		require.Equal(s, http.StatusOK, status)
		s.refused(wire.CloseTokenRevoked, h)
	})
}
