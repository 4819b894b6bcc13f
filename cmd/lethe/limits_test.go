package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func TestLimitsFromAFile(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "limits.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"hello":"300ms","connections.perUser":1}`), 0o600))
	p := start(t, "--data", data, "--dev", "--limits", file)
	d := p.connect("a", p.devToken("a"))
	ws, _, err := websocket.Dial(t.Context(), p.url+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}})
	require.NoError(t, err)
	_, _, err = ws.Read(t.Context())
	require.Equal(t, int(wire.CloseUnauthenticated), int(websocket.CloseStatus(err)), "the file's time for hello")
	require.NoError(t, d.ws.CloseNow())
	p.end(syscall.SIGTERM)

	for text, want := range map[string]string{
		`{"helo":"1s"}`: `unknown field "helo"`, `{"hello":1}`: "cannot unmarshal", `{"hello":"soon"}`: "soon",
		`{"connections.perUser":-1}`: "none is negative",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		out, err := exec.Command(binary, "serve", "--data", data, "--limits", file).CombinedOutput()
		require.Error(t, err, text)
		require.Contains(t, string(out), want)
		require.Equal(t, 1, strings.Count(string(out), "\n"), string(out))
	}
	for _, wrong := range [][]string{{"--proxies", "here"}, {"--origins", "*"}} {
		out, err := exec.Command(binary, append([]string{"serve", "--data", data}, wrong...)...).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), "lethe: server: ")
	}
}

// Every limit can be set in the file, and the docs name it.
func TestEveryLimitHasAName(t *testing.T) {
	docs, err := os.ReadFile("../../docs/server.md")
	require.NoError(t, err)
	names := reflect.TypeFor[limitsFile]()
	require.Equal(t, reflect.TypeFor[server.Limits]().NumField(), names.NumField())
	for i := range names.NumField() {
		require.Contains(t, string(docs), "| `"+names.Field(i).Tag.Get("json")+"` |")
	}
	file := filepath.Join(t.TempDir(), "limits.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"idle":"1m30s","operations.perSecond":0.5}`), 0o600))
	l, err := readLimits(file)
	require.NoError(t, err)
	require.Equal(t, server.Limits{Idle: 90 * time.Second, Rate: 0.5}, l)
}
