package e2e

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binaries are the real thing and the one that dies at failpoints, built once.
type binaries struct {
	once              sync.Once
	folder            string
	plain, failpoints string
	err               error
}

var built binaries

func build(t *testing.T) (plain, failpoints string) {
	t.Helper()
	built.once.Do(func() {
		folder, err := os.MkdirTemp("", "lethe-kill")
		require.NoError(t, err)
		built.folder = folder
		built.plain, built.failpoints = filepath.Join(folder, "lethe"), filepath.Join(folder, "lethe-failpoints")
		for _, args := range [][]string{{"-o", built.plain}, {"-tags", "failpoints", "-o", built.failpoints}} {
			out, err := exec.Command("go", append(append([]string{"build"}, args...), "../cmd/lethe")...).CombinedOutput()
			if err != nil {
				built.err = fmt.Errorf("%w: %s", err, out)
			}
		}
	})
	require.NoError(t, built.err)
	return built.plain, built.failpoints
}

func (b *binaries) remove() error { return os.RemoveAll(b.folder) }

// killed is one server process after another on the same data and the same address.
type killed struct {
	*testing.T
	data, keyFile, settings, addr string

	cmd   *exec.Cmd
	gone  chan struct{} // closed when the process has ended
	said  *journal
	setup map[string][]uint64 // the numbers that users had when the load began
}

// older makes the file that version 1 of the schema left of a small chat, of today.
func older(t *testing.T, path string) {
	t.Helper()
	dump, err := os.ReadFile("../server/sqlstore/testdata/version1.sql")
	require.NoError(t, err)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(string(dump) + fmt.Sprintf(`; UPDATE messages SET time = %[1]d; UPDATE logs SET time = %[1]d;`, time.Now().UnixMilli()))
	require.NoError(t, errors.Join(err, db.Close()))
}

func newKilled(t *testing.T) *killed {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	folder := t.TempDir()
	k := &killed{T: t, data: filepath.Join(folder, "data"), keyFile: filepath.Join(folder, "key"), addr: addr}
	k.settings = filepath.Join(folder, "settings")
	require.NoError(t, os.WriteFile(k.keyFile, key, 0o600))
	require.NoError(t, os.WriteFile(k.settings, []byte(`{"recall.windowSeconds": 0}`), 0o600))
	t.Cleanup(func() {
		if k.cmd != nil {
			_ = k.cmd.Process.Kill() // it has ended already where the test went well
			<-k.gone
		}
	})
	return k
}

var listening = regexp.MustCompile(`^listening on http://\S+\n$`)

// start starts a binary, at a failpoint's mercy if one is named, and waits until it listens. false: it ended before.
func (k *killed) start(binary, failpoint string) bool {
	k.Helper()
	k.cmd = exec.Command(binary, "serve", "--addr", k.addr, "--data", k.data, "--key-file", k.keyFile, "--settings", k.settings)
	k.cmd.Env = append(os.Environ(), "LETHE_FAILPOINT="+failpoint)
	k.said, k.gone = &journal{}, make(chan struct{})
	k.cmd.Stderr = k.said
	stdout, err := k.cmd.StdoutPipe()
	require.NoError(k, err)
	require.NoError(k, k.cmd.Start())
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		first <- line
		_ = k.cmd.Wait() // how it ended stands in ProcessState
		close(k.gone)
	}()
	select {
	case line := <-first:
		if line == "" {
			<-k.gone
			return false
		}
		require.Regexp(k, listening, line, k.said)
		return true
	case <-time.After(60 * time.Second):
		require.Fail(k, "it never listened", k.said.String())
		return false
	}
}

// requireKilled waits for the process and asserts that it died by SIGKILL, at the failpoint if one is named.
func (k *killed) requireKilled(failpoint string) {
	k.Helper()
	select {
	case <-k.gone:
	case <-time.After(60 * time.Second):
		require.Fail(k, "the injector did not bite", "%s %s", failpoint, k.said)
	}
	status, ok := k.cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(k, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, "%v %s", k.cmd.ProcessState, k.said)
	if failpoint != "" {
		require.Contains(k, k.said.String(), "failpoint "+failpoint+"\n")
	}
}

// end ends it as a service does.
func (k *killed) end() {
	k.Helper()
	require.NoError(k, k.cmd.Process.Signal(syscall.SIGTERM))
	<-k.gone
	require.True(k, k.cmd.ProcessState.Success(), "%v %s", k.cmd.ProcessState, k.said)
}

// world is the process as the other tests here see a server.
func (k *killed) world() *world {
	return &world{t: k.T, ctx: k.Context(), url: "http://" + k.addr, file: filepath.Join(k.data, "lethe.db")}
}

// copyData copies the files as the dead process has left them.
func (k *killed) copyData() string {
	k.Helper()
	folder := k.TempDir()
	for _, name := range []string{"lethe.db", "lethe.db-wal"} {
		content, err := os.ReadFile(filepath.Join(k.data, name))
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(k, err)
		require.NoError(k, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	return filepath.Join(folder, "lethe.db")
}
