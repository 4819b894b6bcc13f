//go:build js && wasm

package main

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/lethe-im/lethe/idb"
	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
)

// openStore opens a user's database, or memory where the browser has no IndexedDB at all.
func openStore(ctx context.Context, name string, lost func(error)) (kv.Store, string, error) {
	if js.Global().Get("indexedDB").IsUndefined() {
		return kv.NewMemory(vault.Tables...), "memory", nil
	}
	gone := func() { lost(kv.ErrLost) }
	store, err := idb.Open(ctx, name, vault.Format, vault.Tables, idb.Events{VersionChange: gone})
	return store, "indexeddb", err
}

// openKeyring opens a user's file of keys, or gives none where the browser has no place for one, or for the database.
func openKeyring(ctx context.Context, name string) (keyring.File, error) {
	if js.Global().Get("indexedDB").IsUndefined() {
		return nil, nil
	}
	file, err := idb.OpenKeyring(ctx, name)
	if errors.Is(err, keyring.ErrUnavailable) {
		return nil, nil
	}
	return file, err
}
