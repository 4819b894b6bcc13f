//go:build js && wasm

package idb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/keyring/keyringtest"
)

// modes are the two ways to have a keyring: with one handle a tab, and with one a piece of work.
var modes = map[string]bool{"shared": true, "exclusive": false}

func openRing(t testing.TB, name string, shared bool) *ring {
	t.Helper()
	file, err := openKeyring(background, name, shared)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file.(*ring)
}

func TestKeyringContract(t *testing.T) {
	for mode, shared := range modes {
		t.Run(mode, func(t *testing.T) {
			keyringtest.Contract(t, freshRing(shared))
		})
	}
	require.True(t, shares(), "this browser can share")
	keyringtest.Shared(t, freshRing(true))
}

func freshRing(shared bool) func(t *testing.T) func() keyring.File {
	return func(t *testing.T) func() keyring.File {
		name := newName()
		return func() keyring.File { return openRing(t, name, shared) }
	}
}
