package main

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// freePort is an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestAdmin(t *testing.T) {
	address := freePort(t)
	admin := "http://" + address
	p := start(t, "--data", t.TempDir(), "--dev", "--admin", address)
	d, b := p.connect("user-of-no-label", p.devToken("user-of-no-label")), p.connect("b", p.devToken("b"))
	d.send("C2Cb", 1)
	require.Equal(t, uint64(1), b.count("C2Cuser-of-no-label"))
	_, _ = get(t, p.url+"/v1/settings") // without a token

	metrics := ""
	require.Eventually(t, func() bool {
		_, metrics = get(t, admin+"/metrics")
		return strings.Contains(metrics, `lethe_pushes_total{event="messages"}`)
	}, 5*time.Second, 10*time.Millisecond, "b is told")
	for name, value := range map[string]string{
		`lethe_connections`:                                            "2",
		`lethe_connections_opened_total`:                               "2",
		`lethe_operations_total{code="OK",op="send"}`:                  "1",
		`lethe_operations_total{code="OK",op="hello"}`:                 "2",
		`lethe_operation_seconds_count{op="send"}`:                     "1",
		`lethe_calls_total{endpoint="GET /v1/settings",status="401"}`:  "1",
		`lethe_calls_total{endpoint="GET /v1/dev/token",status="200"}`: "2",
		`lethe_pushes_total{event="messages"}`:                         "1",
		`lethe_push_drops_total`:                                       "0",
		`lethe_store_errors_total{kind="write"}`:                       "0",
		`lethe_purge_backlog`:                                          "0",
		`lethe_sweep_seconds_count{work="forget"}`:                     "1",
	} {
		require.Regexp(t, "(?m)^"+regexp.QuoteMeta(name)+" "+value+"$", metrics)
	}
	require.Regexp(t, `(?m)^lethe_store_transaction_seconds_count\{kind="write"\} [1-9]`, metrics)
	require.Contains(t, metrics, "go_goroutines ")
	require.NotContains(t, metrics, "user-of-no-label")

	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ok\n", "/debug/pprof/heap?debug=1": "heap profile", "/debug/pprof/": "goroutine"} {
		status, body := get(t, admin+path)
		require.Equal(t, http.StatusOK, status, path)
		require.Contains(t, body, want)
	}
	for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/"} { // they are not for everybody
		status, _ := get(t, p.url+path)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	status, _ := get(t, admin+"/debug/pprof/cmdline") // flags may have what is nobody's business
	require.Equal(t, http.StatusNotFound, status)
	p.end(syscall.SIGTERM)
	_, err := http.Get(admin + "/healthz")
	require.Error(t, err)
	require.NotContains(t, p.stderr.String(), "level=ERROR")
}

// At SIGTERM it says first that it is not ready, and still serves everybody, until balancers have noticed.
func TestDrainWait(t *testing.T) {
	address := freePort(t)
	p := start(t, "--data", t.TempDir(), "--dev", "--admin", address, "--drain-wait", "1500ms")
	d := p.connect("a", p.devToken("a"))
	begin := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool {
		status, body := get(t, "http://"+address+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "about to be shut down")
	}, time.Second, 5*time.Millisecond)
	status, body := get(t, p.url+"/v1/health")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "about to be shut down")
	status, _ = get(t, "http://"+address+"/healthz")
	require.Equal(t, http.StatusOK, status, "it is alive, and not to be killed")
	d.send("C2Cb", 1)
	p.connect("b", p.devToken("b")).send("C2Ca", 2)
	p.silent = nil
	_, _, err := d.ws.Read(t.Context()) // b's message
	require.NoError(t, err)
	_, _, err = d.ws.Read(t.Context())
	require.ErrorContains(t, err, "3000", err)
	require.GreaterOrEqual(t, time.Since(begin), 1500*time.Millisecond)
	require.EqualValues(t, 3000, wire.CloseDraining)
	require.NoError(t, p.cmd.Wait())
}
