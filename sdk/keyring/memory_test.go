package keyring_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/keyring/keyringtest"
)

func fresh(*testing.T) func() keyring.File {
	memory := keyring.NewMemory()
	return func() keyring.File { return memory.Reopen() }
}

func TestMemory(t *testing.T) {
	keyringtest.Contract(t, fresh)
	keyringtest.Shared(t, fresh)
}

func TestMemoryCut(t *testing.T) {
	ctx := context.Background()
	memory := keyring.NewMemory()
	keys, err := memory.Begin(ctx, true)
	require.NoError(t, err)
	require.NoError(t, keys.Write(keyring.Run{N: 1}, make([]byte, keyring.SlotSize)))
	require.NoError(t, keys.Flush())
	require.NoError(t, keys.Write(keyring.Run{From: 1, N: 1}, make([]byte, keyring.SlotSize)))
	require.Len(t, memory.Bytes(), 2*keyring.SlotSize)
	keys.End()
	memory.Cut()
	require.Len(t, memory.Bytes(), keyring.SlotSize, "what was flushed is left")
	require.NoError(t, memory.Destroy(ctx))
	require.Empty(t, memory.Bytes())
}
