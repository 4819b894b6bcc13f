//go:build !js

package ws

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/ws/wstest"
)

func TestContract(t *testing.T) {
	server, err := wstest.Start()
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	wstest.Contract(t, Dial, server.URL)
}
