//go:build js && wasm

package idb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

// An opening is given up while its database opens, or in the moment after: no connection stays open. A destruction would have
// to wait for one.
func TestAnAbandonedOpeningLeavesNoConnection(t *testing.T) {
	for name, come := range map[string]int{"before it has ended": 0, "when it has ended": 1} {
		t.Run(name, func(t *testing.T) {
			database := t.Name()
			s := &store{name: database, version: 1, tables: kvtest.Tables, opener: make(chan struct{}, 1)}
			o := &opening{store: s, make: true, events: make(chan string, 3)}
			require.NoError(t, o.start())
			require.Eventually(t, func() bool { return len(o.events) >= come }, 5*time.Second, time.Millisecond)
			o.abandon()
			Abandoned()
			other, err := Open(background, database, 2, kvtest.Tables, Events{Blocked: func() { t.Error("a connection is in the way") }})
			require.NoError(t, err)
			require.NoError(t, other.Destroy(background))
		})
	}
}
