package sdk

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// RevokeMessage takes a sent message away from everybody. It is never queued: a recall that comes too late must be known to
// have come too late.
// Errors: NotReady, MessageInvalid, MessageNotFound, Offline, PermissionDenied, RecallTooLate; storage, where the message is recalled all
// the same and this device follows when it connects next.
func (c *Client) RevokeMessage(ctx context.Context, r *RevokeMessageRequest) (*MessageResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	ref := MessageRef{ID: r.ID}
	if r.ID == "" {
		ref.MessageID = r.MessageID
	}
	if ref == (MessageRef{}) {
		return nil, wire.Errorf(wire.MessageInvalid, "a message object has an ID or a messageID")
	}
	p, err := a.locate(ref)
	if err != nil {
		return nil, err
	}
	if p.unsent {
		seq, ok, err := a.vault.SentSeq(ctx, p.conversationID, p.ordinal, uint32(p.slot))
		if err != nil {
			return nil, storageError(err)
		}
		if !ok {
			return nil, wire.Errorf(wire.MessageNotFound, "message %s was not sent", ref)
		}
		p.slot = seq
	}
	if p.gone {
		return nil, wire.Errorf(wire.MessageNotFound, "no message %s", ref)
	}
	conn := a.online()
	if conn == nil {
		return nil, wire.Errorf(wire.Offline, "recalling needs a connection")
	}
	var recalled wire.Recalled
	request := &wire.Recall{ConversationID: p.conversationID, Seq: p.slot}
	if err := conn.request(ctx, wire.OpRecall, request.MarshalMsg, recalled.UnmarshalMsg); err != nil {
		return nil, err
	}
	if err := a.recalled(conn, p.conversationID, []wire.Recalled{recalled}); err != nil {
		conn.close(wire.CloseTimeout, "a recall was not stored") // the server tells of it again on the next connection only
		return nil, storageError(err)
	}
	rows, err := a.vault.Rows(ctx, p.conversationID, []uint64{p.slot})
	if err != nil {
		return nil, storageError(err)
	}
	conv, _ := a.vault.Find(p.conversationID)
	row, ok := rows[p.slot]
	if !ok || conv.Record == nil { // deleted between the answer and now
		return &MessageResult{Message: Message{ID: messageID(conv.Ledger.Book.Log, p.slot), ConversationID: p.conversationID, IsRevoked: true, Payload: emptyPayload}}, nil
	}
	return &MessageResult{Message: a.message(&conv, conv.Record.Ordinal, row)}, nil
}

// recalled takes recalls in, of this user, of others, pushed or asked for, and tells the app of those that this tab has not
// told it of: another tab of this device may have stored them first.
func (a *account) recalled(c *connection, conversationID string, recalls []wire.Recalled) error {
	conv, ok := a.vault.Find(conversationID)
	if !ok {
		return nil
	}
	known := conv.Ledger.Book.RecallNumber()
	var fresh []wire.Recalled
	for _, r := range recalls {
		if r.Change > known {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) > 0 {
		gap, err := a.vault.Recall(a.ctx, conversationID, fresh)
		if err != nil {
			return err
		}
		if gap {
			return a.fetchRecalls(c, conversationID)
		}
		a.changed(conversationID)
	}
	return a.tellRecalls(conversationID, recalls)
}

func (a *account) tellRecalls(conversationID string, recalls []wire.Recalled) error {
	var seqs []uint64
	a.mu.Lock()
	for _, r := range recalls {
		if r.Change > a.revoked[conversationID] {
			a.revoked[conversationID] = r.Change
			seqs = append(seqs, r.Seq)
		}
	}
	a.mu.Unlock()
	rows, err := a.vault.Rows(a.ctx, conversationID, seqs)
	if err != nil || len(rows) == 0 {
		return err
	}
	conv, ok := a.vault.Find(conversationID)
	if !ok || conv.Record == nil {
		return nil
	}
	e := &MessageRevokedEvent{ConversationID: conversationID}
	for _, seq := range seqs {
		if row, ok := rows[seq]; ok {
			e.MessageList = append(e.MessageList, a.message(&conv, conv.Record.Ordinal, row))
		}
	}
	a.client.emit(EventMessageRevoked, e.MarshalMsg)
	return nil
}

// syncRecalls asks for the recalls that a head tells of.
func (a *account) syncRecalls(c *connection, s *wire.HeadState) error {
	conv, ok := a.vault.Find(s.ConversationID)
	if !ok || s.Recall <= conv.Ledger.Book.RecallNumber() {
		return nil
	}
	return a.fetchRecalls(c, s.ConversationID)
}

func (a *account) fetchRecalls(c *connection, conversationID string) error {
	for {
		conv, ok := a.vault.Find(conversationID)
		if !ok {
			return nil
		}
		since := conv.Ledger.Book.RecallNumber()
		request := &wire.RecallsRequest{ConversationID: conversationID, Since: since}
		var recalls wire.Recalls
		if err := c.request(a.ctx, wire.OpRecalls, request.MarshalMsg, recalls.UnmarshalMsg); err != nil {
			return err
		}
		if len(recalls.Recalls) == 0 || recalls.Recalls[0].Change != since+1 {
			return nil // nothing that would close the gap
		}
		if err := a.recalled(c, conversationID, recalls.Recalls); err != nil || !recalls.More {
			return err
		}
	}
}
