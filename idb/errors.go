//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall/js"

	"github.com/hack-pad/go-indexeddb/idb"

	"github.com/lethe-im/lethe/sdk/kv"
)

// Names of DOMExceptions.
const (
	aborted      = "AbortError"
	invalidState = "InvalidStateError"
	unknownError = "UnknownError" // the disk failed, or what the browser keeps there
)

// fullTexts are what browsers say in words when the disk is full: Firefox, and Chromium, which then closes the database.
var fullTexts = []string{"did not allow mutations", "FILE_ERROR_NO_SPACE", "full disk"}

// try runs fn and returns what JavaScript throws in it.
func try(fn func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case js.Error:
			err = thrown(r.Value)
		default:
			panic(r)
		}
	}()
	fn()
	return nil
}

// thrown makes an error of a DOMException or another JavaScript error: go-indexeddb's DOMException by its name, and
// kv's error where that says more.
func thrown(exception js.Value) error {
	if exception.Type() != js.TypeObject {
		return fmt.Errorf("idb: %s", exception.String())
	}
	name, message := exception.Get("name").String(), exception.Get("message").String()
	err := fmt.Errorf("%w: %s", idb.NewDOMException(name), message)
	var means error
	switch name {
	case "QuotaExceededError":
		means = kv.ErrFull
	case "VersionError":
		means = kv.ErrNewer
	case "NotFoundError":
		means = kv.ErrTable
	case "TransactionInactiveError":
		means = kv.ErrOver
	default:
		for _, text := range fullTexts {
			if strings.Contains(message, text) {
				means = kv.ErrFull
			}
		}
		if name == unknownError {
			means = errors.Join(means, kv.ErrBroken)
		}
	}
	if means != nil {
		return fmt.Errorf("%w: %w", means, err)
	}
	return err
}

// isNamed tells whether err is a DOMException of that name.
func isNamed(err error, name string) bool { return errors.Is(err, idb.NewDOMException(name)) }

func unknown(ctx context.Context) error {
	return fmt.Errorf("%w: %w", kv.ErrUnknown, context.Cause(ctx))
}
