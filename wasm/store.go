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

// openStore opens a user's database, or memory where the browser gives the page none, as in some private windows.
func openStore(ctx context.Context, name string, lost func()) (kv.Store, string, error) {
	if !hasDatabases() {
		return kv.NewMemory(vault.Tables...), "memory", nil
	}
	events := idb.Events{
		VersionChange: lost,
		Closed:        lost,
	}
	store, err := idb.Open(ctx, name, vault.Format, vault.Tables, events)
	if errors.Is(err, kv.ErrTable) {
		if err = idb.Remake(ctx, name, vault.Format, vault.Tables, vault.Lasting); err == nil {
			store, err = idb.Open(ctx, name, vault.Format, vault.Tables, events)
		}
	}
	if errors.Is(err, idb.ErrUnavailable) {
		return kv.NewMemory(vault.Tables...), "memory", nil
	}
	return store, "indexeddb", err
}

func hasDatabases() bool { return js.Global().Get("indexedDB").Truthy() }

// openKeyring opens a user's file of keys, or gives none where the browser has no place for one, or for the database.
func openKeyring(ctx context.Context, name string) (keyring.File, error) {
	if !hasDatabases() {
		return nil, nil
	}
	file, err := idb.OpenKeyring(ctx, name)
	if errors.Is(err, keyring.ErrUnavailable) {
		return nil, nil
	}
	return file, err
}

// openReserve finds the space that is held back for a user's deletions; none where there is no keyring.
func openReserve(ctx context.Context, name string) (kv.Reserve, error) {
	if !hasDatabases() {
		return nil, nil
	}
	r, err := idb.OpenReserve(ctx, name)
	if errors.Is(err, keyring.ErrUnavailable) {
		return nil, nil
	}
	return r, err
}
