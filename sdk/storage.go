package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// storageError gives a store's failure its code. Our own errors pass as they are.
func storageError(err error) error {
	var own *wire.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	for _, x := range []struct {
		is   error
		code wire.Code
		text string
	}{
		{kv.ErrFull, wire.StorageFull, "the device's storage is full; nothing was changed on it"},
		{kv.ErrBlocked, wire.StorageBlocked, "another tab holds the database at another version"},
		{kv.ErrNewer, wire.StorageNewer, "the database was written by a newer Lethe and is left as it is"},
		{kv.ErrLost, wire.StorageLost, "the browser closed or deleted the database"},
		{kv.ErrClosed, wire.NotReady, "logged out meanwhile"},
		{context.Canceled, wire.NotReady, "logged out meanwhile"},
		{vault.ErrUnreadable, wire.StorageDamaged, "a record on this device cannot be read; logging in again mends that"},
		{keyring.ErrFull, wire.StorageFull, "the device's storage is full; nothing was changed on it"},
		{keyring.ErrBlocked, wire.StorageBlocked, "another tab holds the file of keys"},
		{keyring.ErrLost, wire.StorageLost, "the browser has taken the file of keys away"},
		{keyring.ErrClosed, wire.NotReady, "logged out meanwhile"},
	} {
		if errors.Is(err, x.is) {
			return &wire.Error{Code: x.code, Text: x.text, Err: err}
		}
	}
	return &wire.Error{Code: wire.StorageFailed, Text: "the device's storage refused: " + err.Error(), Err: err}
}

// damaged is what the app is told of damage that was found when the database was opened; nil if there was none.
func damaged(d vault.Damage) error {
	if d.Anew {
		return wire.Errorf(wire.StorageDamaged, "what this device kept cannot be read any more: it is a new device now, and operations that the server had not been told of are lost")
	}
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{
		{d.Conversations, "conversations, which come again from the server"},
		{d.Ledgers, "ledgers: what was deleted here alone may come again from the server"},
		{d.Operations, "operations that the server will not be told of"},
		{d.Notes, "notes of what is to be erased, which is looked through again"},
	} {
		if x.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if d.Device {
		parts = append(parts, "the device's own record, which was made again")
	}
	if len(parts) == 0 {
		return nil
	}
	return wire.Errorf(wire.StorageDamaged, "could not be read: %s", strings.Join(parts, "; "))
}
