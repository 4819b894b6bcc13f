package sdk

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// provisional begins the ID of a message that has none yet; its messageID follows.
const provisional = "local-"

// messageID is a message's ID: its log and seq, the same for everybody.
func messageID(log, seq uint64) string { return fmt.Sprintf("%016x-%d", log, seq) }

// parseID reads what messageID wrote.
func parseID(id string) (log, seq uint64, ok bool) {
	l, s, found := strings.Cut(id, "-")
	if !found || len(l) != 16 {
		return 0, 0, false
	}
	log, err := strconv.ParseUint(l, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	seq, err = strconv.ParseUint(s, 10, 32)
	return log, seq, err == nil && seq > 0 && seq < vault.FirstSlot
}

// message is a row as JavaScript sees it.
func (a *account) message(c *vault.Conversation, ordinal uint64, row vault.Row) Message {
	m := row.Message
	out := Message{
		MessageID: ordinal<<32 | uint64(row.Slot), ConversationID: c.ID, Type: m.Type, From: m.From, Payload: m.Payload,
		Seq: m.Seq, Time: m.Time / 1000, SentTime: m.Time, Flow: "in", Status: "success",
	}
	parsed, err := wire.ParseConversation(c.ID)
	if err == nil {
		out.ConversationType, out.To = parsed.Type(), parsed.Target
	}
	if m.From == a.user {
		out.Flow = "out"
	} else if parsed.Kind != wire.GroupKind && parsed.Kind != wire.RoomKind {
		out.To = a.user
	}
	switch row.Status {
	case vault.Unsent:
		out.Status = "unSend"
	case vault.Failed:
		out.Status = "fail"
	}
	if m.Type == wire.TypeRecalled {
		out.IsRevoked, out.Payload = true, emptyPayload
		var notice wire.RecallNotice
		if _, err := notice.UnmarshalMsg(m.Payload); err == nil {
			out.Revoker = notice.By
		}
	}
	if m.Seq == 0 {
		out.ID = provisional + strconv.FormatUint(out.MessageID, 10)
	} else {
		out.ID = messageID(c.Ledger.Book.Log, m.Seq)
	}
	return out
}

// emptyPayload is {} in MessagePack.
var emptyPayload = msgp.Raw{0x80}

// withQuotes looks up what messages quote in this device's view. Quoted text is never kept with the message that quotes.
func (a *account) withQuotes(ctx context.Context, c *vault.Conversation, rows []vault.Row, list []Message) error {
	var seqs []uint64
	for _, row := range rows {
		if row.Message.Quote > 0 {
			seqs = append(seqs, row.Message.Quote)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	found, err := a.vault.Rows(ctx, c.ID, seqs)
	if err != nil {
		return err
	}
	quotes := make(map[uint64]uint64, len(rows)) // by messageID's slot
	for _, row := range rows {
		quotes[uint64(row.Slot)] = row.Message.Quote
	}
	for i := range list {
		seq := quotes[list[i].MessageID&(1<<32-1)]
		if seq == 0 {
			continue
		}
		q := &Quote{ID: messageID(c.Ledger.Book.Log, seq), Seq: seq, Status: "deleted", Payload: msgp.AppendNil(nil)}
		if row, ok := found[seq]; ok {
			q.From, q.Type, q.Status = row.Message.From, row.Message.Type, "normal"
			if row.Message.Type == wire.TypeRecalled {
				q.Status = "recalled"
			} else {
				q.Payload = row.Message.Payload
			}
		}
		list[i].Quote = q
	}
	return nil
}

// one is a single row as a message with its quote.
func (a *account) one(ctx context.Context, c *vault.Conversation, ordinal uint64, row vault.Row) (Message, error) {
	list := []Message{a.message(c, ordinal, row)}
	err := a.withQuotes(ctx, c, []vault.Row{row}, list)
	return list[0], err
}

// SendMessage sends a message. It is kept durably before anything leaves; without a connection it resolves then, with
// status unSend, and MESSAGE_SENT follows.
// Errors: NotReady, ConversationTypeInvalid, ParameterInvalid, MessageInvalid, MessageTooLarge, PermissionDenied,
// GroupNotFound, Offline (a group this device does not know), SendCancelled, storage.
func (c *Client) SendMessage(ctx context.Context, r *SendMessageRequest) (*MessageResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	id, err := a.sendable(ctx, r)
	if err != nil {
		return nil, err
	}
	m := wire.Message{From: a.user, Type: r.Type, Payload: r.Payload, Time: a.client.options.Now().UnixMilli()}
	if r.Quote != nil {
		if m.Quote, err = a.quoted(ctx, id, r.Quote); err != nil {
			return nil, err
		}
	}
	if _, err := rand.Read(m.SendID[:]); err != nil {
		return nil, err
	}
	a.expect(m.SendID)
	sending, err := a.vault.Append(ctx, id, m)
	if err != nil {
		return nil, storageError(err)
	}
	a.changed(id)
	answer := make(chan error, 1)
	offline := a.enqueue(ctx, answer, sending.Entry)
	conv, _ := a.vault.Find(id)
	pending, err := a.one(ctx, &conv, sending.Ordinal, sending.Row)
	if err != nil {
		return nil, storageError(err)
	}
	if offline == nil {
		return &MessageResult{Message: pending}, nil
	}
	select {
	case err := <-answer:
		if err != nil {
			return nil, err
		}
		return a.sent(ctx, id, sending, pending)
	case <-offline:
		return &MessageResult{Message: pending}, nil
	case <-ctx.Done():
		return &MessageResult{Message: pending}, nil
	}
}

// expect prepares for the push of a message that this tab is about to send, and another one delivers.
func (a *account) expect(send wire.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outbox.sends[send] = a.outbox.seen
}

// sent finds an acknowledged message again under its lasting names.
func (a *account) sent(ctx context.Context, id string, s vault.Sending, pending Message) (*MessageResult, error) {
	row, ordinal, ok, err := a.vault.FindSent(ctx, id, s.Ordinal, s.Row.Slot)
	if err != nil {
		return nil, storageError(err)
	}
	if !ok { // deleted between the acknowledgement and now
		pending.Status = "success"
		return &MessageResult{Message: pending}, nil
	}
	conv, _ := a.vault.Find(id)
	m, err := a.one(ctx, &conv, ordinal, row)
	if err != nil {
		return nil, storageError(err)
	}
	return &MessageResult{Message: m}, nil
}

// quoted finds the message to quote: sent, of the same conversation, and visible here.
// Errors: MessageNotFound, ParameterInvalid; storage.
func (a *account) quoted(ctx context.Context, conversationID string, k *MessageKey) (uint64, error) {
	ref := MessageRef{ID: k.ID}
	if k.ID == "" {
		ref.MessageID = k.MessageID
	}
	p, err := a.locate(ref)
	if err != nil {
		return 0, err
	}
	if p.gone || p.unsent || p.conversationID != conversationID {
		return 0, wire.Errorf(wire.MessageNotFound, "quote: no sent message %s in %q", ref, conversationID)
	}
	found, err := a.vault.Rows(ctx, conversationID, []uint64{p.slot})
	if err != nil {
		return 0, storageError(err)
	}
	if row, ok := found[p.slot]; !ok || row.Message.Type == wire.TypeRecalled {
		return 0, wire.Errorf(wire.MessageNotFound, "quote: message %s is not in this view", ref)
	}
	return p.slot, nil
}

// messageSent tells the app that a message has its lasting names.
func (a *account) messageSent(e vault.Entry, s *vault.Sending) {
	conv, ok := a.vault.Find(e.ConversationID)
	if !ok || conv.Ledger.Book.HidesSeq(s.Row.Message.Seq) {
		a.sendDeleted(e)
		return
	}
	old := e.Ordinal<<32 | uint64(e.Slot)
	a.client.emit(EventMessageSent, (&MessageSentEvent{
		Old: MessageKey{ID: provisional + strconv.FormatUint(old, 10), MessageID: Number(old)},
		New: a.message(&conv, s.Ordinal, s.Row),
	}).MarshalMsg)
	a.inTail(e.ConversationID)
	a.listChanged(e.ConversationID)
}

// sendDeleted tells the app that a message is gone which it knows by its first name alone: what it was told of seqs does not say so.
func (a *account) sendDeleted(e vault.Entry) {
	if conv, ok := a.vault.Find(e.ConversationID); ok {
		a.tellMessages(&conv, nil, &vault.Settled{Slots: []uint32{e.Slot}, Garbage: true, Ordinal: e.Ordinal})
	}
}

// messageFailed tells the app that a message was refused for good.
func (a *account) messageFailed(e vault.Entry, row vault.Row, code wire.Code) {
	conv, _ := a.vault.Find(e.ConversationID)
	a.client.emit(EventMessageFailed, (&MessageFailedEvent{Message: a.message(&conv, e.Ordinal, row), Code: code}).MarshalMsg)
	a.listChanged(e.ConversationID)
}

// sendable checks a message and where it goes, and returns the conversationID.
func (a *account) sendable(ctx context.Context, r *SendMessageRequest) (string, error) {
	var kind wire.ConversationKind
	switch r.ConversationType {
	case "C2C":
		kind = wire.C2CKind
	case "GROUP":
		kind = wire.GroupKind
	case "ROOM":
		kind = wire.RoomKind
	default:
		return "", wire.Errorf(wire.ConversationTypeInvalid, "conversationType %q: must be C2C, GROUP or ROOM", r.ConversationType)
	}
	if err := wire.CheckIdentifier(r.To); err != nil {
		return "", wire.Errorf(wire.ParameterInvalid, "to: %v", wire.AsError(err).Text)
	}
	if r.Type != wire.TypeText && r.Type != wire.TypeCustom {
		return "", wire.Errorf(wire.MessageInvalid, "type %q: make messages with createTextMessage or createCustomMessage", r.Type)
	}
	if err := wire.CheckPayload(r.Payload); err != nil {
		return "", err
	}
	id := wire.Conversation{Kind: kind, Target: r.To}.String()
	if kind == wire.C2CKind {
		return id, nil
	}
	if kind == wire.RoomKind {
		if conv, ok := a.vault.Find(id); !ok || conv.Record == nil {
			return "", wire.Errorf(wire.NotInRoom, "join room %q before sending there", r.To)
		}
		return id, nil
	}
	conv, err := a.find(ctx, id)
	if wire.CodeOf(err) == wire.ConversationNotFound {
		return "", wire.Errorf(wire.GroupNotFound, "no group %q", r.To)
	}
	if err != nil {
		return "", err
	}
	if conv.Record != nil && conv.Record.Left {
		return "", wire.Errorf(wire.PermissionDenied, "not a member of group %q any more", r.To)
	}
	return id, nil
}
