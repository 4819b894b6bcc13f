package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
)

// settings are the app's as the server has them.
func (p *process) settings(token string) (out map[string]any) {
	p.Helper()
	r, err := http.NewRequest(http.MethodGet, p.url+"/v1/settings", nil)
	require.NoError(p, err)
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	require.NoError(p, err)
	defer func() { require.NoError(p, response.Body.Close()) }()
	require.Equal(p, http.StatusOK, response.StatusCode)
	require.NoError(p, json.NewDecoder(response.Body).Decode(&out))
	return out
}

func TestSettingsFile(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "settings.json")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(`{"profile":"tencent","compensation.days":3}`)
	p := start(t, "--data", data, "--settings", file)
	out, err := exec.Command(binary, "token", "--data", data, "--user", "x", "--role", server.RoleAdmin).Output()
	require.NoError(t, err)
	token := strings.TrimSpace(string(out))
	become := func(name string, value any) {
		t.Helper()
		require.Eventually(t, func() bool { return p.settings(token)[name] == value }, 10*time.Second, 50*time.Millisecond, "%s never was %v", name, value)
	}
	first := p.settings(token)
	require.Equal(t, []any{"", 7.0, 3.0}, []any{first["profile"], first["cloudHistory.retentionDays"], first["compensation.days"]})

	write(`{"lethe":{"profile":"rongcloud"}}`)
	become("profile", "rongcloud")
	write(`{"profile":"slack"}`)
	time.Sleep(2 * settingsEvery)
	require.Equal(t, "rongcloud", p.settings(token)["profile"], "a bad file leaves them")
	require.NoError(t, os.Remove(file))
	time.Sleep(2 * settingsEvery)
	write(`{"sync.deletions":true}`)
	become("sync.deletions", true)
	require.Equal(t, false, p.settings(token)["cloudHistory.enabled"], "what the file does not name stays")
	p.end(syscall.SIGTERM)
	require.Equal(t, 2, strings.Count(p.stderr.String(), "settings stay as they were"), "each failure once: %s", p.stderr)
	require.Contains(t, p.stderr.String(), "slack")

	p = start(t, "--data", data)
	require.Equal(t, true, p.settings(token)["sync.deletions"], "they are kept with the store")
	p.end(syscall.SIGTERM)
}

func TestBadSettingsFileAtTheStart(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "settings.json")
	for text, want := range map[string]string{
		``: "unexpected end", `[]`: "cannot unmarshal", `{"profile":"slack"}`: "slack", `{"compensation.days":-1}`: "compensation.days",
		`{"cloudHistory":true}`: "cloudHistory", `{"other":{"profile":"lethe"}}`: `the app "other"`,
		`{"lethe":{"profile":"lethe"},"sync.deletions":true}`: "mixed", `{"lethe":{"days":1}}`: "days",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		out, err := exec.Command(binary, "serve", "--addr", "127.0.0.1:0", "--data", data, "--settings", file).CombinedOutput()
		require.Error(t, err, text)
		require.Contains(t, string(out), want)
		require.True(t, strings.HasPrefix(string(out), "lethe: settings in settings.json: "), string(out))
		require.Equal(t, 1, strings.Count(string(out), "\n"))
	}
	out, err := exec.Command(binary, "serve", "--addr", "127.0.0.1:0", "--data", data, "--settings", filepath.Join(data, "none")).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "none")
}
