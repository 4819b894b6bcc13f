package keyringtest

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// The cases about slots: what is read is what was written, and nothing else was.

func unwritten(t *testing.T, open func() keyring.File) {
	file := open()
	require.Equal(t, filled(3, 0), get(t, file, 0, 3), "an empty file")
	put(t, file, 10, filled(1, 1))
	require.Equal(t, filled(10, 0), get(t, file, 0, 10), "before what was written")
	require.Equal(t, append(filled(1, 1), filled(4, 0)...), get(t, file, 10, 5), "behind it")
	require.Equal(t, filled(2, 0), get(t, file, keyring.MaxSlots-2, 2), "at the very end")
}

func onlyItsSlots(t *testing.T, open func() keyring.File) {
	file := open()
	put(t, file, 0, filled(6, 1))
	put(t, file, 2, filled(2, 2))
	require.Equal(t, append(append(filled(2, 1), filled(2, 2)...), filled(2, 1)...), get(t, file, 0, 6))
	put(t, file, 0, filled(1, 3))
	put(t, file, 5, filled(1, 0))
	require.Equal(t, append(append(append(filled(1, 3), filled(1, 1)...), filled(2, 2)...), append(filled(1, 1), filled(1, 0)...)...),
		get(t, file, 0, 6))
}

func againstModel(t *testing.T, open func() keyring.File) {
	const slots = 500
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	files, model := []keyring.File{open(), open()}, filled(slots, 0)
	for range 40 {
		keys := begin(t, files[r.IntN(2)], true)
		for range r.IntN(5) {
			run := keyring.Run{From: uint32(r.IntN(slots))}
			run.N = uint32(r.IntN(min(40, slots-int(run.From)) + 1))
			bytes := model[run.From*keyring.SlotSize : run.End()*keyring.SlotSize]
			for i := range bytes {
				bytes[i] = byte(r.Uint32())
			}
			require.NoError(t, keys.Write(run, bytes))
		}
		keys.End()
		from := r.IntN(slots)
		n := r.IntN(slots - from + 1)
		require.Equal(t, model[from*keyring.SlotSize:(from+n)*keyring.SlotSize], get(t, files[r.IntN(2)], uint32(from), uint32(n)))
	}
	require.Equal(t, model, get(t, open(), 0, slots))
}

func emptyRuns(t *testing.T, open func() keyring.File) {
	file := open()
	put(t, file, 5, nil)
	put(t, file, keyring.MaxSlots, nil)
	require.Empty(t, get(t, file, 0, 0))
	require.Empty(t, get(t, file, keyring.MaxSlots, 0))
}

func ranges(t *testing.T, open func() keyring.File) {
	file := open()
	put(t, file, 0, filled(2, 1))
	keys := begin(t, file, true)
	for _, run := range []keyring.Run{{From: keyring.MaxSlots, N: 1}, {From: keyring.MaxSlots - 1, N: 2}, {N: keyring.MaxSlots + 1},
		{From: 1<<32 - 1, N: 1}, {From: 1, N: 1<<32 - 1}, {From: 1<<32 - 1, N: 1<<32 - 1}} {
		_, err := keys.Read(run)
		require.ErrorIs(t, err, keyring.ErrRange, "%v", run)
		require.ErrorIs(t, keys.Write(run, filled(1, 2)), keyring.ErrRange, "%v", run)
	}
	for _, n := range []int{0, 31, 33, 64} {
		require.ErrorIs(t, keys.Write(keyring.Run{N: 1}, make([]byte, n)), keyring.ErrRange, "%d bytes", n)
	}
	keys.End()
	require.Equal(t, append(filled(2, 1), filled(1, 0)...), get(t, file, 0, 3), "unchanged")
}

func whoseBytes(t *testing.T, open func() keyring.File) {
	file, mine := open(), filled(2, 1)
	put(t, file, 0, mine)
	clear(mine)
	got := get(t, file, 0, 2)
	require.Equal(t, filled(2, 1), got)
	clear(got)
	require.Equal(t, filled(2, 1), get(t, file, 0, 2))
}

func largeRuns(t *testing.T, open func() keyring.File) {
	file, rng := open(), rand.NewChaCha8([32]byte{1})
	var all []byte
	for _, n := range []int{4096, 4095, 4097, 1, 12000} { // around 128 kB, and more
		slots := filled(n, 0)
		_, err := rng.Read(slots)
		require.NoError(t, err)
		put(t, file, uint32(len(all)/keyring.SlotSize), slots)
		all = append(all, slots...)
	}
	n := uint32(len(all) / keyring.SlotSize)
	require.True(t, bytes.Equal(all, get(t, file, 0, n)))
	require.True(t, bytes.Equal(all[5000*keyring.SlotSize:], get(t, file, 5000, n-5000)))
	put(t, file, 0, filled(int(n), 0))
	require.True(t, bytes.Equal(filled(int(n)+5000, 0), get(t, file, 0, n+5000)))
}

func reopens(t *testing.T, open func() keyring.File) {
	first := open()
	keys := begin(t, first, true)
	require.NoError(t, keys.Write(keyring.Run{From: 7, N: 2}, filled(2, 9)))
	require.NoError(t, keys.Flush())
	require.NoError(t, keys.Flush(), "again, with nothing new")
	keys.End()
	require.NoError(t, first.Close())
	require.Equal(t, filled(2, 9), get(t, open(), 7, 2))
}
