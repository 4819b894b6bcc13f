package vault

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// trips counts transactions, and how often they wait for a browser that answers all that it has been asked at once.
type trips struct {
	kv.Store
	transactions, waits int
}

func (s *trips) View(ctx context.Context, tables []kv.Table, fn func(kv.Tx) error) error {
	return s.Store.View(ctx, tables, s.counting(fn))
}

func (s *trips) Update(ctx context.Context, d kv.Durability, tables []kv.Table, fn func(kv.Tx) error) error {
	return s.Store.Update(ctx, d, tables, s.counting(fn))
}

func (s *trips) counting(fn func(kv.Tx) error) func(kv.Tx) error {
	s.transactions++
	return func(x kv.Tx) error { return fn(&tripsTx{Tx: x, trips: s, asked: map[kv.Table]map[kv.Key]bool{}}) }
}

type tripsTx struct {
	kv.Tx
	trips    *trips
	asked    map[kv.Table]map[kv.Key]bool
	underWay bool // what was asked for has not been waited for
}

func (t *tripsTx) Ask(table kv.Table, keys ...kv.Key) {
	if t.asked[table] == nil {
		t.asked[table] = map[kv.Key]bool{}
	}
	for _, key := range keys {
		t.underWay = t.underWay || !t.asked[table][key]
		t.asked[table][key] = true
	}
}

func (t *tripsTx) wait() {
	t.trips.waits++
	t.underWay = false
}

func (t *tripsTx) Get(table kv.Table, keys ...kv.Key) ([][]byte, error) {
	late := t.underWay
	for _, key := range keys {
		late = late || !t.asked[table][key]
	}
	if late {
		t.wait()
	}
	delete(t.asked, table)
	return t.Tx.Get(table, keys...)
}

func (t *tripsTx) Scan(table kv.Table, span kv.Span, limit int, reverse bool) ([]kv.Entry, error) {
	t.wait()
	return t.Tx.Scan(table, span, limit, reverse)
}

func (t *tripsTx) Put(table kv.Table, key kv.Key, value []byte) error {
	delete(t.asked, table)
	return t.Tx.Put(table, key, value)
}

func (t *tripsTx) Delete(table kv.Table, spans ...kv.Span) error {
	delete(t.asked, table)
	return t.Tx.Delete(table, spans...)
}

// What a user waits for is a question of how often the database is: once, wherever nothing depends on an answer.
func TestRoundTrips(t *testing.T) {
	ctx := context.Background()
	s := &trips{Store: kv.NewMemory(Tables...)}
	v, err := Open(ctx, s, keyring.NewMemory(), me)
	require.NoError(t, err)
	for i, id := range []string{"C2Ca", "C2Cb", "C2Cc", "C2Cd", "C2Ce"} {
		var messages []wire.Message
		for seq := uint64(1); seq <= 3; seq++ {
			messages = append(messages, message(seq, int64(seq), "x"))
		}
		_, err := v.Receive(ctx, &wire.MessagesEvent{ConversationID: id, Log: uint64(i + 1), Head: 3, Messages: messages})
		require.NoError(t, err)
	}
	deleting := func(d ...Deletion) func() error {
		return func() error { _, err := v.Delete(ctx, d); return err }
	}
	whole := func(id string) Deletion {
		return Deletion{ConversationID: id, Scope: wire.ScopeBoth, What: wire.WhatConversation, Hide: true}
	}
	for _, c := range []struct {
		name  string
		waits int
		call  func() error
	}{
		{"what is owed, and all that tabs share", 5, func() error { _, err := v.Owed(ctx, true); return err }},
		{"a page", 2, func() error { _, err := v.Page(ctx, Query{ConversationID: "C2Ca", Count: 2}); return err }},
		{"a conversation that is loaded again", 1, func() error {
			return v.updateOf(ctx, []string{"C2Ca"}, kv.Relaxed, nil, func(t *tx) error {
				_, err := t.load("C2Ca")
				_, again := t.load("C2Ca")
				return errors.Join(err, again)
			})
		}},
		{"a draft", 1, func() error { return v.SetDraft(ctx, "C2Ca", "typed") }},
		{"a read mark", 1, func() error { _, err := v.MarkRead(ctx, "C2Ca"); return err }},
		{"one of the messages", 1, deleting(Deletion{ConversationID: "C2Ca", Scope: wire.ScopeBoth, What: wire.WhatMessages, Seqs: []uint64{1}})},
		{"a conversation, and what a tab that died may have left", 2, deleting(whole("C2Ca"))},
		{"another", 1, deleting(whole("C2Cb"))},
		{"a message to send", 1, func() error {
			_, err := v.Append(ctx, "C2Cc", wire.Message{From: me, Time: 9, SendID: wire.ID{1}, Type: "TIMTextElem"})
			return err
		}},
		{"two conversations", 1, deleting(whole("C2Cd"), whole("C2Ce"))},
	} {
		s.transactions, s.waits = 0, 0
		require.NoError(t, c.call(), c.name)
		require.Equal(t, 1, s.transactions, c.name)
		require.Equal(t, c.waits, s.waits, c.name)
	}
}
