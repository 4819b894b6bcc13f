package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// claimed signs any claims by any method.
func claimed(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, c).SignedString(key)
	require.NoError(t, err)
	return s
}

func TestHelloIsRefusedByCloseCodes(t *testing.T) {
	w := newWorld(t)
	exp := time.Now().Add(time.Hour).Unix()
	good := token("a", time.Hour)
	with := func(change func(*wire.Hello)) *wire.Hello {
		h := hello("a", good)
		change(h)
		return h
	}
	for name, row := range map[string]struct {
		code  wire.CloseCode
		hello *wire.Hello
	}{
		"no token":          {wire.CloseTokenMissing, hello("a", "")},
		"expired":           {wire.CloseTokenExpired, hello("a", token("a", -time.Second))},
		"forged":            {wire.CloseTokenInvalid, hello("a", signed(otherKey, app, "a", "", time.Hour))},
		"changed":           {wire.CloseTokenInvalid, hello("a", good[:len(good)-4]+"AAAA")},
		"no token at all":   {wire.CloseTokenInvalid, hello("a", "abc")},
		"algorithm none":    {wire.CloseTokenInvalid, hello("a", claimed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"sub": "a", "aud": app, "exp": exp}))},
		"another algorithm": {wire.CloseTokenInvalid, hello("a", claimed(t, jwt.SigningMethodHS512, key, jwt.MapClaims{"sub": "a", "aud": app, "exp": exp}))},
		"without expiry":    {wire.CloseTokenInvalid, hello("a", claimed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "a", "aud": app}))},
		"no subject":        {wire.CloseTokenInvalid, hello("", claimed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"aud": app, "exp": exp}))},
		"no audience":       {wire.CloseTokenOtherApp, hello("a", claimed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"sub": "a", "exp": exp}))},
		"another app's":     {wire.CloseTokenOtherApp, hello("a", signed(otherKey, "other", "a", "", time.Hour))},
		"for another app":   {wire.CloseTokenOtherApp, with(func(h *wire.Hello) { h.AppID = "other" })},
		"to an unknown app": {wire.CloseTokenOtherApp, with(func(h *wire.Hello) { h.AppID = "none" })},
		"another user's":    {wire.CloseTokenOtherUser, hello("b", good)},
		"tomorrow's":        {wire.CloseVersion, with(func(h *wire.Hello) { h.Versions = []uint8{wire.Version + 1, 0} })},
		"no version":        {wire.CloseVersion, with(func(h *wire.Hello) { h.Versions = nil })},
	} {
		c := w.open()
		c.write(wire.OpHello, row.hello)
		select {
		case e := <-c.closed:
			require.Equal(t, int(row.code), int(e.Code), "%s: %s", name, e.Reason)
		case <-time.After(patience):
			require.Fail(t, "not closed", name)
		}
		require.Empty(t, c.frames, "%s: a refused hello is never answered", name)
	}
}

func TestFirstFrames(t *testing.T) {
	w := newWorld(t)
	request := func(op string, body msgp.Marshaler) []byte {
		raw, err := wire.NewRequest(1, op, body.MarshalMsg)
		require.NoError(t, err)
		return raw
	}
	event, err := wire.NewEvent(wire.OpHello, hello("a", token("a", time.Hour)))
	require.NoError(t, err)
	badBody, err := (&wire.Frame{Kind: wire.Request, Type: wire.OpHello, Body: msgp.AppendInt(nil, 7)}).MarshalMsg(nil)
	require.NoError(t, err)
	large := make([]byte, wire.MaxClientFrame+1)
	for name, row := range map[string]struct {
		code wire.CloseCode
		kind websocket.MessageType
		data []byte
	}{
		"a text frame":     {wire.CloseFrameInvalid, websocket.MessageText, request(wire.OpHello, hello("a", token("a", time.Hour)))},
		"no MessagePack":   {wire.CloseFrameInvalid, websocket.MessageBinary, []byte("\xc1 nonsense")},
		"empty":            {wire.CloseFrameInvalid, websocket.MessageBinary, nil},
		"bytes after it":   {wire.CloseFrameInvalid, websocket.MessageBinary, append(request(wire.OpPing, &wire.Ping{}), 0)},
		"a body of no map": {wire.CloseFrameInvalid, websocket.MessageBinary, badBody},
		"too large":        {wire.CloseFrameTooLarge, websocket.MessageBinary, large},
		"much too large":   {wire.CloseFrameTooLarge, websocket.MessageBinary, make([]byte, 3<<20)},
		"another op":       {wire.CloseUnauthenticated, websocket.MessageBinary, request(wire.OpPing, &wire.Ping{})},
		"an unknown op":    {wire.CloseUnauthenticated, websocket.MessageBinary, request("nonsense", &wire.Ping{})},
		"an event":         {wire.CloseUnauthenticated, websocket.MessageBinary, event},
	} {
		c := w.open()
		c.raw(row.kind, row.data)
		select {
		case e := <-c.closed:
			require.Equal(t, int(row.code), int(e.Code), "%s: %s", name, e.Reason)
		case <-time.After(patience):
			require.Fail(t, "not closed", name)
		}
	}
}

func TestSilenceBeforeHello(t *testing.T) {
	w := newWorld(t, limits(server.Limits{Hello: 200 * time.Millisecond}))
	begin := time.Now()
	w.open().requireClosed(wire.CloseUnauthenticated)
	require.Less(t, time.Since(begin), 2*time.Second)
}

func TestHelloPicksTheBestVersion(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	h := hello("a", token("a", time.Hour))
	h.Versions = []uint8{0, wire.Version, wire.Version + 1, 255}
	before := time.Now().UnixMilli()
	welcome := ask[wire.Welcome](c, wire.OpHello, h)
	require.Equal(t, wire.Version, welcome.Version)
	require.Equal(t, []any{uint32(1), uint64(0), true}, []any{welcome.Epoch, welcome.N, welcome.SyncDeletions})
	require.GreaterOrEqual(t, welcome.Time, before)
	ask[wire.Pong](c, wire.OpPing, &wire.Ping{})
}

func TestSubprotocolAndOrigin(t *testing.T) {
	w := newWorld(t, func(o *server.Options) { o.Origins = []string{"*.example.com"} })
	ws, _, err := w.dial(&websocket.DialOptions{})
	require.NoError(t, err)
	c := w.client(ws)
	go c.read()
	c.requireClosed(wire.CloseVersion)

	for origin, ok := range map[string]bool{
		"":                         true,
		w.http.URL:                 true,
		"https://chat.example.com": true,
		"https://example.org":      false,
		"https://evil.com":         false,
		"null":                     false,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, response, err := w.dial(&websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}, HTTPHeader: header})
		if !ok {
			require.Error(t, err, origin)
			require.Equal(t, http.StatusForbidden, response.StatusCode)
			continue
		}
		require.NoError(t, err, origin)
		require.Empty(t, response.Header.Get("Sec-WebSocket-Extensions"), "no compression")
		require.NoError(t, ws.CloseNow())
	}
}

func TestTokenEndsTheConnectionWhenItExpires(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	ask[wire.Welcome](c, wire.OpHello, hello("a", token("a", 2*time.Second)))
	ask[wire.Pong](c, wire.OpPing, &wire.Ping{})
	c.requireClosed(wire.CloseTokenExpired)
}

func TestSilenceEndsTheConnection(t *testing.T) {
	w := newWorld(t, limits(server.Limits{Idle: time.Second}))
	c := w.hello("a")
	for range 4 {
		time.Sleep(300 * time.Millisecond) // longer than the wait, taken together
		ask[wire.Pong](c, wire.OpPing, &wire.Ping{})
	}
	c.requireClosed(wire.CloseIdle)
}
