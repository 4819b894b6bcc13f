package vault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

func TestRecallTakesTheContentAndLeavesANotice(t *testing.T) {
	b := newBench(t)
	b.fill(300)
	b.grow(2, nil)
	require.NoError(t, b.receive(301))
	require.NoError(t, b.receive(302))
	b.delete(Deletion{What: wire.WhatMessages, Seqs: []uint64{7}, Scope: wire.ScopeLocal})
	gap, err := b.v.Recall(b.ctx, conversation, []wire.Recalled{
		{Seq: 5, By: "peer", Time: 9, Change: 1}, {Seq: 7, By: "peer", Time: 9, Change: 2}, {Seq: 302, Time: 9, Change: 3},
	})
	require.NoError(t, err)
	require.False(t, gap)
	rows, err := b.v.Rows(b.ctx, conversation, []uint64{5, 7, 302})
	require.NoError(t, err)
	require.Len(t, rows, 2, "no notice where this user has deleted")
	require.Equal(t, wire.TypeRecalled, rows[5].Message.Type)
	var notice wire.RecallNotice
	_, err = notice.UnmarshalMsg(rows[5].Message.Payload)
	require.NoError(t, err)
	require.Equal(t, wire.RecallNotice{By: "peer", Time: 9}, notice)
	c, _ := b.v.Find(conversation)
	require.Equal(t, wire.TypeRecalled, c.Record.Last.Message.Type, "the preview too")
	for _, seq := range []uint64{5, 302} {
		require.False(t, b.payloads()[string(b.log[seq-1].Payload)], "the text of %d is still stored", seq)
	}
	require.EqualValues(t, 3, c.Ledger.Book.RecallNumber())

	gap, err = b.v.Recall(b.ctx, conversation, []wire.Recalled{{Seq: 5, By: "peer", Time: 9, Change: 1}})
	require.NoError(t, err)
	require.False(t, gap, "again")
}

func TestRecallReachesLateArrivals(t *testing.T) {
	b := newBench(t)
	b.grow(600, nil)
	require.NoError(t, b.receive(600))
	_, err := b.v.Recall(b.ctx, conversation, []wire.Recalled{{Seq: 3, By: "peer", Time: 9, Change: 1}})
	require.NoError(t, err)
	require.NoError(t, b.ingest(1, 600), "a page that was on its way brings the text")
	require.False(t, b.payloads()[string(b.log[2].Payload)])
	rows, err := b.v.Rows(b.ctx, conversation, []uint64{3, 4})
	require.NoError(t, err)
	require.Equal(t, wire.TypeRecalled, rows[3].Message.Type)
	require.Equal(t, wire.TypeText, rows[4].Message.Type)
}

// A page may know of a recall before the device is told of it: what the preview says follows, though its row was never here.
func TestAPageTellsThePreviewOfARecall(t *testing.T) {
	b := toldOf(t)
	was := b.log[4]
	notice, err := (&wire.RecallNotice{By: "peer", Time: 9}).MarshalMsg(nil)
	require.NoError(t, err)
	b.log[4].Type, b.log[4].Payload = wire.TypeRecalled, notice
	require.NoError(t, b.ingest(1, 5))
	require.Equal(t, b.log[4], b.record().Last.Message)
	b.reclaim()
	require.False(t, b.readable()[string(was.Payload)], "the record's key has gone")
}

func TestRecallWithAGapAsksAgain(t *testing.T) {
	b := newBench(t)
	b.fill(10)
	gap, err := b.v.Recall(b.ctx, conversation, []wire.Recalled{{Seq: 3, Change: 2}})
	require.NoError(t, err)
	require.True(t, gap)
	c, _ := b.v.Find(conversation)
	require.Zero(t, c.Ledger.Book.RecallNumber())
	gap, err = b.v.Recall(b.ctx, conversation, []wire.Recalled{{Seq: 2, Change: 1}, {Seq: 3, Change: 2}})
	require.NoError(t, err)
	require.False(t, gap)
	c, _ = b.v.Find(conversation)
	require.EqualValues(t, 2, c.Ledger.Book.RecallNumber())
}

func TestLeavingARoomLeavesNothing(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.v.EnterRoom(b.ctx, "ROOMr", &wire.JoinAck{Log: 9, Head: 4, From: 5}))
	e := &wire.MessagesEvent{ConversationID: "ROOMr", Log: 9, Head: 5, Messages: []wire.Message{message(5, 50, "peer")}}
	_, err := b.v.Receive(b.ctx, e)
	require.NoError(t, err)
	v, err := b.v.Page(b.ctx, Query{ConversationID: "ROOMr", Count: 10})
	require.NoError(t, err)
	require.Len(t, v.Rows, 1)
	require.True(t, v.Completed, "what was said before is not for this device")
	d, err := b.v.LeaveRoom(b.ctx, "ROOMr", true)
	require.NoError(t, err)
	require.Equal(t, LeaveEntry, d.Entries[0].Kind)
	b.reclaim()
	require.Empty(t, b.stored())
	require.Empty(t, b.v.All())
	_, err = b.v.Receive(b.ctx, e)
	require.NoError(t, err)
	require.Empty(t, b.v.All(), "a push that comes late finds no room")
	require.NoError(t, b.v.EnterRoom(b.ctx, "ROOMr", &wire.JoinAck{Log: 9, Head: 5, From: 1}))
	v, err = b.v.Page(b.ctx, Query{ConversationID: "ROOMr", Count: 10})
	require.NoError(t, err)
	require.NotNil(t, v.Gap, "coming in again, its history can be asked for again")
}

func TestCompensationCountsOnlyWhatCame(t *testing.T) {
	b := newBench(t)
	b.grow(10, nil)
	require.NoError(t, b.receive(10))
	page := b.pageOf(4, 6)
	page.From, page.To, page.First = 1, 9, true // the rest is too old to be given
	require.NoError(t, b.v.Ingest(b.ctx, conversation, &Page{Page: page, Compensation: true}))
	seqs, completed := b.view()
	require.Equal(t, []uint64{4, 5, 6, 10}, seqs)
	require.False(t, completed, "the history may have more")
}
