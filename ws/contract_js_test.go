//go:build js && wasm

package ws

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/ws/wstest"
)

func TestContract(t *testing.T) {
	require.NotEmpty(t, server, "run with -exec \"bin/wsserve bin/chromium\"")
	wstest.Contract(t, Dial, server)
}
