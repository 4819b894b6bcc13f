package vault

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

func (b *bench) unsent(id byte) Sending {
	b.t.Helper()
	m := message(uint64(len(b.log)+1), 1_000_000, me) // the text of the seq that it will get
	m.Seq = 0
	m.SendID = wire.ID{id}
	s, err := b.v.Append(b.ctx, conversation, m)
	require.NoError(b.t, err)
	return s
}

func (b *bench) kinds() (kinds []Kind) {
	b.t.Helper()
	entries, err := b.v.Entries(b.ctx)
	require.NoError(b.t, err)
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestUnsentMessagesGoWithTheirConversation(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	s := b.unsent(1)
	require.Equal(t, []Kind{SendEntry}, b.kinds())
	d := b.delete(Deletion{What: wire.WhatConversation, Hide: true, OpID: wire.ID{9}})
	require.Equal(t, []uint32{s.Row.Slot}, d.Settled.Slots)
	require.ElementsMatch(t, []Kind{CancelEntry, DeleteEntry}, b.kinds(), "what may have left is cancelled, not forgotten")
	entries, err := b.v.Entries(b.ctx)
	require.NoError(t, err)
	require.NotEqual(t, entries[0].OpID, entries[1].OpID)
	_, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
	require.NoError(t, err)
	require.False(t, ok, "a late acknowledgement does not bring it back")
	seqs, _ := b.view()
	require.Empty(t, seqs)
}

func TestUnsentMessagesSurviveAnotherDevicesDeletion(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	s := b.unsent(1)
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{
		{ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: wire.Ledger{Through: 10, HiddenAt: 11}},
	}})
	require.NoError(t, err)
	seqs, _ := b.view()
	require.Empty(t, seqs)
	b.reclaim()
	require.Empty(t, b.stored())
	v, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 5})
	require.NoError(t, err)
	require.Len(t, v.Rows, 1)
	require.Equal(t, s.Row.Slot, v.Rows[0].Slot)
	b.grow(1, nil)
	sent, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 11, sent.Row.Message.Seq)
	require.Len(t, b.v.List(), 1, "the newer message brings the conversation back")
}

func TestProvisionalNamesStayValid(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	s := b.unsent(1)
	_, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
	require.NoError(t, err)
	require.True(t, ok)
	require.Empty(t, b.kinds())
	d := b.delete(Deletion{What: wire.WhatMessages, Slots: []uint32{s.Row.Slot}})
	require.NoError(t, d.Err)
	require.Empty(t, d.Settled.Slots)
	require.Equal(t, wire.RangesOf(11), d.Entries[0].Ranges)
}

func TestARefusedMessageStaysAsFailedAndCanBeDeleted(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	s := b.unsent(1)
	_, ok, err := b.v.Refused(b.ctx, s.Entry)
	require.NoError(t, err)
	require.True(t, ok)
	c, _ := b.v.Find(conversation)
	require.Equal(t, Failed, c.Record.Last.Status)
	d := b.delete(Deletion{What: wire.WhatMessages, Slots: []uint32{s.Row.Slot}})
	require.Empty(t, d.Entries, "the server never had it")
	c, _ = b.v.Find(conversation)
	require.EqualValues(t, 10, c.Record.Last.Message.Seq)
}

func TestACancelledSendThatArrivedIsDeleted(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	s := b.unsent(1)
	d := b.delete(Deletion{What: wire.WhatMessages, Slots: []uint32{s.Row.Slot}, OpID: wire.ID{9}})
	require.Equal(t, CancelEntry, d.Entries[0].Kind)
	_, err := b.v.Cancelled(b.ctx, d.Entries[0], &wire.CancelAck{Seq: 11})
	require.NoError(t, err)
	b.log = append(b.log, message(11, 120, me))
	require.NoError(t, b.receive(11))
	seqs, _ := b.view()
	require.Len(t, seqs, 10, "its push comes late and stays out")
	require.Empty(t, b.kinds())
}

func TestDeletionsThatArriveBeforeTheirMessagesHold(t *testing.T) {
	b := newBench(t)
	b.grow(600, nil)
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{
		{ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: wire.Ledger{Through: 300, Ranges: wire.RangesOf(400)}},
	}})
	require.NoError(t, err)
	require.NoError(t, b.ingest(1, 600))
	seqs, _ := b.view()
	require.Len(t, seqs, 299)
	for s := range b.stored() {
		require.True(t, s > 300 && s != 400, "%d is deleted and stored", s)
	}
}

// watched counts the transactions that write, and how durable they asked to be.
type watched struct {
	kv.Store
	updates []kv.Durability
}

func (w *watched) Update(ctx context.Context, d kv.Durability, tables []kv.Table, fn func(kv.Tx) error) error {
	w.updates = append(w.updates, d)
	return w.Store.Update(ctx, d, tables, fn)
}

// A deletion, of many conversations too, is ONE strict transaction: that is what makes "resolved" mean "durable".
func TestDeleteIsOneStrictTransaction(t *testing.T) {
	w := &watched{Store: kv.NewMemory(Tables...)}
	v, err := Open(context.Background(), w, keyring.NewMemory(), me)
	require.NoError(t, err)
	ds := []Deletion{}
	for _, id := range []string{"C2Ca", "C2Cb", "GROUPc"} {
		_, err := v.Receive(context.Background(), &wire.MessagesEvent{ConversationID: id, Log: uint64(len(ds) + 1), Head: 1, Messages: []wire.Message{message(1, 1, "x")}})
		require.NoError(t, err)
		ds = append(ds, Deletion{ConversationID: id, Scope: wire.ScopeBoth, What: wire.WhatConversation, Hide: true})
	}
	w.updates = nil
	out, err := v.Delete(context.Background(), ds)
	require.NoError(t, err)
	require.Len(t, out, 3)
	require.Equal(t, []kv.Durability{kv.Strict}, w.updates)
	require.Empty(t, v.List())
}
