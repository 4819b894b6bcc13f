package vault

import (
	"context"
	"fmt"
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
	owed, err := b.v.Owed(b.ctx, false)
	require.NoError(b.t, err)
	for _, e := range owed.Entries {
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
	owed, err := b.v.Owed(b.ctx, false)
	require.NoError(t, err)
	require.NotEqual(t, owed.Entries[0].OpID, owed.Entries[1].OpID)
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

// A conversation that was emptied begins its slots anew: who names a message by a number of before does not mean what came since.
func TestNumbersOfAnEmptiedConversationNameNothing(t *testing.T) {
	for name, meet := range map[string]func(*bench, Deletion){
		"here": func(b *bench, d Deletion) {
			d.Scope = wire.ScopeLocal
			out, err := b.v.Delete(b.ctx, []Deletion{d})
			require.NoError(b.t, err)
			require.NoError(b.t, out[0].Err, "it is gone")
			require.Empty(b.t, out[0].Entries)
		},
		"there": func(b *bench, d Deletion) {
			out, err := b.v.Delete(b.ctx, []Deletion{d})
			require.NoError(b.t, err)
			require.Equal(b.t, wire.MessageNotFound, wire.CodeOf(out[0].Err), "nothing tells where the server has it")
		},
		"recalled": func(b *bench, d Deletion) {
			_, ok, err := b.v.SentSeq(b.ctx, conversation, d.Ordinal, d.Slots[0])
			require.NoError(b.t, err)
			require.False(b.t, ok)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.fill(10)
			before := b.record().Ordinal
			s := b.unsent(1)
			_, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
			require.NoError(t, err)
			require.True(t, ok)
			require.NoError(t, b.delete(Deletion{What: wire.WhatConversation}).Err)
			require.NotEqual(t, before, b.record().Ordinal)
			anew := b.unsent(2)
			require.Equal(t, s.Row.Slot, anew.Row.Slot)
			meet(b, Deletion{
				ConversationID: conversation, Scope: wire.ScopeBoth, What: wire.WhatMessages,
				Slots: []uint32{s.Row.Slot}, Ordinal: before,
			})
			row, ok, err := b.v.Pending(b.ctx, anew.Entry)
			require.NoError(t, err)
			require.True(t, ok, "what was written since stays")
			require.Equal(t, anew.Row.Slot, row.Slot)
		})
	}
}

func TestARefusedMessageStaysAsFailedAndCanBeDeleted(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	s := b.unsent(1)
	_, ok, err := b.v.Refused(b.ctx, s.Entry, wire.PermissionDenied)
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
	_, _, err := b.v.Cancelled(b.ctx, d.Entries[0], &wire.CancelAck{Seq: 11}, true)
	require.NoError(t, err)
	b.log = append(b.log, message(11, 120, me))
	require.NoError(t, b.receive(11))
	seqs, _ := b.view()
	require.Len(t, seqs, 10, "its push comes late and stays out")
	require.Empty(t, b.kinds())
}

func TestACancelledSendIsNotShownBeforeTheCancelIsAnswered(t *testing.T) {
	for name, come := range map[string]func(*bench){
		"push": func(b *bench) { require.NoError(b.t, b.receive(11)) },
		"page": func(b *bench) { require.NoError(b.t, b.ingest(1, 11)) },
		"head": func(b *bench) {
			_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{{ConversationID: conversation, Log: 7, Head: 11, Last: &b.log[10]}})
			require.NoError(b.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.fill(10)
			s := b.unsent(1)
			d := b.delete(Deletion{What: wire.WhatMessages, Slots: []uint32{s.Row.Slot}, OpID: wire.ID{9}})
			was := message(11, 120, me)
			was.SendID = s.Entry.SendID
			b.log = append(b.log, was)
			come(b)
			seqs, _ := b.view()
			require.Len(t, seqs, 10, "the send was on its way when it was deleted here")
			require.NotContains(t, b.stored(), uint64(11))
			if last := b.record().Last; last != nil {
				require.NotEqual(t, uint64(11), last.Message.Seq)
			}
			require.Equal(t, []Kind{CancelEntry}, b.kinds(), "the server is still to hear of it")
			_, here, err := b.v.Cancelled(b.ctx, d.Entries[0], &wire.CancelAck{Seq: 11}, true)
			require.NoError(t, err)
			require.True(t, here)
			seqs, _ = b.view()
			require.Len(t, seqs, 10)
		})
	}
}

func (b *bench) clearedElsewhere(through uint64) {
	b.t.Helper()
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{
		{ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: wire.Ledger{Through: through}},
	}})
	require.NoError(b.t, err)
}

func TestASendThatArrivedIsDeletedBeforeItsAnswer(t *testing.T) {
	for name, come := range map[string]func(*bench){
		"push": func(b *bench) { require.NoError(b.t, b.receive(11)) },
		"page": func(b *bench) { require.NoError(b.t, b.ingest(1, 11)) },
		"head": func(b *bench) {
			_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{{ConversationID: conversation, Log: 7, Head: 11, Last: &b.log[10]}})
			require.NoError(b.t, err)
		},
	} {
		for _, deletedFirst := range []bool{false, true} {
			t.Run(fmt.Sprint(name, deletedFirst), func(t *testing.T) {
				b := newBench(t)
				b.fill(10)
				s := b.unsent(1)
				was := message(11, 120, me)
				was.SendID = s.Entry.SendID
				b.log = append(b.log, was)
				if deletedFirst {
					b.clearedElsewhere(11)
				}
				come(b)
				require.True(t, b.v.Arrived())
				require.False(t, b.v.Arrived(), "it is told once")
				require.Empty(t, b.kinds(), "the server has it")
				if !deletedFirst {
					seqs, _ := b.view()
					require.Len(t, seqs, 11, "it is there once")
					row, _, ok, err := b.v.FindSent(b.ctx, conversation, s.Ordinal, s.Row.Slot)
					require.NoError(t, err)
					require.True(t, ok, "under both names")
					require.EqualValues(t, 11, row.Message.Seq)
					b.clearedElsewhere(11)
				}
				view, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 20})
				require.NoError(t, err)
				require.Empty(t, view.Rows)
				require.Nil(t, b.record().Last)
				_, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
				require.NoError(t, err)
				require.False(t, ok, "the answer comes late and brings nothing back")
				b.reclaim()
				b.requireGone(func(uint64) bool { return true }, "its place was known")
			})
		}
	}
}

func TestASendThatWasDeletedBeforeItsPlaceWasKnownGoesWithTheAnswer(t *testing.T) {
	for name, others := range map[string]int{"alone": 0, "beside others": 1} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.fill(10)
			s := b.unsent(1)
			b.log = append(b.log, message(11, 120, me))
			b.clearedElsewhere(11)
			b.grow(others, nil)
			if others > 0 {
				require.NoError(t, b.receive(12))
			}
			sent, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
			require.NoError(t, err)
			require.True(t, ok && sent.Gone)
			require.Equal(t, []uint32{s.Row.Slot}, sent.Settled.Slots)
			view, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 20})
			require.NoError(t, err)
			require.Len(t, view.Rows, others)
			if last := b.record().Last; others == 0 {
				require.Nil(t, last)
			} else {
				require.EqualValues(t, 12, last.Message.Seq)
			}
			b.reclaim()
			b.requireGone(func(seq uint64) bool { return seq <= 11 }, "the answer told its place")
		})
	}
}

// The server has the message, and another device, or tab, has heard of it, before the answer comes here.
func TestASendThatWasDeletedBeforeItsAnswer(t *testing.T) {
	for name, deleted := range map[string]wire.Ledger{
		"alone":            {Ranges: wire.RangesOf(11)},
		"with the history": {Through: 11},
		"and hidden":       {Through: 11, HiddenAt: 12},
		"below another":    {Ranges: wire.RangesOf(11), Through: 5},
	} {
		for _, pushed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", pushed: ", pushed), func(t *testing.T) {
				b := newBench(t)
				b.fill(10)
				s := b.unsent(1)
				b.log = append(b.log, message(11, 120, me))
				if pushed {
					require.NoError(t, b.receive(11))
				}
				_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{
					{ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: deleted},
				}})
				require.NoError(t, err)
				out, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, []uint32{s.Row.Slot}, out.Settled.Slots, "the app knows it by this name")
				require.Empty(t, b.kinds())
				view, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 1})
				require.NoError(t, err)
				if deleted.Through == 11 {
					require.Empty(t, view.Rows)
				} else {
					require.EqualValues(t, 10, view.Rows[0].Slot)
				}
				c, _ := b.v.Find(conversation)
				require.Equal(t, deleted.HiddenAt > 0, c.Record == nil)
				b.derived(0)
				b.reclaim()
				b.requireGone(func(seq uint64) bool { return seq == 11 || seq <= deleted.Through }, name)
			})
		}
	}
}

func TestASendThatWasRecalledBeforeItsAnswer(t *testing.T) {
	for _, pushed := range []bool{false, true} {
		b := newBench(t)
		b.fill(10)
		s := b.unsent(1)
		b.log = append(b.log, message(11, 120, me))
		if pushed {
			require.NoError(t, b.receive(11))
		}
		_, err := b.v.Recall(b.ctx, conversation, []wire.Recalled{{Seq: 11, By: me, Time: 130, Change: 1}})
		require.NoError(t, err)
		out, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 11, Time: 120})
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, wire.TypeRecalled, out.Row.Message.Type)
		require.Equal(t, wire.TypeRecalled, b.record().Last.Message.Type)
		rows, err := b.v.Rows(b.ctx, conversation, []uint64{11})
		require.NoError(t, err)
		require.Equal(t, wire.TypeRecalled, rows[11].Message.Type)
		b.reclaim()
		b.requireGone(func(seq uint64) bool { return seq == 11 }, "pushed: %v", pushed)
	}
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
