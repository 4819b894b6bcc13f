package sdk

import (
	"errors"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
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
		{kv.ErrFull, wire.StorageFull, "the device's storage is full; nothing was changed"},
		{kv.ErrBlocked, wire.StorageBlocked, "another tab holds the database at another version"},
		{kv.ErrNewer, wire.StorageNewer, "the database was written by a newer Lethe and is left as it is"},
		{kv.ErrLost, wire.StorageLost, "the browser closed or deleted the database"},
		{kv.ErrClosed, wire.NotReady, "logged out meanwhile"},
		{keyring.ErrFull, wire.StorageFull, "the device's storage is full; nothing was changed"},
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
