//go:build js && wasm

package ws

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/ws/wstest"
)

func TestContract(t *testing.T) {
	server := os.Getenv(wstest.ServerVariable)
	require.NotEmpty(t, server, "run with -exec \"bin/wsserve bin/chromium\"")
	wstest.Contract(t, Dial, server)
}
