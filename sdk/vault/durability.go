package vault

import (
	"context"
	"errors"

	"github.com/lethe-im/lethe/sdk/kv"
)

// errStrict: the transaction turned out to destroy keys, which only one that commits strictly may. It is done again.
var errStrict = errors.New("vault: a strict commit is needed")

// asNeeded commits relaxed, or strictly where keys turn out to be destroyed.
func (v *Vault) asNeeded(commit func(kv.Durability) error) error {
	err := commit(kv.Relaxed)
	if errors.Is(err, errStrict) {
		err = commit(kv.Strict)
	}
	return err
}

// updateAsNeeded is update, as durable as it must be.
func (v *Vault) updateAsNeeded(ctx context.Context, messages []kv.Table, fn func(*tx) error) error {
	return v.asNeeded(func(d kv.Durability) error { return v.update(ctx, d, messages, fn) })
}
