package vault

import (
	"context"
	"errors"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// residue is a store whose disk forgets nothing: it keeps every value that was ever put, also by transactions that were
// aborted, as a browser's files may.
type residue struct {
	kv.Store

	mu     sync.Mutex
	values []left
}

type left struct {
	table kv.Table
	value []byte
}

func (r *residue) Update(ctx context.Context, d kv.Durability, tables []kv.Table, fn func(kv.Tx) error) error {
	return r.Store.Update(ctx, d, tables, func(x kv.Tx) error { return fn(&residueTx{x, r}) })
}

type residueTx struct {
	kv.Tx
	disk *residue
}

func (t *residueTx) Put(table kv.Table, key kv.Key, value []byte) error {
	t.disk.mu.Lock()
	t.disk.values = append(t.disk.values, left{table, append([]byte(nil), value...)})
	t.disk.mu.Unlock()
	return t.Tx.Put(table, key, value)
}

// readable is every payload, and draft, that somebody with the disk and the file of keys can still read. What no key opens is
// forgotten: a key that was overwritten never comes back.
func (b *bench) readable() map[string]bool {
	b.t.Helper()
	b.disk.mu.Lock()
	defer b.disk.mu.Unlock()
	slots := b.ring.Bytes()
	out := map[string]bool{}
	kept := b.disk.values[:0]
	for _, x := range b.disk.values {
		k := keys{known: map[uint32]secret{}}
		if slot, ok := slotOf(x.value); ok && int(slot+1)*keyring.SlotSize <= len(slots) {
			k.known[slot] = secret(slots[int(slot)*keyring.SlotSize:])
		}
		plain, _, err := k.open(x.table, append([]byte(nil), x.value...))
		if errors.Is(err, ErrUnreadable) {
			continue
		}
		require.NoError(b.t, err)
		kept = append(kept, x)
		b.payloadsIn(x.table, plain, out)
	}
	b.disk.values = kept
	return out
}

func (b *bench) payloadsIn(table kv.Table, plain []byte, out map[string]bool) {
	b.t.Helper()
	switch table {
	case tableSegments:
		var batch wire.Batch
		_, err := batch.UnmarshalMsg(plain)
		require.NoError(b.t, err)
		messages, err := batch.Messages()
		require.NoError(b.t, err)
		for _, m := range messages {
			out[string(m.Payload)] = true
		}
	case tableTail:
		var row Row
		_, err := row.UnmarshalMsg(plain)
		require.NoError(b.t, err)
		out[string(row.Message.Payload)] = true
	case tableConversations:
		var r Record
		_, err := r.UnmarshalMsg(plain)
		require.NoError(b.t, err)
		if r.Last != nil {
			out[string(r.Last.Message.Payload)] = true
		}
		out[r.Draft] = true
	}
}

// requireGone holds that none of the messages can be read any more, with all that the device still has.
func (b *bench) requireGone(gone func(seq uint64) bool, why string, args ...any) {
	b.t.Helper()
	readable := b.readable()
	for _, m := range b.log {
		if gone(m.Seq) && readable[string(m.Payload)] {
			require.Failf(b.t, "a deleted message can be read", "message %d: "+why, append([]any{m.Seq}, args...)...)
		}
	}
}
