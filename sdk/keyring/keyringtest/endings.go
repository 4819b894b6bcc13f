package keyringtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// The cases about endings: files that close and keyrings that are destroyed.

func closes(t *testing.T, open func() keyring.File) {
	file, other := open(), open()
	put(t, file, 0, filled(1, 1))
	require.NoError(t, file.Close())
	require.NoError(t, file.Close())
	for _, write := range []bool{false, true} {
		_, err := file.Begin(background, write)
		require.ErrorIs(t, err, keyring.ErrClosed)
	}
	require.Equal(t, filled(1, 1), get(t, other, 0, 1), "the other file stays open")
}

func closeUnderWay(t *testing.T, open func() keyring.File) {
	file, other := open(), open()
	keys := begin(t, file, true)
	waiting := make(chan error, 1)
	go func() {
		_, err := file.Begin(background, true)
		waiting <- err
	}()
	require.NoError(t, file.Close())
	_, read := keys.Read(keyring.Run{N: 1})
	for _, err := range []error{read, keys.Write(keyring.Run{N: 1}, filled(1, 1)), keys.Flush()} {
		if err != nil {
			require.ErrorIs(t, err, keyring.ErrClosed)
		}
	}
	keys.End()
	require.ErrorIs(t, <-waiting, keyring.ErrClosed)
	begin(t, other, true).End()
}

// gone checks that a file shows nothing of what its keyring held.
func gone(t *testing.T, file keyring.File) {
	t.Helper()
	for _, write := range []bool{false, true} {
		keys, err := file.Begin(background, write)
		if err != nil {
			require.ErrorIs(t, err, keyring.ErrLost)
			continue
		}
		got, err := keys.Read(keyring.Run{N: 20})
		if err != nil {
			require.ErrorIs(t, err, keyring.ErrLost)
		} else {
			require.Equal(t, filled(20, 0), got)
		}
		keys.End()
	}
}

func destroys(t *testing.T, open func() keyring.File) {
	file, other := open(), open()
	put(t, file, 3, filled(12, 1))
	require.Equal(t, filled(12, 1), get(t, other, 3, 12))
	require.NoError(t, file.Destroy(background))
	gone(t, other)
	_, err := file.Begin(background, true)
	require.ErrorIs(t, err, keyring.ErrClosed)
	require.NoError(t, file.Destroy(background), "again")
	require.NoError(t, other.Destroy(background), "by the other too")
	require.NoError(t, file.Close(), "and closed")

	anew := open()
	require.Equal(t, filled(20, 0), get(t, anew, 0, 20))
	put(t, anew, 3, filled(1, 2))
	require.Equal(t, filled(1, 2), get(t, anew, 3, 1))
	require.NoError(t, anew.Destroy(background))
}

func destroyAfterClose(t *testing.T, open func() keyring.File) {
	file, other := open(), open()
	put(t, file, 0, filled(2, 1))
	require.NoError(t, file.Close())
	require.NoError(t, file.Destroy(background))
	gone(t, other)
	require.Equal(t, filled(2, 0), get(t, open(), 0, 2))
}

// destroyWaits: work under way ends first; who does not want to wait may destroy again.
func destroyWaits(t *testing.T, open func() keyring.File) {
	file, other := open(), open()
	keys := begin(t, other, true)
	ctx, cancel := context.WithTimeout(background, moment)
	defer cancel()
	require.ErrorIs(t, file.Destroy(ctx), context.DeadlineExceeded)
	require.NoError(t, keys.Write(keyring.Run{N: 1}, filled(1, 1)))
	destroyed := make(chan error, 1)
	go func() { destroyed <- file.Destroy(background) }()
	keys.End()
	require.NoError(t, <-destroyed)
	gone(t, other)
}

func destroyNothing(t *testing.T, open func() keyring.File) {
	file, other := open(), open()
	require.NoError(t, file.Destroy(background))
	require.NoError(t, other.Close())
	require.NoError(t, other.Destroy(background))
}
