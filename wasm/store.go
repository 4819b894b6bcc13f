//go:build js && wasm

package main

import (
	"context"
	"syscall/js"

	"github.com/lethe-im/lethe/idb"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
)

// layoutVersion is the database's version; a newer one is left alone.
const layoutVersion = 1

// openStore opens a user's database, or memory where the browser has no IndexedDB at all.
func openStore(ctx context.Context, name string, lost func(error)) (kv.Store, string, error) {
	if js.Global().Get("indexedDB").IsUndefined() {
		return kv.NewMemory(vault.Tables...), "memory", nil
	}
	gone := func() { lost(kv.ErrLost) }
	store, err := idb.Open(ctx, name, layoutVersion, vault.Tables, idb.Events{VersionChange: gone})
	return store, "indexeddb", err
}
