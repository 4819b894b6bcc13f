package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// document is what the test reads of the OpenAPI document.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]described
	Components struct{ Schemas map[string]schema }
}

type described struct {
	OperationID string
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	}
	Security   []map[string][]string
	Parameters []map[string]any
	Responses  map[string]struct {
		Errors  []string `json:"x-errors"`
		Content map[string]struct{ Schema schema }
	}
}

// schema is the part of JSON Schema that the document uses.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Const                any
	Enum                 []any
	Properties           map[string]schema
	Required             []string
	AdditionalProperties *bool
	Items                *schema
	Minimum, Maximum     *float64
	MinLength            *int
}

// check says where a value is not what a schema says, empty if it is.
func (d *document) check(s schema, value any, at string) string {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		target, ok := d.Components.Schemas[name]
		if !ok {
			return at + ": no schema " + name
		}
		return d.check(target, value, at)
	}
	wrong := fmt.Sprintf("%s: %v is not what the schema says", at, value)
	switch v := value.(type) {
	case map[string]any:
		if s.Type != "object" {
			return wrong
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return at + ": without " + name
			}
		}
		for name, part := range v {
			p, ok := s.Properties[name]
			if !ok && s.AdditionalProperties != nil {
				return at + ": undescribed " + name
			} else if ok {
				if wrong := d.check(p, part, at+"."+name); wrong != "" {
					return wrong
				}
			}
		}
	case []any:
		if s.Type != "array" {
			return wrong
		}
		for i, part := range v {
			if wrong := d.check(*s.Items, part, fmt.Sprintf("%s[%d]", at, i)); wrong != "" {
				return wrong
			}
		}
	case string:
		if s.Type != "string" && s.Const != v || s.Enum != nil && !slices.Contains(s.Enum, value) || s.MinLength != nil && len(v) < *s.MinLength {
			return wrong
		}
	case float64:
		if s.Type != "integer" || v != float64(int64(v)) || s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			return wrong
		}
	case bool:
		if s.Type != "boolean" && s.Const != v {
			return wrong
		}
	default:
		return wrong
	}
	return ""
}

// walk calls the server and holds each call and its answer to the document.
type walk struct {
	*world
	doc  document
	seen map[string]bool // "method path status NAME"
}

// call makes one call of a described operation. path has its parameters filled in.
func (k *walk) try(method, template, path, body string, change ...func(*http.Request)) (int, map[string]any) {
	k.Helper()
	op, ok := k.doc.Paths[template][strings.ToLower(method)]
	require.True(k, ok, "%s %s is not described", method, template)
	r, err := http.NewRequest(method, k.http.URL+path, strings.NewReader(body))
	require.NoError(k, err)
	r.Header.Set("Authorization", "Bearer "+admin())
	for _, c := range change {
		c(r)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(k, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(k, err)
	require.NoError(k, response.Body.Close())
	status := fmt.Sprint(response.StatusCode)
	means, ok := op.Responses[status]
	require.True(k, ok, "%s %s answers %s, which is not described: %s", method, path, status, raw)
	content, ok := means.Content["application/json"]
	var out map[string]any
	if ok {
		require.Equal(k, "application/json", response.Header.Get("Content-Type"))
		require.NoError(k, json.Unmarshal(raw, &out), string(raw))
		require.Empty(k, k.doc.check(content.Schema, out, method+" "+path+" "+status))
	}
	name, _ := out["name"].(string)
	if len(means.Errors) > 0 {
		require.Contains(k, means.Errors, name, "%s %s: %s", method, path, raw)
		require.Equal(k, name, wire.Code(out["code"].(float64)).Name())
	} else {
		name = ""
	}
	if op.RequestBody != nil && response.StatusCode == http.StatusOK {
		var sent any
		require.NoError(k, json.Unmarshal([]byte(body), &sent))
		require.Empty(k, k.doc.check(op.RequestBody.Content["application/json"].Schema, sent, method+" "+path+" request"))
	}
	k.seen[strings.Join([]string{method, template, status, name}, " ")] = true
	return response.StatusCode, out
}

func (d *document) each(fn func(method, path string, op described)) {
	for path, methods := range d.Paths {
		for method, op := range methods {
			fn(strings.ToUpper(method), path, op)
		}
	}
}

// Every call of the server is described, every described one exists, each of its statuses and errors occurs, and every
// answer has the described shape.
func TestOpenAPIDocument(t *testing.T) {
	k := &walk{world: newWorld(t), seen: map[string]bool{}}
	response, err := http.Get(k.http.URL + "/v1/openapi.json")
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(response.Body).Decode(&k.doc))
	require.NoError(t, response.Body.Close())
	require.Equal(t, "3.1.0", k.doc.OpenAPI)

	var known []string
	k.doc.each(func(method, path string, _ described) { known = append(known, method+" "+path) })
	require.ElementsMatch(t, k.server.Endpoints(), known)

	k.open200s()
	k.refusals()
	k.common()

	var missing []string
	k.doc.each(func(method, path string, op described) {
		for status, means := range op.Responses {
			if status == "default" || status == "503" || path == "/v1/ws" && status != "426" {
				continue // a failing server; and the WebSocket, which other tests open
			}
			for _, name := range append(means.Errors, map[bool][]string{true: {""}}[len(means.Errors) == 0]...) {
				if what := strings.Join([]string{method, path, status, name}, " "); !k.seen[what] {
					missing = append(missing, what)
				}
			}
		}
	})
	sort.Strings(missing)
	require.Empty(t, missing, "described, but it did not occur")
}

// open200s makes every call so that it succeeds.
func (k *walk) open200s() {
	do := func(method, template, path, body string) map[string]any {
		k.Helper()
		status, out := k.try(method, template, path, body)
		require.Equal(k, http.StatusOK, status, "%s %s: %v", method, path, out)
		return out
	}
	do("GET", "/v1/health", "/v1/health", "")
	do("GET", "/v1/openapi.json", "/v1/openapi.json", "")
	do("GET", "/v1/dev/token", "/v1/dev/token?user=a&app=lethe", "")
	do("GET", "/v1/settings", "/v1/settings", "")
	do("PUT", "/v1/settings", "/v1/settings", `{"profile":"lethe","compensation.days":3,"sync.deletions":true}`)
	do("POST", "/v1/groups", "/v1/groups", `{"groupID":"g","name":"G","open":true,"members":["a"]}`)
	do("POST", "/v1/groups/{groupID}/members", "/v1/groups/g/members", `{"add":["b"],"remove":["a"]}`)
	do("DELETE", "/v1/groups/{groupID}", "/v1/groups/g", "")
	do("POST", "/v1/rooms", "/v1/rooms", `{"roomID":"r"}`)
	do("POST", "/v1/clear", "/v1/clear", `{"conversationID":"ROOMr","scope":"everybody","all":true}`)
	do("DELETE", "/v1/rooms/{roomID}", "/v1/rooms/r", "")
	do("POST", "/v1/notices", "/v1/notices", `{"to":"a","from":"","type":"TIMTextElem","payload":{"text":"hi"}}`)
	sent := time.Now().Add(-time.Hour).UnixMilli() // what is older than the retention would be purged, sooner or later
	do("POST", "/v1/import", "/v1/import", fmt.Sprintf(`{"as":"a","conversationID":"C2Cb","messages":[
		{"from":"a","time":%d,"payload":{"text":"1"}},{"from":"b","time":%d,"payload":{"text":"2"}}]}`, sent, sent+1000))
	do("POST", "/v1/recall", "/v1/recall", `{"as":"a","conversationID":"C2Cb","seq":1}`)
	do("POST", "/v1/clear", "/v1/clear", `{"as":"a","conversationID":"C2Cb","scope":"user","seqs":[1]}`)
	do("POST", "/v1/clear", "/v1/clear", fmt.Sprintf(`{"as":"a","conversationID":"C2Cb","scope":"everybody","before":%d}`, sent+500))
	do("DELETE", "/v1/users/{userID}", "/v1/users/a", "")
	do("POST", "/v1/revocations", "/v1/revocations", `{"userID":"a","deviceID":"","tokenID":"t"}`)
	status, _ := k.try("GET", "/v1/ws", "/v1/ws", "")
	require.Equal(k, http.StatusUpgradeRequired, status)
}

// refusals makes the calls that are refused in their own ways.
func (k *walk) refusals() {
	large := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", wire.MaxContent+1))
	members := `["` + strings.Repeat(`a","`, server.MaxMembers) + `a"]`
	imported := `{"as":"b","conversationID":"C2Cc","messages":[` + strings.Repeat(`{"from":"b","time":1000,"payload":{}},`, server.MaxImport) + `{"from":"b","time":1000,"payload":{}}]}`
	k.post("/v1/import", `{"as":"b","conversationID":"C2Cc","messages":[{"from":"b","time":1000,"payload":{}}]}`)
	k.post("/v1/rooms", `{"roomID":"open"}`)
	for _, row := range []struct{ method, template, path, body, name string }{
		{"GET", "/v1/dev/token", "/v1/dev/token", "", "PARAMETER_INVALID"},
		{"POST", "/v1/groups", "/v1/groups", `{"groupID":"g2","members":` + members + `}`, "LIMIT_EXCEEDED"},
		{"POST", "/v1/groups/{groupID}/members", "/v1/groups/g2/members", `{"add":` + members + `}`, "LIMIT_EXCEEDED"},
		{"POST", "/v1/groups/{groupID}/members", "/v1/groups/none/members", `{}`, "GROUP_NOT_FOUND"},
		{"DELETE", "/v1/groups/{groupID}", "/v1/groups/none", "", "GROUP_NOT_FOUND"},
		{"DELETE", "/v1/rooms/{roomID}", "/v1/rooms/none", "", "ROOM_NOT_FOUND"},
		{"POST", "/v1/notices", "/v1/notices", `{"to":"a","payload":` + large + `}`, "MESSAGE_TOO_LARGE"},
		{"POST", "/v1/import", "/v1/import", imported, "LIMIT_EXCEEDED"},
		{"POST", "/v1/import", "/v1/import", `{"conversationID":"nonsense","messages":[]}`, "CONVERSATION_ID_INVALID"},
		{"POST", "/v1/import", "/v1/import", `{"conversationID":"GROUPnone","messages":[{"from":"b","time":1,"payload":{}}]}`, "GROUP_NOT_FOUND"},
		{"POST", "/v1/import", "/v1/import", `{"as":"b","conversationID":"C2Cc","messages":[{"from":"b","time":1,"payload":` + large + `}]}`, "MESSAGE_TOO_LARGE"},
		{"POST", "/v1/recall", "/v1/recall", `{"conversationID":"nonsense","seq":1}`, "CONVERSATION_ID_INVALID"},
		{"POST", "/v1/recall", "/v1/recall", `{"conversationID":"GROUPnone","seq":1}`, "CONVERSATION_NOT_FOUND"},
		{"POST", "/v1/recall", "/v1/recall", `{"as":"b","conversationID":"C2Cc","seq":9}`, "MESSAGE_NOT_FOUND"},
		{"POST", "/v1/recall", "/v1/recall", `{"ID":"0000000000000001-1"}`, "MESSAGE_NOT_FOUND"},
		{"POST", "/v1/recall", "/v1/recall", `{"ID":"nonsense"}`, "MESSAGE_NOT_FOUND"},
		{"POST", "/v1/recall", "/v1/recall", `{"ID":"0000000000000001-1","seq":1}`, "PARAMETER_INVALID"},
		{"POST", "/v1/clear", "/v1/clear", `{"conversationID":"nonsense","scope":"everybody","all":true}`, "CONVERSATION_ID_INVALID"},
		{"POST", "/v1/clear", "/v1/clear", `{"conversationID":"GROUPnone","scope":"everybody","all":true}`, "CONVERSATION_NOT_FOUND"},
		{"POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"GROUPnone","scope":"user","all":true}`, "CONVERSATION_NOT_FOUND"},
		{"POST", "/v1/clear", "/v1/clear", `{"conversationID":"ROOMnone","scope":"everybody","all":true}`, "ROOM_NOT_FOUND"},
		{"POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"ROOMopen","scope":"user","all":true}`, "ROOM_NOT_DELETABLE"},
		{"POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"C2Cc","scope":"user","seqs":[2]}`, "MESSAGE_NOT_FOUND"},
		{"POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"C2Cc","scope":"user","messages":["0000000000000001-1"]}`, "MESSAGE_NOT_FOUND"},
		{"POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"C2Cc","scope":"everybody","messages":["0000000000000001-1"]}`, "MESSAGE_NOT_FOUND"},
		{"POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"C2Cc","scope":"user","seqs":[1` + strings.Repeat(",1", wire.MaxMessages) + `]}`, "LIMIT_EXCEEDED"},
	} {
		_, out := k.try(row.method, row.template, row.path, row.body)
		require.Equal(k, row.name, out["name"], "%s %s", row.path, row.body[:min(len(row.body), 100)])
	}
	for _, body := range []string{
		`{"conversationID":"C2Cc","as":"b"}`, `{"conversationID":"C2Cc","as":"b","scope":"user"}`,
		`{"conversationID":"C2Cc","as":"b","scope":"user","all":true,"before":1}`, `{"conversationID":"C2Cc","as":"b","scope":"user","before":-1}`,
		`{"conversationID":"C2Cc","as":"b","scope":"user","seqs":[]}`, `{"conversationID":"C2Cc","as":"b","scope":"user","seqs":[0]}`,
		`{"conversationID":"C2Cc","as":"b","scope":"all","all":true}`, `{"conversationID":"C2Cc","scope":"user","all":true}`,
		`{"as":"b","conversationID":"C2Cc","scope":"user","messages":["0000000000000001-1","0000000000000002-1"]}`,
	} {
		_, out := k.try("POST", "/v1/clear", "/v1/clear", body)
		require.Equal(k, "PARAMETER_INVALID", out["name"], body)
	}
	k.set(`{"cloudHistory.enabled":false}`)
	_, out := k.try("POST", "/v1/clear", "/v1/clear", `{"as":"b","conversationID":"C2Cc","scope":"user","all":true}`)
	require.Equal(k, "STORAGE_NOT_ENABLED", out["name"])
	k.set(`{"cloudHistory.enabled":true}`)
}

// common makes every call so that it is refused in the ways that all calls share.
func (k *walk) common() {
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) {
			if r.Header.Del("Authorization"); token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
		}
	}
	keyed := func(key string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Idempotency-Key", key) }
	}
	require.NoError(k, k.store.Revoke(k.Context(), app, server.Revocation{User: "revoked", Before: time.Now().Add(time.Hour).UnixMilli()}))
	revoked := signed(key, app, "revoked", server.RoleAdmin, time.Hour)
	k.doc.each(func(method, template string, op described) {
		if len(op.Security) == 0 {
			return
		}
		path := strings.NewReplacer("{groupID}", "common", "{roomID}", "common", "{userID}", "common").Replace(template)
		for name, token := range map[string]string{
			"TOKEN_MISSING":     "",
			"TOKEN_INVALID":     signed(otherKey, app, "x", server.RoleAdmin, time.Hour),
			"TOKEN_EXPIRED":     signed(key, app, "x", server.RoleAdmin, -time.Hour),
			"TOKEN_OTHER_APP":   signed(key, "none", "x", server.RoleAdmin, time.Hour),
			"PERMISSION_DENIED": token("a", time.Hour),
			"TOKEN_REVOKED":     revoked,
		} {
			_, out := k.try(method, template, path, `{}`, bearer(token))
			require.Equal(k, name, out["name"], "%s %s", method, template)
		}
		if len(op.Parameters) == 0 || method == http.MethodGet {
			return
		}
		_, out := k.try(method, template, path, ``, keyed(strings.Repeat("k", 129)))
		require.Equal(k, "PARAMETER_INVALID", out["name"])
		large := 2<<20 + 1
		if template == "/v1/import" {
			large = 32<<20 + 1
		}
		if op.RequestBody != nil {
			_, out = k.try(method, template, path, `{"nonsense":1}`)
			require.Equal(k, "PARAMETER_INVALID", out["name"])
		}
		_, out = k.try(method, template, path, strings.Repeat(" ", large), keyed("large"))
		require.Equal(k, "FRAME_TOO_LARGE", out["name"])
		k.post("/v1/groups", `{"groupID":"common"}`)
		_, claimed, err := k.store.Claim(k.Context(), app, method+template, []byte{1}, 1)
		require.NoError(k, err)
		require.True(k, claimed)
		require.NoError(k, k.store.KeepAnswer(k.Context(), app, method+template, server.Answer{Hash: []byte{1}, Body: []byte(`{}`)}, 1))
		_, out = k.try(method, template, path, `{}`, keyed(method+template))
		require.Equal(k, "OPERATION_ID_REUSED", out["name"])
	})
}
