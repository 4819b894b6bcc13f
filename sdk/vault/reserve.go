package vault

import (
	"context"
	"errors"
	"time"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
)

// A disk that is full takes no deletion either, and Chromium cannot even open its database there to read. So the vault holds
// a reserve, lets go of it when the disk is full, and does the work again. Until all of it is held again nothing is taken in that
// is not needed for deleting: sending, drafts and what the server gives are refused with kv.ErrFull.

// UseReserve gives the vault its reserve. It comes before anything else is asked of the vault.
func (v *Vault) UseReserve(r kv.Reserve) { v.reserve = r }

// HoldReserve takes the space again that deleting has used, or takes it for the first time. Errors: kv.ErrFull.
func (v *Vault) HoldReserve(ctx context.Context) error {
	if v.reserve == nil {
		return nil
	}
	v.write.Lock() // on a full disk the attempt leaves no room for a moment
	defer v.write.Unlock()
	if v.short.Load() { // then the database may be closed, and opening it needs the space
		if err := v.store.Update(ctx, kv.Strict, []kv.Table{tableDevice}, func(kv.Tx) error { return nil }); err != nil {
			return err
		}
	}
	err := v.reserve.Hold(ctx)
	v.short.Store(errors.Is(err, kv.ErrFull))
	return err
}

// taking marks the context of work that takes something in.
type taking struct{}

// takeIn begins work that the reserve is not for. Errors: kv.ErrFull.
func (v *Vault) takeIn(ctx context.Context) (context.Context, error) {
	if v.short.Load() {
		if err := v.HoldReserve(ctx); err != nil {
			return ctx, err
		}
	}
	return context.WithValue(ctx, taking{}, true), nil
}

const (
	// attempts is how often a transaction is done that fails because the browser's connection broke, breath how long after the
	// first.
	attempts = 3
	breath   = 50 * time.Millisecond
)

// persist runs a transaction that writes, with the reserve's space where the disk is full: best before it has failed.
func (v *Vault) persist(ctx context.Context, transaction func() error) error {
	if v.reserve != nil {
		err := v.reserve.Probe(ctx)
		if errors.Is(err, kv.ErrFull) && ctx.Value(taking{}) == nil {
			err = v.giveReserve(ctx)
		}
		if err != nil {
			return err
		}
	}
	return v.again(ctx, transaction)
}

// giveReserve lets go of the reserve. It is not held again at once: deletions that come next need it too.
func (v *Vault) giveReserve(ctx context.Context) error {
	v.short.Store(true)
	return v.reserve.Give(ctx)
}

// again runs a transaction, and once more where its connection broke.
func (v *Vault) again(ctx context.Context, transaction func() error) error {
	for i := 1; ; i++ {
		err := transaction()
		broken := errors.Is(err, kv.ErrBroken)
		full := errors.Is(err, kv.ErrFull) || errors.Is(err, keyring.ErrFull)
		if !broken && !full || i == attempts || full && v.reserve == nil {
			return err
		}
		if full {
			// Where the connection broke, the store makes room when it opens another: space that came now would be too soon.
			v.short.Store(true)
			if !broken {
				if e := v.reserve.Give(ctx); e != nil {
					return errors.Join(err, e)
				}
			}
			if ctx.Value(taking{}) != nil {
				return err
			}
		}
		time.Sleep(breath << i)
	}
}
