package vault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// What is derived from the view, preview and unread, follows the view, whoever made it smaller.

// toldOf is a bench that was told of a conversation of five unread messages and holds none of them.
func toldOf(t *testing.T) *bench {
	b := newBench(t)
	b.grow(5, nil)
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{{
		ConversationID: conversation, Log: 7, Head: 5, Time: 50, Last: &b.log[4], Unread: 5,
	}})
	require.NoError(t, err)
	return b
}

func (b *bench) record() *Record {
	c, ok := b.v.Find(conversation)
	require.True(b.t, ok)
	return c.Record
}

func TestPreviewFollowsTheHistoryWhereNoRowIsHere(t *testing.T) {
	b := toldOf(t)
	require.EqualValues(t, 5, b.record().Last.Message.Seq)
	gone := wire.Ledger{Ranges: wire.RangesOf(5)}
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{{ConversationID: conversation, Surface: wire.SurfaceHistory, Ledger: gone}}})
	require.NoError(t, err)
	require.Nil(t, b.record().Last, "another device has deleted it from the history, and this one never had it")
	require.True(t, b.record().Stale, "the server is asked for the one before")

	b = toldOf(t)
	require.NoError(t, b.ingest(1, 5))
	_, err = b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{{ConversationID: conversation, Surface: wire.SurfaceHistory, Ledger: gone}}})
	require.NoError(t, err)
	require.EqualValues(t, 5, b.record().Last.Message.Seq, "the history never takes away what a device holds")
}

// This device has 7 and was only told of 8 and 9. Then the history loses all three.
func TestPreviewIsWhatIsHereThoughTheHistoryLostIt(t *testing.T) {
	b := newBench(t)
	b.fill(7)
	b.grow(2, nil)
	head := wire.HeadState{ConversationID: conversation, Log: 7, Head: 9, Time: 90, Last: &b.log[8], Unread: 9}
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{head})
	require.NoError(t, err)
	_, err = b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{
		{ConversationID: conversation, Surface: wire.SurfaceHistory, Ledger: wire.Ledger{Ranges: wire.RangesOf(7, 8, 9)}},
	}})
	require.NoError(t, err)
	require.True(t, b.record().Stale)
	head.Last, head.Unread = &b.log[5], 6
	_, err = b.v.ApplyHeads(b.ctx, []wire.HeadState{head})
	require.NoError(t, err)
	require.EqualValues(t, 7, b.record().Last.Message.Seq, "the view has it, the server's list has not")
}

func TestUnreadLeavesOutWhatOnlyThisDeviceHides(t *testing.T) {
	b := toldOf(t)
	b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatMessages, Seqs: []uint64{2, 4}})
	head := wire.HeadState{ConversationID: conversation, Log: 7, Head: 5, Time: 50, Last: &b.log[4], Unread: 5}
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{head})
	require.NoError(t, err)
	require.EqualValues(t, 3, b.record().Unread, "the server does not know of them")
	require.NoError(t, b.ingest(1, 5))
	require.EqualValues(t, 3, b.record().Unread)
	require.False(t, b.record().Recount, "all of it is here: it is counted")
}

func TestUnreadIsAskedAgainWhereMoreIsReadHere(t *testing.T) {
	b := toldOf(t)
	require.NoError(t, b.ingest(1, 5))
	b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatConversation, UpTo: 3})
	head := wire.HeadState{ConversationID: conversation, Log: 7, Head: 5, Time: 50, Last: &b.log[4], Unread: 5}
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{head})
	require.NoError(t, err)
	require.True(t, b.record().Stale, "the server counted from 0 on, and here all is read up to 3")
	head.Unread = 2
	_, err = b.v.ApplyHeads(b.ctx, []wire.HeadState{head}, wire.Head{ConversationID: conversation, ReadUpTo: 3})
	require.NoError(t, err)
	require.False(t, b.record().Stale)
	require.EqualValues(t, 2, b.record().Unread)
}

func TestPreviewIsTheNewestBesideOneThatFailed(t *testing.T) {
	b := newBench(t)
	send := func(id byte) Sending {
		m := message(0, 10, me)
		m.SendID = wire.ID{id}
		s, err := b.v.Append(b.ctx, conversation, m)
		require.NoError(t, err)
		return s
	}
	first, second := send(1), send(2)
	_, ok, err := b.v.Refused(b.ctx, first.Entry, wire.PermissionDenied)
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, err = b.v.Sent(b.ctx, second.Entry, wire.SendAck{Log: 7, Seq: 1, Time: 20})
	require.NoError(t, err)
	require.True(t, ok)
	page, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 5, AcrossGaps: true})
	require.NoError(t, err)
	require.Equal(t, page.Rows[0].Slot, b.record().LastSlot, "unsent ones are the newest, failed ones too")
}

func TestHiddenConversationStillHasWhatNeverCame(t *testing.T) {
	b := newBench(t)
	b.grow(8, nil)
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{{ConversationID: conversation, Log: 7, Head: 7, Time: 70, Last: &b.log[6]}})
	require.NoError(t, err)
	b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatConversation, Hide: true})
	_, err = b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{{
		ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: wire.Ledger{HiddenAt: 9},
	}}})
	require.NoError(t, err)
	page, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 10})
	require.NoError(t, err)
	require.False(t, page.Completed)
	require.EqualValues(t, 8, page.Gap.To, "another device has hidden it with a message that this one never saw")
}

func TestUnreadIsAskedForWhereAConversationComesBack(t *testing.T) {
	b := newBench(t)
	b.grow(8, nil)
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{{
		ConversationID: conversation, Surface: wire.SurfaceDevices, Ledger: wire.Ledger{HiddenAt: 8},
	}}})
	require.NoError(t, err)
	require.NoError(t, b.receive(8))
	require.True(t, b.record().Stale, "of the seven before it nobody knows how many are unread")
}

func TestPreviewIsFoundBelowWhatIsGone(t *testing.T) {
	b := toldOf(t) // the preview is 5
	page := b.pageOf(1, 3)
	require.NoError(t, b.v.Ingest(b.ctx, conversation, &Page{Page: page}))
	gone := wire.Ledger{Ranges: wire.RangesOf(4, 5)}
	_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Ledgers: []wire.LedgerRow{{ConversationID: conversation, Surface: wire.SurfaceHistory, Ledger: gone}}})
	require.NoError(t, err)
	require.Nil(t, b.record().Last, "what is above 3 was never here")
	require.NoError(t, b.v.Ingest(b.ctx, conversation, &Page{Page: &wire.Page{Log: 7, Head: 5, From: 4, To: 5}}))
	require.NotNil(t, b.record().Last)
	require.EqualValues(t, 3, b.record().Last.Message.Seq)
}

// cancelled takes back a message that the server had nevertheless.
func (b *bench) cancelled(seq uint64) {
	b.t.Helper()
	m := message(0, 10, me)
	m.SendID = wire.ID{9}
	s, err := b.v.Append(b.ctx, conversation, m)
	require.NoError(b.t, err)
	d := b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatMessages, Slots: []uint32{s.Row.Slot}})
	require.Len(b.t, d.Entries, 1)
	_, here, err := b.v.Cancelled(b.ctx, d.Entries[0], &wire.CancelAck{Seq: seq}, true)
	require.NoError(b.t, err)
	require.True(b.t, here)
}

func TestUnreadIsAskedForWhereACancelTellsOfTheHead(t *testing.T) {
	b := toldOf(t)
	require.NoError(t, b.ingest(1, 5))
	_, err := b.v.MarkRead(b.ctx, conversation)
	require.NoError(t, err)
	b.grow(3, nil)
	b.cancelled(8)
	require.True(t, b.record().Stale, "of 6 and 7 nobody knows who wrote them")
	require.NoError(t, b.receive(6, 7))
	require.True(t, b.record().Stale)
}

func TestUnreadOfALateAnswerCountsWhatCameMeanwhile(t *testing.T) {
	b := toldOf(t)
	b.grow(2, nil)
	require.NoError(t, b.receive(6, 7))
	late := wire.HeadState{ConversationID: conversation, Log: 7, Head: 5, Time: 50, Last: &b.log[4], Unread: 5}
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{late})
	require.NoError(t, err)
	require.EqualValues(t, 7, b.record().Unread, "another tab took 6 and 7 in while this one waited for its answer")
	require.False(t, b.record().Stale)

	b = toldOf(t)
	b.grow(3, nil)
	require.NoError(t, b.receive(8))
	_, err = b.v.ApplyHeads(b.ctx, []wire.HeadState{late})
	require.NoError(t, err)
	require.True(t, b.record().Stale, "6 and 7 are not here, and not in the answer")
}

func TestUnreadIsCountedOnceTheMessagesAreHere(t *testing.T) {
	b := toldOf(t)
	b.log[4].From = me
	b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatMessages, Seqs: []uint64{5}})
	head := wire.HeadState{ConversationID: conversation, Log: 7, Head: 5, Time: 50, Last: &b.log[4], Unread: 4}
	_, err := b.v.ApplyHeads(b.ctx, []wire.HeadState{head})
	require.NoError(t, err)
	gap, missing := b.v.Uncounted(conversation)
	require.True(t, missing, "whether the server counted what is hidden here, only the messages say")
	require.Equal(t, ledger.Interval{From: 1, To: 4}, gap)
	require.NoError(t, b.receive(1, 2, 3, 4))
	require.EqualValues(t, 4, b.record().Unread)
	_, missing = b.v.Uncounted(conversation)
	require.False(t, missing)
}

func TestPreviewIsWhatWasFasterThanTheAnswer(t *testing.T) {
	b := newBench(t)
	b.grow(3, nil)
	m := message(0, 10, me)
	m.SendID = wire.ID{1}
	s, err := b.v.Append(b.ctx, conversation, m)
	require.NoError(t, err)
	require.NoError(t, b.receive(2, 3))
	_, ok, err := b.v.Sent(b.ctx, s.Entry, wire.SendAck{Log: 7, Seq: 1, Time: 20})
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 3, b.record().Last.Message.Seq)
}

func TestHeadIsAskedForWhereAGroupWasLeft(t *testing.T) {
	b := toldOf(t)
	_, err := b.v.MarkRead(b.ctx, conversation)
	require.NoError(t, err)
	_, err = b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Spans: []wire.SpanRow{{ConversationID: conversation, Log: 7, Left: 8}}})
	require.NoError(t, err)
	require.True(t, b.record().Stale, "another device has left: what was said last before is not pushed any more")
}

// What is said last in a group that is hidden here, before another device leaves it, is never pushed.
func TestALeftGroupComesBackWithWhatWasSaidLast(t *testing.T) {
	for _, last := range []uint64{5, 6} {
		b := newBench(t)
		b.fill(5)
		b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatConversation, Hide: true})
		_, err := b.v.ApplyRows(b.ctx, &wire.Rows{N: 1, Spans: []wire.SpanRow{{ConversationID: conversation, Log: 7, Left: last + 1}}})
		require.NoError(t, err)
		if last == 5 {
			require.Nil(t, b.record(), "nothing was said since")
			continue
		}
		require.NotNil(t, b.record())
		require.True(t, b.record().Left)
		require.True(t, b.record().Stale, "the head is asked for")
		v, err := b.v.Page(b.ctx, Query{ConversationID: conversation, Count: 10})
		require.NoError(t, err)
		require.Equal(t, &ledger.Interval{From: 6, To: 6}, v.Gap)
	}
}

func TestWhatCameAfterTheWholeIsNotDeleted(t *testing.T) {
	b := newBench(t)
	b.fill(5)
	b.delete(Deletion{Scope: wire.ScopeLocal, What: wire.WhatConversation, Hide: true})
	require.Nil(t, b.record())
	require.True(t, b.v.Deleted(7, 5))
	require.False(t, b.v.Deleted(7, 6), "another tab may have shown it already: to say that it is deleted would be a lie")
	require.False(t, b.v.Deleted(8, 5), "a log that was never here")
}
