package main

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

const password = "s3cretofthestore"

// health is the status that the server's health endpoint answers.
func (p *process) health() int {
	p.Helper()
	response, err := http.Get(p.url + "/v1/health")
	require.NoError(p, err)
	require.NoError(p, response.Body.Close())
	return response.StatusCode
}

func TestServeOnPostgres(t *testing.T) {
	cluster, err := pgtest.Start()
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Stop()) }()
	address, err := cluster.Database(t.Context())
	require.NoError(t, err)
	t.Setenv("LETHE_STORE", strings.Replace(address, "lethe@", "lethe:"+password+"@", 1))
	t.Setenv("LETHE_KEY", strings.Repeat("0123456789abcdef", 2))

	// Two servers, one store.
	one, two := start(t, "--dev"), start(t, "--dev")
	token := one.devToken("a")
	sender := one.connect("a", token)
	for i := range byte(3) {
		sender.send("C2Cb", i)
	}
	require.Equal(t, uint64(3), two.connect("a", token).count("C2Cb"))
	require.Equal(t, http.StatusOK, one.health())

	cluster.Kill()
	require.Eventually(t, func() bool { return one.health() == http.StatusServiceUnavailable }, 30*time.Second, 20*time.Millisecond)
	require.NoError(t, cluster.Launch())
	require.Eventually(t, func() bool { return one.health() == http.StatusOK }, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, uint64(4), sender.send("C2Cb", 3).Seq, "on the same connection")
	require.Equal(t, wire.SendAck{Log: sender.send("C2Cb", 0).Log, Seq: 1, Time: sender.send("C2Cb", 0).Time}, sender.send("C2Cb", 0))

	out, err := exec.Command(binary, "doctor").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "PostgreSQL answers, epoch 1")
	require.NotContains(t, string(out), password)

	one.end(syscall.SIGTERM)
	two.end(syscall.SIGTERM)
	require.NotContains(t, one.stderr.String()+two.stderr.String(), password)
	require.NotEmpty(t, one.stderr.String(), "the death was logged")
}

func TestServeSaysWhatIsWrongWithTheStore(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":        {nil, "--data is needed"},
		"no key":         {[]string{"--store", "postgres://lethe:" + password + "@127.0.0.1:1/chat"}, "--key-file or LETHE_KEY"},
		"nobody there":   {[]string{"--store", "postgres://lethe:" + password + "@127.0.0.1:1/chat", "--data", t.TempDir()}, "connection refused"},
		"another scheme": {[]string{"--store", "mysql://lethe:" + password + "@127.0.0.1:1/chat", "--data", t.TempDir()}, "cannot parse"},
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command(binary, append([]string{"serve", "--addr", "127.0.0.1:0"}, c.args...)...)
			var stderr bytes.Buffer
			command.Stderr = &stderr
			require.Error(t, command.Run())
			require.Contains(t, stderr.String(), c.want)
			require.NotContains(t, stderr.String(), password)
		})
	}
}
