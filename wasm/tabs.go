//go:build js && wasm

package main

import (
	"context"

	"github.com/lethe-im/lethe/idb"
)

// tabs is sdk.Tabs on Web Locks, which the browser takes from a tab that dies.
type tabs struct{}

func (tabs) Hold(ctx context.Context, name string) (func(), error) { return idb.Hold(ctx, name) }

func (tabs) Held(ctx context.Context, name string) (bool, error) { return idb.Held(ctx, name) }
