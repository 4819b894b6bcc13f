package server_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
)

// site makes a folder that looks like the repository.
func site(t *testing.T) (string, *world) {
	t.Helper()
	folder := t.TempDir()
	built := time.Now().Add(-time.Minute)
	for name, content := range map[string]string{
		"index.html": "<p>page", "index.html.gz": "gz page", "README.md": "no", ".git/config": "no", "server/server.go": "no",
		"dist/lethe.js": "js", "dist/lethe.js.br": "br js", "dist/lethe.js.gz": "gz js",
		"dist/lethe.wasm": "wasm", "dist/lethe.wasm.br": "br wasm", "dist/index.mjs": "mjs", "dist/index.d.ts": "types",
		"dist/.hidden": "no", "dist/.git/config": "no", "dist/sub/x.css": "css", "dist/odd": "odd",
		"dist/old.js": "new", "distance.js": "no", "data/key": "no",
	} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.Chtimes(path, built, built))
	}
	stale := filepath.Join(folder, "dist/old.js.br")
	require.NoError(t, os.WriteFile(stale, []byte("stale"), 0o600))
	require.NoError(t, os.Chtimes(stale, time.Now(), time.Now().Add(-time.Hour)))
	require.NoError(t, os.Symlink(filepath.Join(folder, "README.md"), filepath.Join(folder, "dist/link.md")))
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("no"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(folder, "dist/secret.js")))
	root, err := os.OpenRoot(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	return folder, newWorld(t, func(o *server.Options) { o.Web = root.FS() })
}

func (w *world) get(path string, header ...string) (*http.Response, string) {
	w.Helper()
	r, err := http.NewRequest(http.MethodGet, w.http.URL+path, nil)
	require.NoError(w, err)
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(w, err)
	defer func() { require.NoError(w, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(w, err)
	return response, string(body)
}

func TestWebServesThePageOnly(t *testing.T) {
	_, w := site(t)
	for path, want := range map[string][2]string{
		"/":                {"<p>page", "text/html; charset=utf-8"},
		"/index.html":      {"<p>page", "text/html; charset=utf-8"},
		"/dist/lethe.js":   {"js", "text/javascript; charset=utf-8"},
		"/dist/index.mjs":  {"mjs", "text/javascript; charset=utf-8"},
		"/dist/lethe.wasm": {"wasm", "application/wasm"},
		"/dist/index.d.ts": {"types", "text/plain; charset=utf-8"},
		"/dist/sub/x.css":  {"css", "text/css; charset=utf-8"},
		"/dist/odd":        {"odd", "application/octet-stream"},
		"/dist/old.js":     {"new", "text/javascript; charset=utf-8"},
	} {
		response, body := w.get(path)
		require.Equal(t, []any{200, want[0], want[1]}, []any{response.StatusCode, body, response.Header.Get("Content-Type")}, path)
		require.Equal(t, "Accept-Encoding", response.Header.Get("Vary"))
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	}
	for _, path := range []string{
		"/README.md", "/.git/config", "/server/server.go", "/data/key", "/dist", "/dist/", "/dist/sub", "/dist/sub/", "/dist/.hidden",
		"/dist/.git/config", "/dist/none.js", "/distance.js", "/dist/%2e%2e/README.md", "/dist/..%2fREADME.md", "/dist%2f..%2fREADME.md",
		"/..%2findex.html", "/dist/secret.js", "/dist/lethe.js%00", "/dist\\lethe.js", "/index.html/", "/dist//lethe.js%2f",
	} {
		response, body := w.get(path)
		require.Contains(t, []int{404, 301, 307}, response.StatusCode, path)
		require.NotContains(t, []string{"no", "js"}, body, path)
	}
	response, err := http.Post(w.http.URL+"/", "text/plain", nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode)
	response, err = http.Head(w.http.URL + "/dist/lethe.wasm")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	bare := newWorld(t)
	response, _ = bare.get("/")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestWebEncodings(t *testing.T) {
	_, w := site(t)
	for _, row := range []struct{ path, accept, encoding, body string }{
		{"/dist/lethe.js", "gzip, deflate, br, zstd", "br", "br js"},
		{"/dist/lethe.js", "gzip", "gzip", "gz js"},
		{"/dist/lethe.js", "GZIP;q=0.5, BR ; q=0.4", "gzip", "gz js"},
		{"/dist/lethe.js", "br;q=0, gzip;q=0", "", "js"},
		{"/dist/lethe.js", "br;q=0, *", "gzip", "gz js"},
		{"/dist/lethe.js", "*;q=0", "", "js"},
		{"/dist/lethe.js", "*", "br", "br js"},
		{"/dist/lethe.js", "br;q=nonsense", "", "js"},
		{"/dist/lethe.js", "br;q=7, gzip;q=0.1", "gzip", "gz js"},
		{"/dist/lethe.js", "deflate", "", "js"},
		{"/dist/lethe.wasm", "gzip", "", "wasm"},
		{"/dist/lethe.wasm", "gzip, br", "br", "br wasm"},
		{"/dist/index.mjs", "gzip, br", "", "mjs"},
		{"/dist/old.js", "br", "", "new"}, // its .br is older than it is
		{"/", "gzip, br", "gzip", "gz page"},
	} {
		response, body := w.get(row.path, "Accept-Encoding", row.accept)
		require.Equal(t, []any{200, row.encoding, row.body}, []any{response.StatusCode, response.Header.Get("Content-Encoding"), body}, "%+v", row)
	}
	response, _ := w.get("/dist/lethe.wasm", "Accept-Encoding", "br")
	require.Equal(t, "application/wasm", response.Header.Get("Content-Type"))
}

func TestWebIsAskedAgain(t *testing.T) {
	folder, w := site(t)
	plain, _ := w.get("/dist/lethe.js")
	packed, _ := w.get("/dist/lethe.js", "Accept-Encoding", "br")
	require.Equal(t, "no-cache", plain.Header.Get("Cache-Control"))
	require.NotEmpty(t, plain.Header.Get("ETag"))
	require.NotEqual(t, plain.Header.Get("ETag"), packed.Header.Get("ETag"))
	again, body := w.get("/dist/lethe.js", "If-None-Match", plain.Header.Get("ETag"))
	require.Equal(t, []any{http.StatusNotModified, ""}, []any{again.StatusCode, body})
	again, _ = w.get("/dist/lethe.js", "Accept-Encoding", "br", "If-None-Match", packed.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.StatusCode)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "dist/lethe.js"), []byte("longer js"), 0o600))
	again, body = w.get("/dist/lethe.js", "If-None-Match", plain.Header.Get("ETag"))
	require.Equal(t, []any{200, "longer js"}, []any{again.StatusCode, body})
}
