//go:build js && wasm

package idb

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

var (
	background = context.Background()
	databases  int
)

// newName names a database that no other test uses.
func newName() string {
	databases++
	return fmt.Sprintf("test %d %d", time.Now().UnixNano(), databases)
}

func open(t *testing.T, name string, version uint, events Events) kv.Store {
	t.Helper()
	s, err := Open(background, name, version, kvtest.Tables, events)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestContract(t *testing.T) {
	before := len(listeners)
	kvtest.Contract(t, func(t *testing.T) kv.Store { return open(t, newName(), 1, Events{}) })
	settle(t, before)
}

// settle waits until nothing listens any more that did not before: a listener left is a leak.
func settle(t *testing.T, before int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(listeners) <= before }, 2*time.Second, 5*time.Millisecond,
		"listeners left")
}
