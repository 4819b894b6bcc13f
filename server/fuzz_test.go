package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

var fuzzKey = []byte("the key of the fuzz targets, no other has it")

// refusing is a Store that has nothing and takes nothing: what reaches it was decoded and checked.
type refusing struct{ Store }

var errRefusing = wire.Errorf(wire.StorageNotEnabled, "nothing is kept here")

func (refusing) Settings(context.Context, string) (Settings, bool, error)   { return Lethe, true, nil }
func (refusing) Revoked(context.Context, Grant) (bool, error)               { return false, nil }
func (refusing) Number(context.Context, Who) (uint64, uint32, error)        { return 0, 1, nil }
func (refusing) Forget(context.Context, int64) error                        { return nil }
func (refusing) Erase(context.Context) (bool, error)                        { return false, nil }
func (refusing) Device(context.Context, Who, int64) (bool, error)           { return false, nil }
func (refusing) Wipe(context.Context, string, string) error                 { return errRefusing }
func (refusing) Revoke(context.Context, string, Revocation) error           { return errRefusing }
func (refusing) Have(context.Context, Who, []wire.Head, int64) error        { return errRefusing }
func (refusing) PutRoom(context.Context, string, string, string) error      { return errRefusing }
func (refusing) CloseRoom(context.Context, string, string) (uint64, error)  { return 0, errRefusing }
func (refusing) ClearRoom(context.Context, string, string) (uint64, error)  { return 0, errRefusing }
func (refusing) Dissolve(context.Context, string, string) ([]string, error) { return nil, errRefusing }
func (refusing) Read(context.Context, Who, wire.Read) (wire.ReadAck, error) {
	return wire.ReadAck{}, errRefusing
}
func (refusing) Clear(context.Context, string, string, Clear) (uint64, error) { return 0, errRefusing }
func (refusing) Purge(context.Context, string, Settings, int64) (bool, error) { return false, nil }
func (refusing) PurgeRooms(context.Context, string, int64) error              { return nil }
func (refusing) Claim(context.Context, string, string, []byte, int64) (Answer, bool, error) {
	return Answer{}, true, nil
}
func (refusing) DropClaim(context.Context, string, string, []byte) error { return nil }
func (refusing) Conversation(context.Context, string, uint64) (string, string, error) {
	return "a", "C2Cb", nil
}
func (refusing) Send(context.Context, Who, wire.Send, int64) (wire.SendAck, bool, error) {
	return wire.SendAck{}, false, errRefusing
}
func (refusing) Cancel(context.Context, Who, wire.Cancel, Settings, int64) (wire.CancelAck, error) {
	return wire.CancelAck{}, errRefusing
}
func (refusing) Delete(context.Context, Who, wire.Delete, Settings, int64) (wire.DeleteAck, error) {
	return wire.DeleteAck{}, errRefusing
}
func (refusing) Page(context.Context, Who, wire.PageRequest, int) (wire.Page, error) {
	return wire.Page{}, errRefusing
}
func (refusing) Compensation(context.Context, Who, wire.PageRequest, int64, int) (wire.Page, error) {
	return wire.Page{}, errRefusing
}
func (refusing) Rows(context.Context, Who, uint64, int) (wire.Rows, error) {
	return wire.Rows{}, errRefusing
}
func (refusing) Recall(context.Context, Who, wire.Recall, Settings, int64) (wire.Recalled, uint64, error) {
	return wire.Recalled{}, 0, errRefusing
}
func (refusing) RecallByAdmin(context.Context, string, string, wire.Recall, int64) (wire.Recalled, uint64, error) {
	return wire.Recalled{}, 0, errRefusing
}
func (refusing) Recalls(context.Context, Who, wire.RecallsRequest, int) (wire.Recalls, error) {
	return wire.Recalls{}, errRefusing
}
func (refusing) Heads(context.Context, Who, []wire.Head, int) (wire.Heads, error) {
	return wire.Heads{}, errRefusing
}
func (refusing) Rest(context.Context, Who, func(string) bool, int) (wire.Heads, error) {
	return wire.Heads{}, errRefusing
}
func (refusing) Count(context.Context, Who, wire.CountRequest) (wire.Count, error) {
	return wire.Count{}, errRefusing
}
func (refusing) Join(context.Context, Who, wire.Join, Settings) (wire.JoinAck, error) {
	return wire.JoinAck{}, errRefusing
}
func (refusing) Leave(context.Context, Who, wire.Leave) (wire.LeaveAck, error) {
	return wire.LeaveAck{}, errRefusing
}
func (refusing) PutGroup(context.Context, string, string, string, bool) ([]string, error) {
	return nil, errRefusing
}
func (refusing) Members(context.Context, string, string, []string, []string) ([]string, uint64, error) {
	return nil, 0, errRefusing
}
func (refusing) Notice(context.Context, string, string, string, wire.Message, int64) (wire.SendAck, error) {
	return wire.SendAck{}, errRefusing
}
func (refusing) Import(context.Context, string, string, string, []wire.Message, int64) (uint64, uint64, uint64, error) {
	return 0, 0, 0, errRefusing
}
func (refusing) KeepAnswer(context.Context, string, string, Answer, int64) error { return nil }
func (refusing) ChangeSettings(_ context.Context, _ string, initial Settings, change func(*Settings) error) (Settings, error) {
	return initial, change(&initial)
}

func newFuzzed(t testing.TB) *Server {
	t.Helper()
	s, err := New(Options{
		Store: refusing{}, Apps: map[string]App{"lethe": {Key: fuzzKey, Settings: Lethe}},
		Logger: slog.New(slog.DiscardHandler), Limits: Limits{Revocations: time.Hour},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context()))) })
	return s
}

// FuzzOperation is any frame on a connection that has said hello: it is answered or ends the connection, and is never the
// server's own failure.
func FuzzOperation(f *testing.F) {
	for op := range operations {
		if op == PanicOp {
			continue
		}
		raw, err := wire.NewRequest(1, op, (&wire.Ping{}).MarshalMsg)
		require.NoError(f, err)
		f.Add(raw)
	}
	send := &wire.Send{SendID: wire.ID{1}, ConversationID: "C2Cb", Type: wire.TypeText, Payload: msgp.AppendMapHeader(nil, 0)}
	raw, err := wire.NewRequest(1, wire.OpSend, send.MarshalMsg)
	require.NoError(f, err)
	f.Add(raw)
	s := newFuzzed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := wire.DecodeFrame(data, wire.MaxClientFrame)
		if err != nil || frame.Type == wire.OpHello || frame.Type == PanicOp { // FuzzToken says hello
			return
		}
		c := &connection{
			server: s, id: rand.Uint64() | 1, out: newOutbound(s.limits.Queue, func() {}), who: Who{App: "lethe", User: "a", Device: "d"},
			named: map[string]struct{}{},
		}
		c.push = newPusher(c)
		_, err = c.respond(t.Context(), frame)
		require.NotEqual(t, wire.Internal, wire.CodeOf(err), "%v", err)
		if err != nil {
			refusal, err := wire.NewRefusal(frame.ID, err)
			require.NoError(t, err)
			require.LessOrEqual(t, len(refusal), 2048, "a refusal is short, whatever was sent")
		}
	})
}

// FuzzToken is any text for a token: what is taken is signed by the app's key, has not expired, and names the user.
func FuzzToken(f *testing.F) {
	now := time.Now()
	good, err := SignToken(fuzzKey, "lethe", "a", "", now, now.Add(24*365*time.Hour))
	require.NoError(f, err)
	other, err := SignToken([]byte(strings.Repeat("k", MinKey)), "lethe", "a", "", now, now.Add(time.Hour))
	require.NoError(f, err)
	for _, token := range []string{good, other, "", "..", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiYXVkIjoibGV0aGUifQ."} {
		f.Add(token, "a", "d")
	}
	s := newFuzzed(f)
	f.Fuzz(func(t *testing.T, token, user, device string) {
		grant, until, err := s.checkHello(wire.Hello{Versions: []uint8{wire.Version}, AppID: "lethe", UserID: user, Token: token, DeviceID: device})
		appOf(token)
		if err != nil {
			require.NotEqual(t, wire.Internal, wire.CodeOf(err))
			return
		}
		signed, signature, ok := cutLast(token, ".")
		require.True(t, ok)
		raw, err := jwt.NewParser().DecodeSegment(signature)
		require.NoError(t, err)
		require.NoError(t, jwt.SigningMethodHS256.Verify(signed, raw, fuzzKey), "taken without the key")
		require.True(t, until.After(time.Now()))
		require.Equal(t, []any{"lethe", user, device}, []any{grant.App, grant.User, grant.Device})
	})
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// FuzzHTTPBody is any body for every call of the HTTP API: it is refused with one of the codes, or reaches the Store.
func FuzzHTTPBody(f *testing.F) {
	s := newFuzzed(f)
	var calls []endpoint
	for _, e := range s.endpoints() {
		if e.method == http.MethodPost || e.method == http.MethodPut {
			calls = append(calls, e)
		}
	}
	for i, body := range []string{
		`{"profile":"lethe","compensation.days":3}`, `{"groupID":"g","members":["a"]}`, `{"add":["b"],"remove":["a"]}`, `{"roomID":"r"}`,
		`{"ID":"0000000000000001-1"}`, `{"as":"a","conversationID":"C2Cb","scope":"user","seqs":[1]}`, `{"userID":"a","tokenID":"t"}`,
		`{"to":"a","payload":{"n":1e300,"list":[null,true]}}`, `{"as":"a","conversationID":"C2Cb","messages":[{"from":"a","time":1000,"payload":{"text":"1"}}]}`,
	} {
		f.Add(uint8(i), []byte(body), "key")
	}
	handler := s.Handler()
	now := time.Now()
	admin, err := SignToken(fuzzKey, "lethe", "backend", RoleAdmin, now, now.Add(24*time.Hour))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, which uint8, body []byte, key string) {
		call := calls[int(which)%len(calls)]
		r := httptest.NewRequest(call.method, strings.NewReplacer("{groupID}", "g", "{roomID}", "r", "{userID}", "u").Replace(call.path), strings.NewReader(string(body)))
		r.Header.Set("Authorization", "Bearer "+admin)
		r.Header[keyHeader] = []string{key}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		require.NotEqual(t, http.StatusInternalServerError, w.Code, "%s %s", call.path, w.Body)
		var out map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		if w.Code != http.StatusOK {
			require.NotEqual(t, "UNKNOWN", wire.Code(out["code"].(float64)).Name())
			require.Less(t, w.Body.Len(), 2048)
		}
	})
}

// FuzzHeaders are what is read of a request before anybody has authenticated.
func FuzzHeaders(f *testing.F) {
	f.Add("127.0.0.1:80", "1.2.3.4, 5.6.7.8", "br;q=0.5, gzip", "/dist/../x")
	f.Add("[fe80::1%eth0]:1", ",,", "*;q=2", "//")
	p, err := parseProxies([]string{"127.0.0.1", "10.0.0.0/8", "fd00::/8"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, remote, forwarded, accepted, path string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		if a := p.address(r); a != "" {
			_, err := netip.ParseAddr(strings.TrimSuffix(a, "/64"))
			require.NoError(t, err, a)
		}
		q := acceptedEncodings([]string{accepted})("br")
		require.True(t, q >= 0 && q <= 1)
		if name, ok := webName(path); ok {
			require.True(t, name == "index.html" || strings.HasPrefix(name, "dist/"), name)
			require.NotContains(t, "/"+name+"/", "/../")
			require.NotContains(t, name, "/.")
		}
	})
}
