package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// TestOpenAPIDocument has every call without a token, with a forged, an expired, a revoked, another app's and a user's. Here
// stands what a token of the right kind must not reach.
func TestAbuseHTTP(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	foreign := signed(otherKey, "other", "backend", server.RoleAdmin, time.Hour)
	secret := fmt.Sprintf("%016x-1", s.logs["C2Cfriend"])
	for _, row := range []struct {
		name, method, path, token, body string
		status                          int
		code                            wire.Code
	}{
		{"another app's group", "DELETE", "/v1/groups/club", foreign, "", 404, wire.GroupNotFound},
		{"another app's members", "POST", "/v1/groups/club/members", foreign, `{"add":["mallory"]}`, 404, wire.GroupNotFound},
		{"another app's room", "DELETE", "/v1/rooms/lobby", foreign, "", 404, wire.RoomNotFound},
		{"another app's message", "POST", "/v1/recall", foreign, `{"ID":"` + secret + `"}`, 404, wire.MessageNotFound},
		{"another app's message by name", "POST", "/v1/recall", foreign, `{"as":"victim","conversationID":"C2Cfriend","seq":1}`, 404, wire.ConversationNotFound},
		{"another app's history", "POST", "/v1/clear", foreign, `{"as":"victim","conversationID":"C2Cfriend","scope":"user","all":true}`, 404, wire.ConversationNotFound},
		{"everybody's history in another app", "POST", "/v1/clear", foreign, `{"scope":"everybody","messages":["` + secret + `"]}`, 404, wire.MessageNotFound},
		{"a message of another conversation", "POST", "/v1/clear", admin(), `{"as":"mallory","conversationID":"C2Cfriend","scope":"user","messages":["` + secret + `"]}`, 404, wire.MessageNotFound},
		{"a user of another app", "DELETE", "/v1/users/victim", foreign, "", 200, wire.OK},
		{"tokens of another app", "POST", "/v1/revocations", foreign, `{"userID":"victim"}`, 200, wire.OK},
		{"settings of another app", "PUT", "/v1/settings", foreign, `{"recall.ownOnly":false}`, 200, wire.OK},
		{"a user's token for an administrator's", "POST", "/v1/revocations", token("victim", time.Hour), `{"userID":"friend"}`, 403, wire.PermissionDenied},
		{"a role in another spelling", "POST", "/v1/revocations", signed(key, app, "mallory", "Admin", time.Hour), `{"userID":"friend"}`, 403, wire.PermissionDenied},
		{"a revocation of nobody", "POST", "/v1/revocations", admin(), `{}`, 400, wire.ParameterInvalid},
		{"a revocation of a device that is none", "POST", "/v1/revocations", admin(), `{"userID":"victim","deviceID":"` + strings.Repeat("d", 129) + `"}`, 400, wire.ParameterInvalid},
		{"a misspelt revocation", "POST", "/v1/revocations", admin(), `{"userID":"victim","device":"d"}`, 400, wire.ParameterInvalid},
		{"a body that nests", "POST", "/v1/notices", admin(), `{"to":"victim","payload":` + strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000) + `}`, 400, wire.ParameterInvalid},
		{"two bodies", "POST", "/v1/groups", admin(), `{"groupID":"x"}{"groupID":"y"}`, 400, wire.ParameterInvalid},
		{"a number that is out of range", "POST", "/v1/recall", admin(), `{"as":"victim","conversationID":"C2Cfriend","seq":1e400}`, 400, wire.ParameterInvalid},
		{"a way that is none", "TRACE", "/v1/settings", admin(), "", 405, wire.OperationUnknown},
		{"an address that is none", "GET", "/v1/%2e%2e/data/key", admin(), "", 404, wire.OperationUnknown},
	} {
		s.holds(t, row.name, func(s *scene) {
			status, out := s.call(row.method, row.path, row.token, row.body)
			require.Equal(s, row.status, status, "%v", out)
			if row.code != wire.OK {
				require.Equal(s, row.code.Name(), out["name"], "%v", out)
				require.Equal(s, float64(row.code), out["code"])
			}
		})
	}
	s.holds(t, "a token in the address", func(s *scene) {
		response, err := http.Get(s.http.URL + "/v1/settings?token=" + admin())
		require.NoError(s, err)
		require.NoError(s, response.Body.Close())
		require.Equal(s, http.StatusUnauthorized, response.StatusCode)
		require.Equal(s, "nosniff", response.Header.Get("X-Content-Type-Options"))
	})
	for origin, status := range map[string]int{
		"https://evil.example": 403, "null": 403, "https://example.com.evil.example": 403, "file://": 403,
		"http://127.0.0.1": 403, // another port is another page
	} {
		s.holds(t, "a page of "+origin, func(s *scene) {
			r, err := http.NewRequest(http.MethodGet, s.http.URL+"/v1/ws", nil)
			require.NoError(s, err)
			for name, value := range map[string]string{
				"Origin": origin, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
				"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": wire.Subprotocol,
			} {
				r.Header.Set(name, value)
			}
			response, err := http.DefaultClient.Do(r)
			require.NoError(s, err)
			require.NoError(s, response.Body.Close())
			require.Equal(s, status, response.StatusCode)
		})
	}
}
