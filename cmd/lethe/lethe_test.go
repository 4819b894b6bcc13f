package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/e2e/leak"
	"github.com/lethe-im/lethe/wire"
)

// binary is the real thing, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "lethe-test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		binary = filepath.Join(folder, "lethe")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		before := leak.Begin()
		code := m.Run()
		if left := before.Left(); left != "" && code == 0 {
			fmt.Fprintf(os.Stderr, "the tests have left behind:\n%s\n", left)
			code = 1
		}
		return code
	}())
}

// process is a running `lethe serve`.
type process struct {
	*testing.T
	cmd    *exec.Cmd
	url    string
	stderr *bytes.Buffer
	rest   chan string // stdout after the first line
	// silent are connections that nobody reads: end closes them, since they would not answer the server's close.
	silent []*websocket.Conn
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{T: t, cmd: exec.Command(binary, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...), stderr: &bytes.Buffer{}, rest: make(chan string, 1)}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended already where the test went well
		_ = p.cmd.Wait()
	})
	line := make(chan string, 1)
	go func() {
		r := bufio.NewReader(stdout)
		first, _ := r.ReadString('\n')
		line <- first
		rest, _ := io.ReadAll(r)
		p.rest <- string(rest)
	}()
	select {
	case first := <-line:
		found := regexp.MustCompile(`^listening on (http://127\.0\.0\.1:\d+)\n$`).FindStringSubmatch(first)
		require.NotNil(t, found, "%q %s", first, p.stderr)
		p.url = found[1]
	case <-time.After(30 * time.Second):
		require.Fail(t, "it never listened", p.stderr)
	}
	return p
}

// end sends a signal, and then ended.
func (p *process) end(signal os.Signal) {
	p.Helper()
	for _, ws := range p.silent {
		_ = ws.CloseNow()
	}
	require.NoError(p, p.cmd.Process.Signal(signal))
	p.ended()
}

// ended waits for exit 0, with nothing more on stdout.
func (p *process) ended() {
	p.Helper()
	done := make(chan error, 1)
	go func() {
		if rest := <-p.rest; rest != "" {
			done <- fmt.Errorf("it went on: %q", rest)
			return
		}
		done <- p.cmd.Wait()
	}()
	select {
	case err := <-done:
		require.NoError(p, err, p.stderr)
	case <-time.After(15 * time.Second):
		require.Fail(p, "it does not end")
	}
}

func (p *process) devToken(user string) string {
	p.Helper()
	response, err := http.Get(p.url + "/v1/dev/token?user=" + user)
	require.NoError(p, err)
	defer func() { require.NoError(p, response.Body.Close()) }()
	require.Equal(p, http.StatusOK, response.StatusCode)
	var body struct{ Token string }
	require.NoError(p, json.NewDecoder(response.Body).Decode(&body))
	return body.Token
}

// device is a bare connection.
type device struct {
	*testing.T
	ws *websocket.Conn
	id uint32
}

func (p *process) connect(user, token string) *device {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, p.url+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	require.NoError(p, err)
	p.Cleanup(func() { _ = ws.CloseNow() })
	p.silent = append(p.silent, ws)
	ws.SetReadLimit(wire.MaxServerFrame)
	d := &device{T: p.T, ws: ws}
	d.ask(wire.OpHello, &wire.Hello{Versions: []uint8{wire.Version}, AppID: "lethe", UserID: user, Token: token}, &wire.Welcome{})
	return d
}

func (d *device) ask(op string, body msgp.Marshaler, into msgp.Unmarshaler) {
	d.Helper()
	d.id++
	raw, err := wire.NewRequest(d.id, op, body.MarshalMsg)
	require.NoError(d, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(d, d.ws.Write(ctx, websocket.MessageBinary, raw))
	for {
		_, data, err := d.ws.Read(ctx)
		require.NoError(d, err)
		f, err := wire.DecodeFrame(data, wire.MaxServerFrame)
		require.NoError(d, err)
		if f.Kind == wire.Response {
			require.Equal(d, wire.OK.Name(), f.Code.Name(), f.Text)
			require.NoError(d, wire.DecodeBody(f.Body, into.UnmarshalMsg))
			return
		}
	}
}

func (d *device) send(conversation string, n byte) (ack wire.SendAck) {
	d.Helper()
	d.ask(wire.OpSend, &wire.Send{
		SendID: wire.ID{n + 1}, ConversationID: conversation, Type: wire.TypeText,
		Payload: msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), "x"),
	}, &ack)
	return ack
}

func (d *device) count(conversation string) uint64 {
	d.Helper()
	var c wire.Count
	d.ask(wire.OpCount, &wire.CountRequest{ConversationID: conversation}, &c)
	return c.Messages
}

func TestServeKeepsItsData(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "folder")
	p := start(t, "--data", data, "--dev")
	tokenA := p.devToken("a")
	d := p.connect("a", tokenA)
	for i := range byte(5) {
		d.send("C2Cb", i)
	}
	begin := time.Now()
	p.silent = nil // it reads from here on
	closed := make(chan websocket.StatusCode, 1)
	go func() {
		_, _, err := d.ws.Read(context.Background())
		closed <- websocket.CloseStatus(err)
	}()
	p.end(syscall.SIGTERM)
	require.Equal(t, int(wire.CloseDraining), int(<-closed))
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Empty(t, p.stderr.String())

	info, err := os.Stat(filepath.Join(data, "key"))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	p = start(t, "--data", data) // the key is kept, so the token still holds
	require.Equal(t, uint64(5), p.connect("a", tokenA).count("C2Cb"))
	response, err := http.Get(p.url + "/v1/dev/token?user=a")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	p.end(syscall.SIGINT)
}

func TestAcknowledgedDeletionOutlivesKill(t *testing.T) {
	data := t.TempDir()
	p := start(t, "--data", data, "--dev")
	d := p.connect("a", p.devToken("a"))
	var anchor uint64
	for i := range byte(50) {
		anchor = d.send("C2Cb", i).Seq
	}
	var ack wire.DeleteAck
	d.ask(wire.OpDelete, &wire.Delete{OpID: wire.ID{1}, ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: anchor}, &ack)
	require.NoError(t, p.cmd.Process.Kill())
	require.Error(t, p.cmd.Wait())

	p = start(t, "--data", data, "--dev")
	require.Zero(t, p.connect("a", p.devToken("a")).count("C2Cb"))
	require.Equal(t, uint64(50), p.connect("b", p.devToken("b")).count("C2Ca"))
	p.end(syscall.SIGTERM)
}

func TestToken(t *testing.T) {
	data := t.TempDir()
	_, err := exec.Command(binary, "token", "--data", data, "--user", "a").Output()
	require.Error(t, err, "there is no key yet, and only serve makes one")
	p := start(t, "--data", data)
	out, err := exec.Command(binary, "token", "--data", data, "--user", "a b", "--ttl", "1m").Output()
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(out), "\n"))
	d := p.connect("a b", strings.TrimSpace(string(out)))
	d.send("C2Cb", 1)

	post := func(token string) int {
		r, err := http.NewRequest(http.MethodPost, p.url+"/v1/groups", strings.NewReader(`{"groupID":"g"}`))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	require.Equal(t, http.StatusForbidden, post(string(out)))
	out, err = exec.Command(binary, "token", "--data", data, "--user", "backend", "--role", "admin").Output()
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, post(string(out)))
	p.end(syscall.SIGTERM)
}

func TestKeyFromFileAndEnvironment(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "k")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("k", 40)+"\n"), 0o600))
	p := start(t, "--data", filepath.Join(folder, "data"), "--key-file", file)
	require.NoFileExists(t, filepath.Join(folder, "data", "key"))
	cmd := exec.Command(binary, "token", "--data", folder, "--user", "a")
	cmd.Env = append(os.Environ(), keyVariable+"="+strings.Repeat("k", 40))
	out, err := cmd.Output()
	require.NoError(t, err)
	p.connect("a", strings.TrimSpace(string(out)))
	p.end(syscall.SIGTERM)
	cmd = exec.Command(binary, "serve", "--data", folder)
	cmd.Env = append(os.Environ(), keyVariable+"=short")
	out, err = cmd.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, "lethe: the key in LETHE_KEY has 5 bytes, at least 32 are needed\n", string(out))
}

func TestDemo(t *testing.T) {
	data := t.TempDir()
	p := start(t, "--data", data, "--dev", "--demo")
	d := p.connect("userA", p.devToken("userA"))
	var rest wire.Heads
	d.ask(wire.OpHeads, &wire.HeadsRequest{Rest: true}, &rest)
	require.Len(t, rest.States, 9)
	require.Equal(t, uint64(3000), d.count("C2CuserB"))
	for _, h := range rest.States {
		require.NotNil(t, h.Last, h.ConversationID)
		require.Less(t, h.Unread, uint32(20), h.ConversationID)
		require.Less(t, time.Now().UnixMilli()-h.Time, int64(4*24*3600*1000), h.ConversationID)
	}
	require.Equal(t, uint64(3000), p.connect("userB", p.devToken("userB")).count("C2CuserA"))
	p.end(syscall.SIGTERM)
	p = start(t, "--data", data, "--dev", "--demo") // not filled twice
	require.Equal(t, uint64(3000), p.connect("userA", p.devToken("userA")).count("C2CuserB"))
	p.end(syscall.SIGTERM)
}

func TestServeWeb(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "index.html"), []byte("the page"), 0o600))
	p := start(t, "--data", filepath.Join(folder, "data"), "--web", folder)
	for path, status := range map[string]int{"/": 200, "/data/key": 404} {
		response, err := http.Get(p.url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode, path)
	}
	p.end(syscall.SIGTERM)
}

func TestWrongCalls(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, row := range []struct {
		code int
		args []string
	}{
		{2, []string{"nonsense"}},
		{2, []string{"serve"}},
		{2, []string{"serve", "--nonsense"}},
		{2, []string{"serve", "--data", data, "extra"}},
		{2, []string{"serve", "--data", data, "--demo"}},
		{2, []string{"serve", "--data", data, "--app", ""}},
		{2, []string{"serve", "--data", data, "--dev=perhaps"}},
		{2, []string{"token"}},
		{2, []string{"token", "--data", data}},
		{2, []string{"token", "--user", "a"}},
		{2, []string{"token", "--data", data, "--user", "a", "--role", "king"}},
		{2, []string{"token", "--data", data, "--user", "a", "--ttl", "0s"}},
		{2, []string{"token", "--data", data, "--user", "a", "--ttl", "soon"}},
		{1, []string{"serve", "--data", file}},
		{1, []string{"serve", "--data", data, "--addr", "nonsense"}},
		{1, []string{"serve", "--data", data, "--web", filepath.Join(data, "none")}},
		{1, []string{"serve", "--data", data, "--key-file", filepath.Join(data, "none")}},
	} {
		cmd := exec.Command(binary, row.args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%v", row.args)
		require.Equal(t, row.code, exit.ExitCode(), "%v: %s", row.args, &stderr)
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one clear line: %s", &stderr)
		require.True(t, strings.HasPrefix(stderr.String(), "lethe: "), stderr.String())
		require.Empty(t, stdout.String())
	}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"": "lethe serve", "help": "lethe token", "-h": "Usage:", "serve -h": "-demo", "token --help": "--role admin",
	} {
		out, err := exec.Command(binary, strings.Fields(args)...).Output()
		require.NoError(t, err, args)
		require.Contains(t, string(out), want)
	}
}

// Nothing of the failpoints is in what users run: neither the points nor the variable that arms them.
func TestTheBinaryHasNoFailpoints(t *testing.T) {
	program, err := os.ReadFile(binary)
	require.NoError(t, err)
	armed := filepath.Join(t.TempDir(), "lethe-failpoints")
	out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", armed, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	other, err := os.ReadFile(armed)
	require.NoError(t, err)
	require.True(t, bytes.Contains(other, []byte("LETHE_FAILPOINT")))
	require.False(t, bytes.Contains(program, []byte("LETHE_FAILPOINT")))
	require.False(t, bytes.Contains(program, []byte("sqlstore/sqlstep")))
}
