package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/bustest"
	"github.com/lethe-im/lethe/server/natsbus/natstest"
)

// A node starts while NATS is down, says so, and finds it later. It never says the password.
func TestServeBeforeNATS(t *testing.T) {
	nats := natstest.Start(t)
	nats.Stop()
	nats.Username, nats.Password = "node", "hunter2"
	t.Setenv("LETHE_BUS", "nats://node:hunter2@"+nats.Address())
	data := t.TempDir()
	p := start(t, "--data", data, "--dev")
	d := p.connect("a", p.devToken("a"))
	d.send("C2Cb", 1)
	require.Equal(t, uint64(1), d.count("C2Cb"))
	nats.Start()
	bustest.Soon(t, "it is found", func() bool { return nats.Clients() == 1 })
	d.send("C2Cb", 2)
	p.end(syscall.SIGTERM)
	log := p.stderr.String()
	require.Contains(t, log, "NATS does not answer")
	require.Contains(t, log, "NATS is there")
	require.Contains(t, log, nats.Address())
	require.NotContains(t, log, "hunter2")
}

// Two processes with --bus tell each other.
func TestServeBus(t *testing.T) {
	nats := natstest.Start(t)
	data := t.TempDir()
	p := start(t, "--data", data, "--dev", "--bus", "nats://"+nats.Address())
	bustest.Soon(t, "it has connected", func() bool { return nats.Clients() == 1 })
	p.end(syscall.SIGTERM)
	bustest.Soon(t, "it has left", func() bool { return nats.Clients() == 0 })
}

func TestServeBadBus(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	for _, row := range []struct{ flag, variable, says string }{
		{"http://u:hunter2@host", "", "lethe: --bus or LETHE_BUS: nats: the URL begins with nats:// or tls://\n"},
		{"", "nats://u:hunter2@", "lethe: --bus or LETHE_BUS: nats: the URL names no host\n"},
		{"nats://u:hunter2@host:port", "nats://127.0.0.1", "lethe: --bus or LETHE_BUS: nats: not a URL\n"},
	} {
		args := []string{"serve", "--addr", free.Addr().String(), "--data", t.TempDir()}
		if row.flag != "" {
			args = append(args, "--bus", row.flag)
		}
		command := exec.Command(binary, args...)
		command.Env = append(os.Environ(), "LETHE_BUS="+row.variable)
		var stderr bytes.Buffer
		command.Stderr = &stderr
		var exit *exec.ExitError
		require.ErrorAs(t, command.Run(), &exit)
		require.Equal(t, 1, exit.ExitCode())
		require.Equal(t, row.says, stderr.String())
	}
	help, err := exec.Command(binary, "serve", "-h").Output()
	require.NoError(t, err)
	require.True(t, strings.Contains(string(help), "LETHE_BUS"))
}
