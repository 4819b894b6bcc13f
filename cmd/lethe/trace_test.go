package main

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"google.golang.org/protobuf/proto"

	collectorv1 "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/ws"
)

// receiver is a collector: it takes OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*tracev1.Span
	service string
	header  http.Header
	raw     []byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var request collectorv1.ExportTraceServiceRequest
		if err != nil || q.URL.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &request) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.raw = append(r.raw, body...)
		r.header = q.Header
		for _, of := range request.ResourceSpans {
			for _, a := range of.Resource.Attributes {
				if a.Key == "service.name" {
					r.service = a.Value.GetStringValue()
				}
			}
			for _, scope := range of.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// of is the spans of a trace.
func (r *receiver) of(trace string) (spans []*tracev1.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) == trace {
			spans = append(spans, s)
		}
	}
	return spans
}

// called makes a call of the core as the page does, and requires that it goes well.
func called(t *testing.T, c *sdk.Client, name string, arguments ...any) {
	t.Helper()
	args := msgp.AppendMapHeader(nil, uint32(len(arguments)/2))
	for _, a := range arguments {
		var err error
		args, err = msgp.AppendIntf(args, a)
		require.NoError(t, err)
	}
	reply := c.Call(t.Context(), name, args)
	var m map[string]any
	m, _, err := msgp.ReadMapStrIntfBytes(reply, nil)
	require.NoError(t, err)
	require.EqualValues(t, 0, m["code"], "%s: %v", name, m)
}

// client is the core, as the page has it, against a server.
func (p *process) client(user string) *sdk.Client {
	p.Helper()
	c := sdk.New(sdk.Options{
		OpenStore: func(context.Context, string, func()) (kv.Store, string, error) {
			return kv.NewMemory(vault.Tables...), "memory", nil
		},
		OpenKeyring: func(context.Context, string) (keyring.File, error) { return keyring.NewMemory(), nil },
		Dial:        ws.Dial,
		Emit:        func(string, []byte) {},
	})
	called(p.T, c, "open", "url", p.url, "appID", "lethe")
	called(p.T, c, "login", "userID", user, "token", p.devToken(user))
	return c
}

// One trace leads from the call in the page to the statement that the database runs.
func TestOneTraceFromTheCallToTheSQL(t *testing.T) {
	collector := newReceiver(t)
	t.Setenv(headersVariable, "authorization=Bearer%20of-the-collector,x-team=chat")
	p := start(t, "--data", t.TempDir(), "--dev", "--trace", collector.URL, "--admin", "127.0.0.1:0")
	c := p.client("traced-user")
	called(t, c, "sendMessage 00-11111111111111111111111111111111-2222222222222222-01", "conversationType", "C2C", "to", "traced-peer",
		"type", "TIMTextElem", "payload", map[string]any{"text": "marked-text"})
	called(t, c, "deleteConversation 00-33333333333333333333333333333333-4444444444444444-01", "conversationIDList", []any{"C2Ctraced-peer"})
	called(t, c, "fetchRemoteHistory 00-55555555555555555555555555555555-6666666666666666-00", "conversationID", "C2Ctraced-peer", "count", 5) // not sampled
	called(t, c, "fetchRemoteHistory nonsense", "conversationID", "C2Ctraced-peer", "count", 5)
	called(t, c, "fetchRemoteHistory", "conversationID", "C2Ctraced-peer", "count", 5)
	require.Eventually(t, func() bool { return len(collector.of(strings.Repeat("3", 32))) > 0 }, 20*time.Second, 20*time.Millisecond)
	called(t, c, "logout")
	p.end(syscall.SIGTERM)

	for trace, want := range map[string]struct{ parent, op, statement string }{
		strings.Repeat("1", 32): {strings.Repeat("2", 16), "lethe.send", "UPDATE logs SET head"},
		strings.Repeat("3", 32): {strings.Repeat("4", 16), "lethe.delete", "INSERT INTO ledgers"},
	} {
		spans := collector.of(trace)
		byID := map[string]*tracev1.Span{}
		for _, s := range spans {
			byID[string(s.SpanId)] = s
			require.LessOrEqual(t, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
		i := slices.IndexFunc(spans, func(s *tracev1.Span) bool {
			return strings.HasPrefix(s.Name, "sql.") && strings.HasPrefix(query(s), want.statement)
		})
		require.GreaterOrEqual(t, i, 0, "no span of %q among %v", want.statement, names(spans))
		store := byID[string(spans[i].ParentSpanId)]
		require.NotNil(t, store)
		require.Equal(t, "store.write", store.Name)
		operation := byID[string(store.ParentSpanId)]
		require.NotNil(t, operation)
		require.Equal(t, want.op, operation.Name)
		require.Equal(t, tracev1.Span_SPAN_KIND_SERVER, operation.Kind)
		require.Equal(t, want.parent, hex.EncodeToString(operation.ParentSpanId), "the page's span")
	}
	for _, s := range collector.spans {
		require.Contains(t, []string{strings.Repeat("1", 32), strings.Repeat("3", 32)}, hex.EncodeToString(s.TraceId), "%s: only what was asked for", s.Name)
	}
	require.Equal(t, "lethe", collector.service)
	require.Equal(t, []string{"Bearer of-the-collector", "chat"}, []string{collector.header.Get("Authorization"), collector.header.Get("X-Team")})
	for _, secret := range []string{"marked-text", "traced-user", "traced-peer"} {
		require.NotContains(t, string(collector.raw), secret)
	}
	require.NotContains(t, p.stderr.String(), "WARN")
}

func query(s *tracev1.Span) string {
	for _, a := range s.Attributes {
		if a.Key == "db.query.text" {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

func names(spans []*tracev1.Span) (list []string) {
	for _, s := range spans {
		list = append(list, s.Name+" "+query(s))
	}
	return list
}

// A collector that is away costs a line in the log, and nothing else. A share of 0 keeps nothing.
func TestTracesNobodyTakes(t *testing.T) {
	t.Setenv(collectorVariable, "http://"+freePort(t))
	p := start(t, "--data", t.TempDir(), "--dev")
	c := p.client("a")
	called(t, c, "sendMessage 00-11111111111111111111111111111111-2222222222222222-01", "conversationType", "C2C", "to", "b",
		"type", "TIMTextElem", "payload", map[string]any{"text": "t"})
	called(t, c, "logout")
	p.end(syscall.SIGTERM)
	require.Contains(t, p.stderr.String(), "spans are lost")

	collector := newReceiver(t)
	require.NoError(t, os.Unsetenv(collectorVariable))
	p = start(t, "--data", t.TempDir(), "--dev", "--trace", collector.URL, "--trace-rate", "0")
	c = p.client("a")
	called(t, c, "sendMessage 00-11111111111111111111111111111111-2222222222222222-01", "conversationType", "C2C", "to", "b",
		"type", "TIMTextElem", "payload", map[string]any{"text": "t"})
	called(t, c, "logout")
	p.end(syscall.SIGTERM)
	require.Empty(t, collector.spans)

	_, complaint, code := command("serve", "--data", t.TempDir(), "--trace", "collector:4318")
	require.Equal(t, 1, code)
	require.Contains(t, complaint, "no http or https address")
}
