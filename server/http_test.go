package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func admin() string { return signed(key, app, "backend", server.RoleAdmin, time.Hour) }

// call makes one request and returns status and body.
func (w *world) call(method, path, token, body string) (int, map[string]any) {
	w.Helper()
	r, err := http.NewRequest(method, w.http.URL+path, strings.NewReader(body))
	require.NoError(w, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(w, err)
	defer func() { require.NoError(w, response.Body.Close()) }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(w, err)
	require.Equal(w, "application/json", response.Header.Get("Content-Type"), string(raw))
	var out map[string]any
	require.NoError(w, json.Unmarshal(raw, &out), string(raw))
	return response.StatusCode, out
}

func (w *world) post(path, body string) map[string]any {
	w.Helper()
	status, out := w.call(http.MethodPost, path, admin(), body)
	require.Equal(w, http.StatusOK, status, "%v", out)
	return out
}

func TestHTTPGroups(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	out := w.post("/v1/groups", `{"groupID":"g 1/2","name":"The group","members":["a","b"]}`)
	require.Equal(t, map[string]any{"groupID": "g 1/2", "conversationID": "GROUPg 1/2", "changed": []any{"a", "b"}}, out)
	rows := event[wire.Rows](a, wire.EventRows)
	require.Equal(t, []any{"GROUPg 1/2", "The group"}, []any{rows.Spans[0].ConversationID, rows.Spans[0].Name})

	b := w.hello("b")
	ask[wire.SendAck](b, wire.OpSend, newSend("GROUPg 1/2", "hi"))
	require.Equal(t, "GROUPg 1/2", event[wire.MessagesEvent](a, wire.EventMessages).ConversationID, "followed since it was added")

	out = w.post("/v1/groups/g%201%2F2/members", `{"add":["c","a"],"remove":["b","nobody"]}`)
	require.Equal(t, []any{"b", "c"}, out["changed"])
	require.Equal(t, uint64(2), event[wire.Rows](b, wire.EventRows).Spans[0].Left)
	var ack wire.SendAck
	require.Equal(t, wire.PermissionDenied, try(b, wire.OpSend, newSend("GROUPg 1/2", "still here"), &ack))
	ask[wire.SendAck](a, wire.OpSend, newSend("GROUPg 1/2", "without b"))
	b.silent()
	require.Equal(t, uint64(1), ask[wire.Count](b, wire.OpCount, &wire.CountRequest{ConversationID: "GROUPg 1/2"}).Messages)

	out = w.post("/v1/groups", `{"groupID":"g 1/2","name":"Renamed"}`)
	require.Equal(t, []any{}, out["changed"])
	require.Equal(t, "Renamed", event[wire.Rows](a, wire.EventRows).Spans[0].Name)
	w.post("/v1/groups", `{"groupID":"plain","members":["a"]}`)
	require.Equal(t, "plain", event[wire.Rows](a, wire.EventRows).Spans[0].Name)
}

func TestHTTPNotices(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	for i, from := range []string{"", "", "shop"} {
		out := w.post("/v1/notices", fmt.Sprintf(`{"to":"a","from":%q,"payload":{"text":"hello"}}`, from))
		require.Equal(t, "@TIM#SYSTEM"+from, out["conversationID"])
		require.EqualValues(t, []int{1, 2, 1}[i], out["seq"])
		if i != 1 {
			require.Equal(t, "@TIM#SYSTEM"+from, event[wire.Rows](a, wire.EventRows).Spans[0].ConversationID)
		}
		e := event[wire.MessagesEvent](a, wire.EventMessages)
		require.Equal(t, []any{"@TIM#SYSTEM" + from, from}, []any{e.ConversationID, e.Messages[0].From})
		require.Equal(t, []byte(text("hello")), []byte(e.Messages[0].Payload))
	}
}

func TestHTTPImport(t *testing.T) {
	w := newWorld(t)
	a := w.hello("a")
	sent := time.Now().Add(-time.Hour).UnixMilli() // what is older than the retention would be purged, sooner or later
	out := w.post("/v1/import", fmt.Sprintf(`{"as":"b","conversationID":"C2Ca","messages":[
		{"from":"a","time":%d,"payload":{"text":"one"}},
		{"from":"b","time":%[1]d,"type":"TIMCustomElem","payload":{"z":[1,-2,18446744073709551615,1.5,1e3,null,true],"a":{"é":"你"}}}]}`, sent))
	require.Equal(t, map[string]any{"first": 1.0, "last": 2.0}, out)
	event[wire.Rows](a, wire.EventRows)
	e := event[wire.MessagesEvent](a, wire.EventMessages)
	require.Equal(t, "C2Cb", e.ConversationID)
	require.Equal(t, []int64{sent, sent}, []int64{e.Messages[0].Time, e.Messages[1].Time})

	// Integers stay integers, everything else is a float64, names are sorted.
	var want []byte
	want = msgp.AppendString(msgp.AppendMapHeader(want, 2), "a")
	want = msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(want, 1), "é"), "你")
	want = msgp.AppendArrayHeader(msgp.AppendString(want, "z"), 7)
	want = msgp.AppendUint64(msgp.AppendInt64(msgp.AppendInt64(want, 1), -2), 18446744073709551615)
	want = msgp.AppendFloat64(msgp.AppendFloat64(want, 1.5), 1000)
	want = msgp.AppendBool(msgp.AppendNil(want), true)
	require.Equal(t, want, []byte(e.Messages[1].Payload))

	var many bytes.Buffer
	many.WriteString(`{"as":"a","conversationID":"C2Cb","messages":[`)
	for i := range server.MaxImport {
		fmt.Fprintf(&many, `{"from":"a","time":%d,"payload":{"text":"x"}},`, sent+1000+int64(i))
	}
	many.Truncate(many.Len() - 1)
	out = w.post("/v1/import", many.String()+"]}")
	require.Equal(t, map[string]any{"first": 3.0, "last": 1002.0}, out)
	got := 0
	for got < server.MaxImport {
		e := event[wire.MessagesEvent](a, wire.EventMessages)
		require.EqualValues(t, 3+got, e.Messages[0].Seq)
		got += len(e.Messages)
	}
	status, refused := w.call(http.MethodPost, "/v1/import", admin(), many.String()+`,{"from":"a","time":9000,"payload":{}}]}`)
	require.Equal(t, []any{http.StatusBadRequest, "LIMIT_EXCEEDED"}, []any{status, refused["name"]})
	require.Equal(t, uint64(1002), ask[wire.Count](a, wire.OpCount, &wire.CountRequest{ConversationID: "C2Cb"}).Messages)
}

func TestHTTPRefusals(t *testing.T) {
	w := newWorld(t)
	w.post("/v1/groups", `{"groupID":"g","members":["a"]}`)
	big := `{"to":"a","payload":{"text":"` + strings.Repeat("x", wire.MaxContent+1) + `"}}`
	members := `{"groupID":"g2","members":["` + strings.Repeat(`a","`, server.MaxMembers) + `a"]}`
	future := time.Now().Add(time.Hour).UnixMilli()
	deep := strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)
	for name, row := range map[string]struct {
		status int
		code   wire.Code
		method string
		path   string
		token  string
		body   string
	}{
		"no token":           {401, wire.TokenMissing, "POST", "/v1/groups", "", `{"groupID":"x"}`},
		"for no app":         {401, wire.TokenOtherApp, "POST", "/v1/groups", signed(key, "", "b", "admin", time.Hour), `{"groupID":"x"}`},
		"nonsense":           {401, wire.TokenInvalid, "POST", "/v1/groups", "nonsense", `{"groupID":"x"}`},
		"a user's token":     {403, wire.PermissionDenied, "POST", "/v1/groups", token("a", time.Hour), `{"groupID":"x"}`},
		"an expired one":     {401, wire.TokenExpired, "POST", "/v1/groups", signed(key, app, "b", "admin", -time.Hour), `{"groupID":"x"}`},
		"a forged one":       {401, wire.TokenInvalid, "POST", "/v1/groups", signed(otherKey, app, "b", "admin", time.Hour), `{"groupID":"x"}`},
		"another app's":      {404, wire.GroupNotFound, "POST", "/v1/groups/g/members", signed(otherKey, "other", "b", "admin", time.Hour), `{"add":["x"]}`},
		"no such address":    {404, wire.OperationUnknown, "GET", "/v1/nonsense", admin(), ""},
		"another method":     {405, wire.OperationUnknown, "GET", "/v1/groups", admin(), ""},
		"no JSON":            {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), "nonsense"},
		"empty":              {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), ""},
		"two values":         {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{"groupID":"x"}{}`},
		"a list":             {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `[]`},
		"a misspelt name":    {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{"groupId2":"x"}`},
		"a wrong type":       {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{"groupID":7}`},
		"no groupID":         {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{}`},
		"a long groupID":     {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{"groupID":"` + strings.Repeat("x", 129) + `"}`},
		"a long name":        {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{"groupID":"x","name":"` + strings.Repeat("x", 257) + `"}`},
		"an empty member":    {400, wire.ParameterInvalid, "POST", "/v1/groups", admin(), `{"groupID":"x","members":[""]}`},
		"too many members":   {400, wire.LimitExceeded, "POST", "/v1/groups", admin(), members},
		"too large a body":   {413, wire.FrameTooLarge, "POST", "/v1/groups", admin(), `{"groupID":"` + strings.Repeat("x", 3<<20) + `"}`},
		"no such group":      {404, wire.GroupNotFound, "POST", "/v1/groups/none/members", admin(), `{"add":["x"]}`},
		"in and out":         {400, wire.ParameterInvalid, "POST", "/v1/groups/g/members", admin(), `{"add":["x"],"remove":["x"]}`},
		"notice to nobody":   {400, wire.ParameterInvalid, "POST", "/v1/notices", admin(), `{"payload":{"text":"x"}}`},
		"notice of nothing":  {400, wire.ParameterInvalid, "POST", "/v1/notices", admin(), `{"to":"a"}`},
		"payload no object":  {400, wire.ParameterInvalid, "POST", "/v1/notices", admin(), `{"to":"a","payload":"x"}`},
		"payload too deep":   {400, wire.ParameterInvalid, "POST", "/v1/notices", admin(), `{"to":"a","payload":` + deep + `}`},
		"unknown type":       {400, wire.ParameterInvalid, "POST", "/v1/notices", admin(), `{"to":"a","type":"x","payload":{}}`},
		"number too large":   {400, wire.ParameterInvalid, "POST", "/v1/notices", admin(), `{"to":"a","payload":{"x":1e999}}`},
		"message too large":  {413, wire.MessageTooLarge, "POST", "/v1/notices", admin(), big},
		"long sender":        {400, wire.ConversationIDInvalid, "POST", "/v1/notices", admin(), `{"to":"a","from":"` + strings.Repeat("x", 129) + `","payload":{}}`},
		"import of nothing":  {400, wire.ParameterInvalid, "POST", "/v1/import", admin(), `{"as":"a","conversationID":"C2Cb","messages":[]}`},
		"import nowhere":     {400, wire.ConversationIDInvalid, "POST", "/v1/import", admin(), `{"as":"a","conversationID":"b","messages":[{"from":"a","time":1,"payload":{}}]}`},
		"import no group":    {404, wire.GroupNotFound, "POST", "/v1/import", admin(), `{"conversationID":"GROUPnone","messages":[{"from":"a","time":1,"payload":{}}]}`},
		"import in future":   {400, wire.ParameterInvalid, "POST", "/v1/import", admin(), fmt.Sprintf(`{"as":"a","conversationID":"C2Cb","messages":[{"from":"a","time":%d,"payload":{}}]}`, future)},
		"import half a ms":   {400, wire.ParameterInvalid, "POST", "/v1/import", admin(), `{"as":"a","conversationID":"C2Cb","messages":[{"from":"a","time":1.5,"payload":{}}]}`},
		"import bad message": {400, wire.ParameterInvalid, "POST", "/v1/import", admin(), `{"as":"a","conversationID":"C2Cb","messages":[{"from":"a","time":1,"payload":{}},{"from":"a","time":2}]}`},
		"token for nobody":   {400, wire.ParameterInvalid, "GET", "/v1/dev/token", "", ""},
		"token of a role":    {400, wire.ParameterInvalid, "GET", "/v1/dev/token?app=lethe&user=a&role=king", "", ""},
		"token of which app": {400, wire.ParameterInvalid, "GET", "/v1/dev/token?user=a", "", ""},
	} {
		status, out := w.call(row.method, row.path, row.token, row.body)
		require.Equal(t, []any{row.status, row.code.Name(), float64(row.code)}, []any{status, out["name"], out["code"]}, "%s: %v", name, out)
		require.NotEmpty(t, out["message"], name)
	}
	r, err := http.NewRequest(http.MethodPost, w.http.URL+"/v1/groups", strings.NewReader(`{"groupID":"x"}`))
	require.NoError(t, err)
	r.Header.Set("Authorization", admin()) // without the word Bearer
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)

	for _, user := range []string{"x", "b"} {
		n, _, err := w.store.Number(t.Context(), server.Who{App: app, User: user})
		require.NoError(t, err)
		require.Zero(t, n, "nothing was changed")
	}
}

func TestHTTPHealthAndTokens(t *testing.T) {
	w := newWorld(t, func(o *server.Options) { delete(o.Apps, "other") })
	status, out := w.call(http.MethodGet, "/v1/health", "", "")
	require.Equal(t, []any{http.StatusOK, "ok"}, []any{status, out["status"]})

	_, out = w.call(http.MethodGet, "/v1/dev/token?user=a", "", "")
	c := w.open()
	ask[wire.Welcome](c, wire.OpHello, hello("a", out["token"].(string)))
	status, _ = w.call(http.MethodPost, "/v1/groups", out["token"].(string), `{"groupID":"x"}`)
	require.Equal(t, http.StatusForbidden, status)
	_, out = w.call(http.MethodGet, "/v1/dev/token?user=a&role=admin", "", "")
	status, _ = w.call(http.MethodPost, "/v1/groups", out["token"].(string), `{"groupID":"x"}`)
	require.Equal(t, http.StatusOK, status)

	production := newWorld(t, func(o *server.Options) { o.Dev = false })
	status, out = production.call(http.MethodGet, "/v1/dev/token?user=a", "", "")
	require.Equal(t, http.StatusNotFound, status)
	require.NotContains(t, out, "token")

	require.NoError(t, w.store.Close())
	time.Sleep(1100 * time.Millisecond) // the store is asked once a second
	status, out = w.call(http.MethodGet, "/v1/health", "", "")
	require.Equal(t, []any{http.StatusServiceUnavailable, "INTERNAL"}, []any{status, out["name"]})
	require.NotContains(t, out["message"], "sql", "what failed inside stays inside")
}

func TestNewRefusesWhatCannotServe(t *testing.T) {
	w := newWorld(t)
	for name, o := range map[string]server.Options{
		"no store":    {Apps: map[string]server.App{app: {Key: key}}},
		"no apps":     {Store: w.store},
		"a short key": {Store: w.store, Apps: map[string]server.App{app: {Key: key[:31]}}},
		"a bad appID": {Store: w.store, Apps: map[string]server.App{"": {Key: key}}},
		"bad origins": {Store: w.store, Apps: map[string]server.App{app: {Key: key}}, Origins: []string{"[a"}},
	} {
		_, err := server.New(o)
		require.Error(t, err, name)
	}
}
