//go:build !js

package idb_test

import (
	"go/build"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTags: every file but this one is for the browser only.
func TestTags(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	require.Greater(t, len(files), 5)
	for _, target := range []struct{ os, arch string }{{"linux", "amd64"}, {"js", "amd64"}, {"wasip1", "wasm"}, {"js", "wasm"}} {
		context := build.Default
		context.GOOS, context.GOARCH, context.CgoEnabled = target.os, target.arch, false
		// A file name that ends in _js or _wasm would be half a tag.
		dir, err := os.Getwd()
		require.NoError(t, err)
		for _, file := range files {
			if file == "tags_test.go" {
				continue
			}
			match, err := context.MatchFile(dir, file)
			require.NoError(t, err)
			require.Equal(t, target.os == "js" && target.arch == "wasm", match, "%s for %v", file, target)
		}
	}
}
