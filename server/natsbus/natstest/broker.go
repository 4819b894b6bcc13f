// Package natstest gives tests a real NATS server, in a process of its own, which they may stop and start again.
package natstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Broker is a NATS server at a port of 127.0.0.1 that stays its own.
type Broker struct {
	// Username and Password are asked of who connects, if there are any. They may be changed while it is stopped.
	Username, Password string

	t       *testing.T
	port    string
	monitor string // its URL
	process *exec.Cmd
}

// startWait is how long a server may take to answer.
const startWait = 20 * time.Second

// New is a server that is not started.
func New() *Broker { return &Broker{port: "-1"} }

// Start starts a server for the time of a test.
func Start(t *testing.T) *Broker {
	t.Helper()
	b := New()
	b.t = t
	b.Start()
	t.Cleanup(b.Stop)
	return b
}

// Start starts it again after Stop.
func (b *Broker) Start() {
	b.t.Helper()
	require.NoError(b.t, b.Launch())
}

// program is where go keeps the server, which go.mod names as a tool.
var program = sync.OnceValues(func() (string, error) {
	path, err := exec.Command("go", "tool", "-n", "github.com/nats-io/nats-server/v2").Output()
	return strings.TrimSpace(string(path)), err
})

// Launch is Start where there is no test.
func (b *Broker) Launch() (err error) {
	path, err := program()
	if err != nil {
		return fmt.Errorf("build NATS: %w", err)
	}
	folder, err := os.MkdirTemp("", "lethe-nats-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	process := exec.Command(path, "--addr", "127.0.0.1", "--port", b.port, "--http_port", "-1", "--ports_file_dir", folder)
	if b.Username != "" {
		process.Args = append(process.Args, "--user", b.Username, "--pass", b.Password)
	}
	if err := process.Start(); err != nil {
		return err
	}
	b.process = process
	if err := b.find(folder); err != nil {
		b.Stop()
		return err
	}
	return nil
}

// find waits for the file in which it says where it listens.
func (b *Broker) find(folder string) error {
	file := filepath.Join(folder, fmt.Sprintf("%s_%d.ports", filepath.Base(b.process.Path), b.process.Process.Pid))
	for begin := time.Now(); time.Since(begin) < startWait; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var at struct{ Nats, Monitoring []string }
		if json.Unmarshal(text, &at) != nil || len(at.Nats) == 0 || len(at.Monitoring) == 0 {
			continue // it is still writing
		}
		address, err := url.Parse(at.Nats[0])
		if err != nil {
			return err
		}
		b.port, b.monitor = address.Port(), at.Monitoring[0]
		return nil
	}
	return errors.New("NATS does not answer")
}

// Stop kills it, which cuts all its connections. Twice is once.
func (b *Broker) Stop() {
	_ = b.process.Process.Kill() // it may be gone
	_ = b.process.Wait()         // it was killed
}

// Address is its host:port.
func (b *Broker) Address() string { return "127.0.0.1:" + b.port }

// Subscriptions is how many it keeps.
func (b *Broker) Subscriptions() int { return b.state().Subscriptions }

// Clients is how many are connected.
func (b *Broker) Clients() int { return b.state().Connections }

type state struct{ Subscriptions, Connections int }

func (b *Broker) state() (s state) {
	b.t.Helper()
	answer, err := http.Get(b.monitor + "/varz")
	require.NoError(b.t, err)
	defer answer.Body.Close()
	require.NoError(b.t, json.NewDecoder(answer.Body).Decode(&s))
	return s
}
