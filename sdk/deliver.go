package sdk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// serverNow is the server's clock as far as this device knows it, ms: what it was at the welcome, and what has passed since,
// however the device's own clock is set meanwhile. The caller holds a.mu.
func (a *account) serverNow() int64 { return a.welcome.Time + time.Since(a.greeted).Milliseconds() }

// elapsed is how long the session has lasted, ms: what waits for a while does so by this, whatever the device's clock is set to.
func (a *account) elapsed() int64 { return time.Since(a.begun).Milliseconds() }

// enqueue hands stored entries to the outbox, of this tab or of the one that leads. With an answer the caller is told how the
// last one ended.
func (a *account) enqueue(ctx context.Context, answer chan error, entries ...vault.Entry) (offline chan struct{}) {
	if len(entries) == 0 {
		return nil
	}
	a.mu.Lock()
	if answer != nil {
		a.waiting[entries[len(entries)-1].N] = answer
	}
	for _, e := range entries {
		e.Trace = traceOf(ctx)
		if stands, known := a.outbox.add(e); !stands {
			a.run(func() { a.settledMeanwhile(e, known) })
		}
	}
	offline = a.offline
	leading := a.leading
	a.mu.Unlock()
	signal(a.queued)
	if !leading {
		a.poke(tabs.Outbox)
	}
	return offline
}

// flush sends what is owed and waits for the answers, before anything else happens on a connection.
func (a *account) flush(c *connection) {
	for {
		a.mu.Lock()
		ready := a.outbox.take(a.elapsed())
		a.mu.Unlock()
		if len(ready) == 0 {
			return
		}
		var flying sync.WaitGroup
		for _, e := range ready {
			flying.Add(1)
			go func() {
				defer flying.Done()
				a.deliver(c, e)
			}()
		}
		flying.Wait()
		if isOver(c.ended) {
			return
		}
	}
}

// deliverLoop sends what comes into the outbox, until the connection or the lead ends.
func (a *account) deliverLoop(c *connection, lease *tabs.Lease) {
	for {
		a.mu.Lock()
		now := a.elapsed()
		ready := a.outbox.take(now)
		wake := a.outbox.wake()
		a.mu.Unlock()
		for _, e := range ready {
			a.run(func() {
				a.deliver(c, e)
				signal(a.queued)
			})
		}
		var later <-chan time.Time
		if wake > 0 {
			later = time.After(time.Duration(max(wake-now, 1)) * time.Millisecond)
		}
		select {
		case <-a.queued:
		case <-later:
		case <-lease.Over:
			return
		case <-c.ended:
			return
		case <-a.ctx.Done():
			return
		}
	}
}

// errElsewhere: another tab has settled the entry, or deleted what it was about, while this one was at it.
var errElsewhere = errors.New("settled by another tab")

// deliver sends one entry and stores what the server answers.
func (a *account) deliver(c *connection, e vault.Entry) {
	var err error
	switch e.Kind {
	case vault.SendEntry:
		err = a.deliverSend(c, e)
	case vault.DeleteEntry:
		err = a.deliverDelete(c, e)
	case vault.CancelEntry:
		err = a.deliverCancel(c, e)
	case vault.ReadEntry:
		err = a.deliverRead(c, e)
	case vault.LeaveEntry:
		err = a.deliverLeave(c, e)
	default:
		err = a.settleEntry(e, wire.OK) // of a version that this program no longer knows
	}
	if errors.Is(err, errElsewhere) {
		a.settledMeanwhile(e, false)
		return
	}
	a.delivered(e, err)
}

// settleEntry takes an entry out of the vault that ended with this code.
func (a *account) settleEntry(e vault.Entry, code wire.Code) error {
	here, err := a.vault.Settle(a.ctx, e, code)
	if err == nil && !here {
		err = errElsewhere
	}
	return err
}

// settledMeanwhile finds out how an entry ended that another tab has settled; known: the app has been told.
func (a *account) settledMeanwhile(e vault.Entry, known bool) {
	owed, err := a.vault.Owed(a.ctx, true)
	if err != nil {
		a.delivered(e, err)
		return
	}
	a.mu.Lock()
	known = known || a.outbox.told[e.N]
	a.outbox.settle(e.N)
	a.mu.Unlock()
	if owed.Behind {
		a.tellAll()
	}
	code := owed.Refused[e.N]
	if known {
		a.answer(e.N, refusedElsewhere(code))
	} else {
		a.settledElsewhere(e, code)
	}
}

// delivered takes an entry out of the outbox, or puts it back: after a network failure for the next connection, after a
// refusal that may pass for later.
func (a *account) delivered(e vault.Entry, err error) {
	err = storageError(err)
	code := wire.OK
	if err != nil {
		code = wire.CodeOf(err)
	}
	if code == wire.NotReady {
		return // the session has ended, and what is owed stays owed: who waits was let go, and is told so
	}
	if !code.Retryable() {
		a.mu.Lock()
		a.outbox.settle(e.N)
		a.mu.Unlock()
		a.answer(e.N, err)
		a.poke(tabs.Outbox)
		return
	}
	a.mu.Lock()
	a.outbox.retry(e.N, a.elapsed()+retryAfter.Milliseconds())
	a.mu.Unlock()
	if code != wire.NetworkError && code != wire.NetworkTimeout {
		a.report(err)
	}
	signal(a.poked) // another tab may have settled it meanwhile
}

// forGood tells whether the server will answer the same whenever it is asked again.
func forGood(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && !e.Code.Retryable()
}

func (a *account) deliverSend(c *connection, e vault.Entry) error {
	row, ok, err := a.vault.Pending(a.ctx, e)
	if err != nil {
		return err
	}
	if !ok { // deleted, or its key is lost
		if err := a.settleEntry(e, wire.SendCancelled); err != nil {
			return err
		}
		return wire.Errorf(wire.SendCancelled, "the message is not on this device any more")
	}
	if e.FirstAttempt == 0 {
		a.mu.Lock()
		e.FirstAttempt = a.serverNow()
		a.mu.Unlock()
		if err := a.vault.FirstAttempt(a.ctx, e, e.FirstAttempt); err != nil {
			return err
		}
	}
	var ack wire.SendAck
	err = c.request(a.tracing(e), wire.OpSend, (&wire.Send{
		SendID: e.SendID, ConversationID: e.ConversationID, Type: row.Message.Type, Payload: row.Message.Payload,
		FirstAttempt: e.FirstAttempt, Quote: row.Message.Quote,
	}).MarshalMsg, ack.UnmarshalMsg)
	if forGood(err) {
		return a.sendRefused(e, err)
	}
	if err != nil {
		return err
	}
	sent, ok, err := a.vault.Sent(a.ctx, e, ack)
	if err != nil {
		return err
	}
	if !ok {
		return errElsewhere
	}
	if sent.Gone {
		a.settle(e.ConversationID, &sent.Settled)
		a.listChanged(e.ConversationID)
	} else {
		a.messageSent(e, &sent)
	}
	if sent.Row.Message.Type == wire.TypeRecalled {
		signal(a.sweep)
	}
	a.poke(tabs.Changed)
	return a.freshen(c, e.ConversationID)
}

func (a *account) sendRefused(e vault.Entry, refusal error) error {
	code := wire.CodeOf(refusal)
	failed, ok, err := a.vault.Refused(a.ctx, e, code)
	if err != nil {
		return err
	}
	if !ok {
		return errElsewhere
	}
	a.messageFailed(e, failed.Row, code)
	a.poke(tabs.Changed)
	return refusal
}

func (a *account) deliverDelete(c *connection, e vault.Entry) error {
	var ack wire.DeleteAck
	err := c.request(a.tracing(e), wire.OpDelete, (&wire.Delete{
		OpID: e.OpID, ConversationID: e.ConversationID, Scope: e.Scope, What: e.What, Anchor: e.Anchor, Before: e.Before,
		Ranges: e.Ranges, Hide: e.Hide,
	}).MarshalMsg, ack.UnmarshalMsg)
	if forGood(err) {
		return a.deletionRefused(e, err)
	}
	if err != nil {
		return err
	}
	settled, here, err := a.vault.Acknowledged(a.ctx, e, &ack, a.syncsDeletions())
	if err != nil {
		return err
	}
	if !here {
		return errElsewhere
	}
	a.settle(e.ConversationID, &settled)
	a.tellDeletion(e, wire.OK)
	if e.What == wire.WhatTime {
		a.poke(tabs.Changed) // the book has the seq now
	}
	return a.freshen(c, e.ConversationID)
}

// syncsDeletions tells whether the app's deletions reach all devices of a user.
func (a *account) syncsDeletions() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.welcome.SyncDeletions
}

// freshen refreshes a conversation whose preview or count this device cannot tell by itself.
func (a *account) freshen(c *connection, conversationID string) error {
	conv, ok := a.vault.Find(conversationID)
	if !ok || conv.Record == nil || conv.Record.Log == 0 {
		return nil
	}
	if conv.Record.Stale {
		return a.refresh(c, conversationID)
	}
	return a.fillUnread(c, conversationID)
}

// freshenSoon freshens conversations in the background, while there is a connection.
func (a *account) freshenSoon(conversationIDs ...string) {
	c := a.online()
	if c == nil {
		return
	}
	a.run(func() {
		for _, id := range conversationIDs {
			if err := a.freshen(c, id); err != nil {
				a.failed(c, err)
				return
			}
		}
	})
}

func (a *account) deletionRefused(e vault.Entry, refusal error) error {
	code := wire.CodeOf(refusal)
	if err := a.settleEntry(e, code); err != nil {
		return err
	}
	a.tellDeletion(e, code)
	return refusal
}

// tellDeletion tells the app what became of a deletion at the server.
func (a *account) tellDeletion(e vault.Entry, code wire.Code) {
	event := EventDeletionAcknowledged
	if code != wire.OK {
		event = EventDeletionRefused
	}
	a.client.emit(event, (&DeletionEvent{OpID: hexID(e.OpID), ConversationID: e.ConversationID, Code: code}).MarshalMsg)
}

func (a *account) deliverCancel(c *connection, e vault.Entry) error {
	var ack wire.CancelAck
	err := c.request(a.tracing(e), wire.OpCancel, (&wire.Cancel{
		OpID: e.OpID, SendID: e.SendID, ConversationID: e.ConversationID, Scope: e.Scope, Hide: e.Hide,
	}).MarshalMsg, ack.UnmarshalMsg)
	if forGood(err) {
		return a.deletionRefused(e, err)
	}
	if err != nil {
		return err
	}
	settled, here, err := a.vault.Cancelled(a.ctx, e, &ack, a.syncsDeletions())
	if err != nil {
		return err
	}
	if !here {
		return errElsewhere
	}
	a.settle(e.ConversationID, &settled)
	if !ack.Never {
		a.poke(tabs.Changed) // its seq has joined the book
	}
	return a.freshen(c, e.ConversationID)
}

func (a *account) deliverRead(c *connection, e vault.Entry) error {
	var ack wire.ReadAck
	err := c.request(a.tracing(e), wire.OpRead, (&wire.Read{ConversationID: e.ConversationID, UpTo: e.Anchor}).MarshalMsg, ack.UnmarshalMsg)
	if err != nil && !forGood(err) {
		return err
	}
	if err := a.settleEntry(e, wire.OK); err != nil {
		return err
	}
	return err
}
