package keyringtest

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// The cases about pieces of work: who waits for whom, and what ends.

// moment is how long a test watches that something does not happen.
const moment = 50 * time.Millisecond

// beginning begins a piece of work on a goroutine of its own.
func beginning(t *testing.T, file keyring.File, write bool) <-chan keyring.Keys {
	begun := make(chan keyring.Keys, 1)
	go func() {
		keys, err := file.Begin(background, write)
		if err != nil {
			t.Error(err)
		}
		begun <- keys
	}()
	return begun
}

// waits checks that the work does not begin before ends is called.
func waits(t *testing.T, begun <-chan keyring.Keys, end func()) keyring.Keys {
	t.Helper()
	select {
	case <-begun:
		require.Fail(t, "it did not wait")
	case <-time.After(moment):
	}
	end()
	return <-begun
}

// refused checks that nobody can write.
func refused(t *testing.T, file keyring.File) {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, moment)
	defer cancel()
	_, err := file.Begin(ctx, true)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func readOnly(t *testing.T, open func() keyring.File) {
	file := open()
	put(t, file, 0, filled(1, 1))
	keys := begin(t, file, false)
	require.ErrorIs(t, keys.Write(keyring.Run{N: 1}, filled(1, 2)), keyring.ErrReadOnly)
	keys.End()
	keys = begin(t, file, true)
	keys.End()
	require.ErrorIs(t, keys.Write(keyring.Run{N: 1}, filled(1, 3)), keyring.ErrReadOnly, "the lock is given back")
	require.Equal(t, filled(1, 1), get(t, file, 0, 1))
}

func oneWriter(t *testing.T, open func() keyring.File) {
	one, other := open(), open()
	for _, second := range []keyring.File{other, one} {
		keys := begin(t, one, true)
		require.NoError(t, keys.Write(keyring.Run{N: 1}, filled(1, 4)))
		keys = waits(t, beginning(t, second, true), keys.End)
		got, err := keys.Read(keyring.Run{N: 1})
		require.NoError(t, err)
		require.Equal(t, filled(1, 4), got)
		keys.End()
	}
}

// readingBesideWriting: a reader may have to wait for the writer, but then it goes on.
func readingBesideWriting(t *testing.T, open func() keyring.File) {
	one, other := open(), open()
	for _, second := range []keyring.File{other, one} {
		writer := begin(t, one, true)
		require.NoError(t, writer.Write(keyring.Run{N: 1}, filled(1, 5)))
		begun := beginning(t, second, false)
		writer.End()
		reader := <-begun
		got, err := reader.Read(keyring.Run{N: 1})
		require.NoError(t, err)
		require.Equal(t, filled(1, 5), got)
		require.NoError(t, reader.Flush())
		reader.End()
	}
}

func readersDoNotWait(t *testing.T, open func() keyring.File) {
	one, other := open(), open()
	writer := begin(t, one, true)
	defer writer.End()
	require.NoError(t, writer.Write(keyring.Run{N: 1}, filled(1, 6)))
	for _, file := range []keyring.File{one, other} {
		reader, again := begin(t, file, false), begin(t, file, false)
		got, err := reader.Read(keyring.Run{N: 1})
		require.NoError(t, err)
		require.Equal(t, filled(1, 6), got, "what is written is there for all at once")
		reader.End()
		again.End()
	}
	require.NoError(t, writer.Write(keyring.Run{N: 1}, filled(1, 7)))
}

func counter(t *testing.T, open func() keyring.File) {
	const workers, times = 8, 15
	files := []keyring.File{open(), open()}
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for range times {
				if err := increment(files[i%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.EqualValues(t, workers*times, binary.BigEndian.Uint64(get(t, files[0], 3, 1)))
}

// increment adds one to the number in slot 3.
func increment(file keyring.File) error {
	keys, err := file.Begin(background, true)
	if err != nil {
		return err
	}
	defer keys.End()
	slot, err := keys.Read(keyring.Run{From: 3, N: 1})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint64(slot, binary.BigEndian.Uint64(slot)+1)
	return keys.Write(keyring.Run{From: 3, N: 1}, slot)
}

func endTwice(t *testing.T, open func() keyring.File) {
	one, other := open(), open()
	first := begin(t, one, true)
	first.End()
	first.End()
	second := begin(t, other, true)
	first.End()
	refused(t, one)
	second.End()
	reader := begin(t, one, false)
	reader.End()
	reader.End()
	begin(t, one, true).End()
}

func cancelledBefore(t *testing.T, open func() keyring.File) {
	file := open()
	ctx, cancel := context.WithCancelCause(background)
	cancel(errMine)
	for _, write := range []bool{false, true} {
		_, err := file.Begin(ctx, write)
		require.ErrorIs(t, err, errMine)
	}
	require.ErrorIs(t, open().Destroy(ctx), errMine)
	begin(t, file, true).End()
}

func cancelledWaiting(t *testing.T, open func() keyring.File) {
	one, other := open(), open()
	keys := begin(t, one, true)
	refused(t, other)
	refused(t, one)
	require.NoError(t, keys.Write(keyring.Run{N: 1}, filled(1, 1)), "the writer is not disturbed")
	keys.End()
	begin(t, other, true).End()
}

// cancelledAnywhere ends the context at many moments: whoever gives up leaves nothing locked.
func cancelledAnywhere(t *testing.T, open func() keyring.File) {
	file := open()
	for i := range 60 {
		ctx, cancel := context.WithTimeout(background, time.Duration(i)*20*time.Microsecond)
		keys, err := file.Begin(ctx, true)
		if err == nil {
			keys.End()
		} else {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		cancel()
	}
	begin(t, file, true).End()
}
