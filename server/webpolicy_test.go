package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
)

// The policy is what the page needs; a page's own inline scripts are in it by their hashes.
func TestWebPolicy(t *testing.T) {
	folder, w := site(t)
	page := "<script src=\"/dist/lethe.js\"></script>\n<script>\r\nalert(1)\n</script><script type=\"importmap\">{}</script>"
	require.NoError(t, os.WriteFile(folder+"/dist/own.html", []byte(page), 0o600))
	for path, policy := range map[string]string{
		"/": server.WebPolicy, "/dist/lethe.js": server.WebPolicy,
		"/dist/own.html": strings.Replace(server.WebPolicy, "'self' 'wasm", "'self' 'sha256-J8+4/wmqNoqVGih0Xof49bzVEIwR8aHhR5HvZK1wlzY=' 'sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=' 'wasm", 1),
	} {
		response, _ := w.get(path)
		require.Equal(t, policy, response.Header.Get("Content-Security-Policy"), path)
		require.Equal(t, "no-referrer", response.Header.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "same-origin", response.Header.Get("Cross-Origin-Opener-Policy"))
	}
	root := os.DirFS(folder)
	for given, sent := range map[string]string{server.NoPolicy: "", "default-src 'self'": "default-src 'self'"} {
		w := newWorld(t, func(o *server.Options) { o.Web, o.WebPolicy = root, given })
		response, _ := w.get("/")
		require.Equal(t, sent, response.Header.Get("Content-Security-Policy"))
	}
}
