//go:build !js

package leak

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

// What is left is named: a goroutine, a file, a socket. What was there before is not.
func TestLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	first, err := os.Create(path)
	require.NoError(t, err)
	before := Begin()
	require.Empty(t, goroutines()+before.files())

	file, err := os.Create(path)
	require.NoError(t, err)
	require.Equal(t, "open: "+path+"\n", before.files(), "the same file once more")
	require.NoError(t, first.Close())
	require.NoError(t, file.Close())
	require.Empty(t, before.files())

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.Contains(t, before.files(), "open: socket:")
	require.NoError(t, listener.Close())

	end := make(chan struct{})
	go func() { <-end }()
	require.Contains(t, goroutines(), "TestLeft")
	close(end)
	require.Empty(t, before.Left())
}
