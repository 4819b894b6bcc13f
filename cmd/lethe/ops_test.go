package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The shell of docs/ops.md does what it says, one block after the other.
func TestOpsRunsAsWritten(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "docs", "ops.md"))
	require.NoError(t, err)
	script := "set -euo pipefail\n"
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(document), -1)
	require.Len(t, blocks, 3)
	for _, b := range blocks {
		script += b[1]
	}
	for _, address := range []string{"127.0.0.1:8080", "127.0.0.1:9090"} {
		require.Contains(t, script, address)
		script = strings.ReplaceAll(script, address, freePort(t))
	}
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "bin"), 0o700))
	require.NoError(t, os.Symlink(binary, filepath.Join(folder, "bin", "lethe")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"+script)
	shell.Dir = folder
	shell.WaitDelay = 10 * time.Second
	out, err := shell.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, said := range []string{"\nok\n", "lethe_connections 0\n", `{"status":"ok"}`, "backed up data/lethe.db to backup.db", "kept the store that was there", "is whole, epoch 1"} {
		require.Contains(t, string(out), said)
	}
	require.NotContains(t, string(out), "FAIL")
}
