// Package natstest gives tests a NATS server of their own, a process of Debian's program, which they may stop and start again.
package natstest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Broker is a NATS server at a port of 127.0.0.1 that stays its own.
type Broker struct {
	// Username and Password are asked of its clients, if there are any. They may be changed while it is stopped.
	Username, Password string

	t          *testing.T
	port       string // empty before it was started for the first time
	monitoring string
	log        bytes.Buffer
	process    *exec.Cmd     // nil: it is stopped
	ended      chan struct{} // closed when the process has ended
}

// startWait is how long a server may take to answer.
const startWait = 20 * time.Second

// Start starts a server for the time of a test.
func Start(t *testing.T) *Broker {
	t.Helper()
	b := &Broker{t: t}
	b.Start()
	t.Cleanup(b.Stop)
	return b
}

// Start starts it again after Stop.
func (b *Broker) Start() {
	b.t.Helper()
	require.NoError(b.t, b.Launch())
}

// Launch is Start where there is no test.
func (b *Broker) Launch() (err error) {
	program, err := program()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "lethe-nats-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	b.log.Reset()
	// -1: a free one
	b.process = exec.Command(program, "--addr", "127.0.0.1", "--port", cmp.Or(b.port, "-1"), "--http_port", "-1", "--ports_file_dir", folder,
		"--user", b.Username, "--pass", b.Password)
	b.process.Stdout, b.process.Stderr = &b.log, &b.log
	// It dies with the test, however that ends.
	b.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.process.Start(); err != nil {
		b.process = nil
		return err
	}
	b.ended = make(chan struct{})
	go func() {
		defer close(b.ended)
		_ = b.process.Wait() // how it ended is in its log, or it was killed
	}()
	if err := b.ready(filepath.Join(folder, fmt.Sprintf("%s_%d.ports", filepath.Base(program), b.process.Process.Pid))); err != nil {
		b.Stop()
		return fmt.Errorf("NATS does not answer: %w\n%s", err, b.log.String())
	}
	return nil
}

// ready waits for the file in which a server tells its ports as soon as it takes connections.
func (b *Broker) ready(path string) error {
	for deadline := time.Now().Add(startWait); ; {
		var told struct{ Nats, Monitoring []string }
		content, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(content, &told) // it may be half written
		}
		if err == nil && (len(told.Nats) != 1 || len(told.Monitoring) != 1) {
			return fmt.Errorf("it tells %s", content)
		}
		if err == nil {
			at, err := url.Parse(told.Nats[0])
			if err != nil {
				return err
			}
			b.port, b.monitoring = at.Port(), told.Monitoring[0]
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		select {
		case <-b.ended:
			return errors.New("it has ended")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// program finds NATS's server: in PATH, or where scripts/setup.sh puts it.
func program() (string, error) {
	const name = "nats-server"
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if path, err := exec.LookPath(filepath.Join(folder, ".cache/nats/usr/sbin", name)); err == nil {
			return path, nil
		}
		if folder == filepath.Dir(folder) {
			break
		}
	}
	return "", errors.Join(err, errors.New("no NATS here: scripts/setup.sh nats fetches it"))
}

// Stop ends it at once and cuts all its connections. Twice is once.
func (b *Broker) Stop() {
	if b.process == nil {
		return
	}
	_ = b.process.Process.Kill() // it may have ended by itself
	<-b.ended
	b.process = nil
}

// Address is its host:port.
func (b *Broker) Address() string { return "127.0.0.1:" + b.port }

// Subscriptions is how many it keeps.
func (b *Broker) Subscriptions() int { return b.state().Subscriptions }

// Clients is how many are connected.
func (b *Broker) Clients() int { return b.state().Connections }

type state struct{ Subscriptions, Connections int }

// state is what it tells of itself.
func (b *Broker) state() (s state) {
	b.t.Helper()
	answer, err := http.Get(b.monitoring + "/varz")
	require.NoError(b.t, err)
	defer answer.Body.Close()
	require.NoError(b.t, json.NewDecoder(answer.Body).Decode(&s))
	return s
}
