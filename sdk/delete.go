package sdk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// DeleteConversation deletes conversations from the list, in both places: with their history, or keeping it.
// Errors: ParameterInvalid, ConversationIDInvalid, LimitExceeded, ConversationNotFound, Offline, storage.
func (c *Client) DeleteConversation(ctx context.Context, r *DeleteConversationRequest) (*DeleteConversationResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	ids, err := conversationList(r.ConversationIDList)
	if err != nil {
		return nil, err
	}
	what := wire.WhatConversation
	if r.ClearHistoryMessage != nil && !*r.ClearHistoryMessage {
		what = wire.WhatNothing
	}
	batch := &deletionBatch{awaitErasure: r.AwaitErasure}
	for _, id := range ids {
		batch.add(id, vault.Deletion{ConversationID: id, Scope: wire.ScopeBoth, What: what, Hide: true})
	}
	if err := a.delete(ctx, batch); err != nil {
		return nil, err
	}
	out := &DeleteConversationResult{Failed: batch.failed, Erasure: batch.erasure}
	for _, id := range batch.accepted {
		out.ConversationIDList = append(out.ConversationIDList, id.ID)
	}
	return out, nil
}

// conversationList checks a list of conversationIDs; one that stands there twice counts once.
func conversationList(list []string) ([]string, error) {
	if len(list) == 0 {
		return nil, wire.Errorf(wire.ParameterInvalid, "conversationIDList is empty")
	}
	if len(list) > wire.MaxConversations {
		return nil, wire.Errorf(wire.LimitExceeded, "%d conversations in one call, at most %d", len(list), wire.MaxConversations)
	}
	seen := make(map[string]bool, len(list))
	var ids []string
	for _, id := range list {
		if err := deletable(id); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// deletable refuses what is no conversationID, and rooms: no call of a visitor deletes their messages.
// Errors: ConversationIDInvalid, RoomNotDeletable.
func deletable(conversationID string) error {
	c, err := wire.ParseConversation(conversationID)
	if err == nil && c.Kind == wire.RoomKind {
		return wire.Errorf(wire.RoomNotDeletable, "%q is a room: leaving it takes it off this device", conversationID)
	}
	return err
}

// ClearHistoryMessage deletes all messages of a conversation in both places; the conversation stays.
// Errors: as DeleteConversation.
func (c *Client) ClearHistoryMessage(ctx context.Context, r *ClearHistoryRequest) (*ClearHistoryResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	if err := deletable(r.ConversationID); err != nil {
		return nil, err
	}
	batch := &deletionBatch{awaitErasure: r.AwaitErasure}
	batch.add(r.ConversationID, vault.Deletion{
		ConversationID: r.ConversationID, Scope: wire.ScopeBoth, What: wire.WhatConversation,
	})
	if err := a.delete(ctx, batch); err != nil {
		return nil, err
	}
	return &ClearHistoryResult{ConversationID: r.ConversationID, Erasure: batch.erasure}, nil
}

// DeleteMessages deletes messages in one of the scopes. `both` and `local` resolve when this device has it durably; `remote`
// when the server has acknowledged it or, without a connection, when it is in the outbox.
// Errors: ParameterInvalid, ConversationIDInvalid, TimeInvalid, MessageInvalid, MessageNotFound, LimitExceeded,
// ConversationNotFound, Offline, the server's refusal (remote), storage.
func (c *Client) DeleteMessages(ctx context.Context, r *DeleteMessagesRequest) (*DeleteMessagesResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	scope, err := parseScope(r.Scope)
	if err != nil {
		return nil, err
	}
	batch, err := a.selectMessages(r, scope)
	if err != nil {
		return nil, err
	}
	batch.awaitErasure = r.AwaitErasure
	if err := a.delete(ctx, batch); err != nil {
		return nil, err
	}
	out := &DeleteMessagesResult{
		Deleted: batch.accepted, Failed: batch.failed, OpIDs: batch.opIDs, Erasure: batch.erasure, Server: batch.server,
	}
	if len(out.OpIDs) > 0 {
		out.OpID = out.OpIDs[0]
	}
	return out, nil
}

func parseScope(s string) (wire.Scope, error) {
	switch s {
	case "local":
		return wire.ScopeLocal, nil
	case "remote":
		return wire.ScopeRemote, nil
	case "both", "":
		return wire.ScopeBoth, nil
	}
	return 0, wire.Errorf(wire.ParameterInvalid, "scope %q: must be local, remote or both", s)
}

// deletionBatch is one call: several operations, each on one conversation, each standing for items of the caller.
type deletionBatch struct {
	deletions []vault.Deletion
	items     [][]MessageRef // as the caller named them, by deletion
	// awaitErasure: the call resolves when this device has nothing left to do for it.
	awaitErasure bool

	accepted []MessageRef
	failed   []Failed
	first    error
	opIDs    []string
	erasure  string
	server   string
}

func (b *deletionBatch) add(conversationID string, d vault.Deletion) {
	b.deletions = append(b.deletions, d)
	b.items = append(b.items, []MessageRef{{ID: conversationID}})
}

func (b *deletionBatch) refuse(err error, items ...MessageRef) {
	e := wire.AsError(storageError(err))
	for _, item := range items {
		b.failed = append(b.failed, Failed{ID: item, Code: e.Code, Message: e.Text})
	}
	if b.first == nil {
		b.first = e
	}
}

// delete runs a batch: it makes sure that the heads are known, commits all of it in one transaction, tells the app, and for
// scope remote waits for the server. It fails only when no item succeeded.
func (a *account) delete(ctx context.Context, b *deletionBatch) error {
	ready := &deletionBatch{}
	for i, d := range b.deletions {
		if err := a.knowHead(ctx, d.ConversationID); err != nil {
			b.refuse(err, b.items[i]...)
			continue
		}
		if _, err := rand.Read(d.OpID[:]); err != nil {
			return err
		}
		ready.deletions = append(ready.deletions, d)
		ready.items = append(ready.items, b.items[i])
	}
	if len(ready.deletions) == 0 {
		b.erasure, b.server = erasureNone, "none" // what was named is gone already
		if len(b.accepted) == 0 {
			return b.first
		}
		return nil
	}
	scope := ready.deletions[0].Scope
	volatile := a.storage == inMemory && scope.Remote()
	if volatile && a.online() == nil {
		return wire.Errorf(wire.Offline, "this browser keeps nothing: the server must be told, and there is no connection")
	}
	done, err := a.vault.Delete(ctx, ready.deletions)
	if err != nil {
		return storageError(err)
	}
	b.erasure, b.server = erasureNone, "none"
	if scope.Local() {
		b.erasure = a.erasure() // unless something is left to do
	}
	var entries []vault.Entry
	var changed []string
	for i := range done {
		d := &done[i]
		if d.Err != nil {
			b.refuse(d.Err, ready.items[i]...)
			continue
		}
		b.accepted = append(b.accepted, ready.items[i]...)
		b.opIDs = append(b.opIDs, hexID(d.OpID))
		entries = append(entries, d.Entries...)
		if scope.Local() {
			if d.Settled.Garbage && !d.Settled.Erased {
				b.erasure = erasureHidden
			}
			a.forgetSends(d)
			a.settle(d.ConversationID, &d.Settled)
			changed = append(changed, d.ConversationID)
		}
	}
	if len(b.accepted) == 0 {
		return b.first
	}
	a.changed(changed...)
	if scope.Remote() {
		b.server = "pending"
	}
	if scope == wire.ScopeRemote || volatile {
		return a.awaitServer(ctx, b, entries)
	}
	a.enqueue(ctx, nil, entries...)
	if b.awaitErasure && b.erasure == erasureHidden {
		b.erasure = a.awaitErasing(ctx, done)
	}
	if scope == wire.ScopeLocal {
		a.freshenSoon(changed...)
	}
	return nil
}

// awaitServer waits for the acknowledgements of a batch while there is a connection.
func (a *account) awaitServer(ctx context.Context, b *deletionBatch, entries []vault.Entry) error {
	answers := make([]chan error, len(entries))
	var offline chan struct{}
	for i, e := range entries {
		answers[i] = make(chan error, 1)
		offline = a.enqueue(ctx, answers[i], e)
	}
	if a.storage == inMemory {
		// What is pending goes with the page, so it counts only when the server has it.
		return a.awaitAnswers(ctx, b, answers)
	}
	if offline == nil {
		return nil
	}
	acknowledged := true
	for _, answer := range answers {
		select {
		case err := <-answer:
			if err != nil {
				return err
			}
		case <-offline:
			acknowledged = false
		case <-ctx.Done():
			acknowledged = false
		}
	}
	if acknowledged {
		b.server = "acknowledged"
	}
	return nil
}

// volatileWait is how long a deletion waits for the server where the device keeps nothing.
const volatileWait = 30 * time.Second

// awaitAnswers waits for the acknowledgements of a batch, over as many connections as it takes.
// Errors: NetworkTimeout; the deletion is done here and goes on being told.
func (a *account) awaitAnswers(ctx context.Context, b *deletionBatch, answers []chan error) error {
	timer := time.NewTimer(volatileWait)
	defer timer.Stop()
	for _, answer := range answers {
		select {
		case err := <-answer:
			if err != nil {
				return err
			}
		case <-timer.C:
			return wire.Errorf(wire.NetworkTimeout, "this browser keeps nothing, and the server has not answered")
		case <-ctx.Done():
			return wire.Errorf(wire.NetworkTimeout, "deleting: %w", ctx.Err())
		case <-a.ctx.Done():
			return wire.Errorf(wire.NotReady, "logged out meanwhile")
		}
	}
	b.server = "acknowledged"
	return nil
}

// forgetSends drops sends from the outbox in memory that the deletion has replaced by cancels in the vault.
func (a *account) forgetSends(d *vault.Deleted) {
	if len(d.Entries) == 0 {
		return
	}
	cancelled := map[string]bool{}
	for _, e := range d.Entries {
		if e.Kind == vault.CancelEntry {
			cancelled[hexID(e.SendID)] = true
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outbox.drop(func(e vault.Entry) bool {
		gone := e.Kind == vault.SendEntry && cancelled[hexID(e.SendID)]
		if answer := a.waiting[e.N]; gone && answer != nil {
			answer <- wire.Errorf(wire.SendCancelled, "the message was deleted before it was sent")
			delete(a.waiting, e.N)
		}
		return gone
	})
}

// knowHead makes sure that a deletion has an anchor: a conversation whose head this device does not know is asked for.
// Errors: ConversationNotFound, Offline.
func (a *account) knowHead(ctx context.Context, conversationID string) error {
	conv, ok := a.vault.Find(conversationID)
	if ok && (conv.Ledger.Book.Head > 0 || conv.Record != nil && conv.Record.Log == 0) {
		return nil
	}
	c := a.online()
	if c == nil {
		return wire.Errorf(wire.Offline, "this device does not know %q yet, and there is no connection to ask", conversationID)
	}
	var heads wire.Heads
	r := &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: conversationID}}}
	if err := c.request(ctx, wire.OpHeads, r.MarshalMsg, heads.UnmarshalMsg); err != nil {
		return err
	}
	if len(heads.States) == 0 {
		return wire.Errorf(wire.ConversationNotFound, "no conversation %q", conversationID)
	}
	return a.applyHeads(c, &heads)
}

func hexID(id wire.ID) string { return hex.EncodeToString(id[:]) }
