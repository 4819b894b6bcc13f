// Package keyringtest holds what tests of keyrings, and tests on keyrings, share: the contract suite and a fault injector.
package keyringtest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// Contract checks every sentence of keyring's contract. fresh makes a new, empty keyring and gives what opens a File on it, each
// time as another tab would; after a Destroy that is a new keyring.
func Contract(t *testing.T, fresh func(t *testing.T) (open func() keyring.File)) {
	run(t, fresh, []testCase{
		{"unwritten", unwritten},
		{"only its slots", onlyItsSlots},
		{"against a model", againstModel},
		{"empty runs", emptyRuns},
		{"range", ranges},
		{"whose bytes", whoseBytes},
		{"large runs", largeRuns},
		{"reopen", reopens},

		{"read-only", readOnly},
		{"one writer", oneWriter},
		{"reading beside writing", readingBesideWriting},
		{"counter", counter},
		{"end twice", endTwice},
		{"cancelled before", cancelledBefore},
		{"cancelled waiting", cancelledWaiting},
		{"cancelled anywhere", cancelledAnywhere},

		{"close", closes},
		{"close under way", closeUnderWay},
		{"destroy", destroys},
		{"destroy after close", destroyAfterClose},
		{"destroy waits", destroyWaits},
		{"destroy without a file", destroyNothing},
	})
}

// Shared checks what keyrings add to the contract whose tabs share a file: readers wait for nobody.
func Shared(t *testing.T, fresh func(t *testing.T) (open func() keyring.File)) {
	run(t, fresh, []testCase{{"readers do not wait", readersDoNotWait}})
}

type testCase struct {
	name string
	run  func(t *testing.T, open func() keyring.File)
}

func run(t *testing.T, fresh func(t *testing.T) (open func() keyring.File), cases []testCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			open := fresh(t)
			var opened []keyring.File
			t.Cleanup(func() {
				for _, file := range opened {
					require.NoError(t, file.Close())
				}
				ctx, cancel := context.WithTimeout(background, 10*time.Second) // a case that failed may have left the lock taken
				defer cancel()
				require.NoError(t, open().Destroy(ctx))
			})
			c.run(t, func() keyring.File {
				file := open()
				opened = append(opened, file)
				return file
			})
		})
	}
}

var (
	background = context.Background()
	errMine    = errors.New("mine")
)

// filled is n slots of one byte.
func filled(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n*keyring.SlotSize) }

func begin(t *testing.T, file keyring.File, write bool) keyring.Keys {
	t.Helper()
	keys, err := file.Begin(background, write)
	require.NoError(t, err)
	return keys
}

// put writes slots from one on, in a piece of work of its own.
func put(t *testing.T, file keyring.File, from uint32, slots []byte) {
	t.Helper()
	keys := begin(t, file, true)
	defer keys.End()
	require.NoError(t, keys.Write(keyring.Run{From: from, N: uint32(len(slots) / keyring.SlotSize)}, slots))
}

// get reads slots in a piece of work of its own.
func get(t *testing.T, file keyring.File, from, n uint32) []byte {
	t.Helper()
	keys := begin(t, file, false)
	defer keys.End()
	slots, err := keys.Read(keyring.Run{From: from, N: n})
	require.NoError(t, err)
	return slots
}
