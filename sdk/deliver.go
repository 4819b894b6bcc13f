package sdk

import (
	"errors"
	"sync"
	"time"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// serverNow is the server's clock as far as this device knows it, ms. The caller holds a.mu.
func (a *account) serverNow() int64 { return a.client.options.Now().UnixMilli() + a.clock }

// enqueue hands stored entries to the outbox and wakes it. With an answer the caller is told how the last one ended.
func (a *account) enqueue(answer chan error, entries ...vault.Entry) (offline chan struct{}) {
	if len(entries) == 0 {
		return nil
	}
	a.mu.Lock()
	a.outbox.add(entries...)
	if answer != nil {
		a.waiting[entries[len(entries)-1].N] = answer
	}
	offline = a.offline
	a.mu.Unlock()
	signal(a.queued)
	return offline
}

// flush sends what is owed and waits for the answers, before anything else happens on a connection.
func (a *account) flush(c *connection) {
	for {
		a.mu.Lock()
		ready := a.outbox.take(a.client.options.Now().UnixMilli())
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
		select {
		case <-c.ended:
			return
		default:
		}
	}
}

// deliverLoop sends what comes into the outbox, until the connection ends.
func (a *account) deliverLoop(c *connection) {
	for {
		a.mu.Lock()
		now := a.client.options.Now().UnixMilli()
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
		case <-c.ended:
			return
		case <-a.ctx.Done():
			return
		}
	}
}

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
		err = a.vault.Settle(a.ctx, e) // of a version that this program no longer knows
	}
	a.delivered(c, e, err)
}

// delivered takes an entry out of the outbox, or puts it back: after a network failure for the next connection, after a
// refusal that may pass for later.
func (a *account) delivered(c *connection, e vault.Entry, err error) {
	code := wire.OK
	if err != nil {
		code = wire.CodeOf(storageError(err))
	}
	a.mu.Lock()
	answer := a.waiting[e.N]
	back := code.Retryable()
	if back {
		a.outbox.retry(e.N, a.client.options.Now().Add(retryAfter).UnixMilli())
	} else {
		a.outbox.settle(e.N)
		delete(a.waiting, e.N)
	}
	a.mu.Unlock()
	if answer != nil && !back {
		answer <- err
	}
	if back && code != wire.NetworkError && code != wire.NetworkTimeout {
		a.report(err)
	}
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
	if !ok {
		return a.vault.Settle(a.ctx, e)
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
	err = c.request(a.ctx, wire.OpSend, (&wire.Send{
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
	if err != nil || !ok {
		return err
	}
	a.messageSent(e, &sent)
	return a.freshen(c, e.ConversationID)
}

func (a *account) sendRefused(e vault.Entry, refusal error) error {
	failed, ok, err := a.vault.Refused(a.ctx, e)
	if err != nil {
		return err
	}
	if ok {
		conv, _ := a.vault.Find(e.ConversationID)
		a.client.emit(EventMessageFailed, (&MessageFailedEvent{
			Message: a.message(&conv, failed.Ordinal, failed.Row), Code: wire.CodeOf(refusal),
		}).MarshalMsg)
		a.changed(e.ConversationID)
	}
	return refusal
}

func (a *account) deliverDelete(c *connection, e vault.Entry) error {
	var ack wire.DeleteAck
	err := c.request(a.ctx, wire.OpDelete, (&wire.Delete{
		OpID: e.OpID, ConversationID: e.ConversationID, Scope: e.Scope, What: e.What, Anchor: e.Anchor, Before: e.Before,
		Ranges: e.Ranges, Hide: e.Hide,
	}).MarshalMsg, ack.UnmarshalMsg)
	if forGood(err) {
		return a.deletionRefused(e, err)
	}
	if err != nil {
		return err
	}
	settled, err := a.vault.Acknowledged(a.ctx, e, &ack)
	if err != nil {
		return err
	}
	a.settle(e.ConversationID, &settled)
	a.client.emit(EventDeletionAcknowledged, (&DeletionEvent{OpID: hexID(e.OpID), ConversationID: e.ConversationID}).MarshalMsg)
	return a.freshen(c, e.ConversationID)
}

// freshen refreshes a conversation whose preview or count a deletion left open.
func (a *account) freshen(c *connection, conversationID string) error {
	conv, ok := a.vault.Find(conversationID)
	if !ok || conv.Record == nil || !conv.Record.Stale || conv.Record.Log == 0 {
		return nil
	}
	return a.refresh(c, conversationID)
}

func (a *account) deletionRefused(e vault.Entry, refusal error) error {
	if err := a.vault.Settle(a.ctx, e); err != nil {
		return err
	}
	a.client.emit(EventDeletionRefused, (&DeletionEvent{
		OpID: hexID(e.OpID), ConversationID: e.ConversationID, Code: wire.CodeOf(refusal),
	}).MarshalMsg)
	return refusal
}

func (a *account) deliverCancel(c *connection, e vault.Entry) error {
	var ack wire.CancelAck
	err := c.request(a.ctx, wire.OpCancel, (&wire.Cancel{
		OpID: e.OpID, SendID: e.SendID, ConversationID: e.ConversationID, Scope: e.Scope, Hide: e.Hide,
	}).MarshalMsg, ack.UnmarshalMsg)
	if forGood(err) {
		return a.deletionRefused(e, err)
	}
	if err != nil {
		return err
	}
	settled, err := a.vault.Cancelled(a.ctx, e, &ack)
	if err != nil {
		return err
	}
	a.settle(e.ConversationID, &settled)
	return a.freshen(c, e.ConversationID)
}

func (a *account) deliverRead(c *connection, e vault.Entry) error {
	var ack wire.ReadAck
	err := c.request(a.ctx, wire.OpRead, (&wire.Read{ConversationID: e.ConversationID, UpTo: e.Anchor}).MarshalMsg, ack.UnmarshalMsg)
	if err != nil && !forGood(err) {
		return err
	}
	if e := a.vault.Settle(a.ctx, e); e != nil {
		return e
	}
	return err
}
