//go:build js && wasm

package idb

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
)

func TestKeyringReopen(t *testing.T) {
	for _, shared := range []bool{true, false} {
		name := newName()
		first, err := openKeyring(background, name, shared)
		require.NoError(t, err)
		second, err := openKeyring(background, name, shared)
		require.NoError(t, err)
		k, err := first.Begin(background, true)
		require.NoError(t, err)
		require.NoError(t, k.Write(keyring.Run{From: 3, N: 2}, bytes.Repeat([]byte{7}, 64)))
		require.NoError(t, k.Flush())
		k.End()
		k, err = second.Begin(background, false)
		require.NoError(t, err)
		got, err := k.Read(keyring.Run{From: 2, N: 2})
		require.NoError(t, err)
		require.Equal(t, append(make([]byte, 32), bytes.Repeat([]byte{7}, 32)...), got)
		k.End()
		require.NoError(t, first.Destroy(background))
		_, err = second.Begin(background, true)
		t.Log(err)
		require.NoError(t, second.Destroy(background))
	}
}
