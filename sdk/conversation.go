package sdk

import (
	"context"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// MaxDraft is the longest draft, in bytes.
const MaxDraft = wire.MaxContent

// GetConversationList returns the list from this device's memory. Errors: NotReady.
func (c *Client) GetConversationList(_ context.Context, _ *Nothing) (*ConversationListResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	list := a.vault.List()
	out := &ConversationListResult{ConversationList: make([]Conversation, len(list))}
	for i := range list {
		out.ConversationList[i] = a.conversation(&list[i])
	}
	return out, nil
}

// GetConversation returns one conversation, listed or hidden.
// Errors: NotReady, ConversationIDInvalid, ConversationNotFound, Offline.
func (c *Client) GetConversation(ctx context.Context, r *ConversationRequest) (*ConversationResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	conv, err := a.find(ctx, r.ConversationID)
	if err != nil {
		return nil, err
	}
	return &ConversationResult{Conversation: a.conversation(conv)}, nil
}

// find returns a conversation that this device knows, or asks the server for it.
// Errors: ConversationIDInvalid, ConversationNotFound, Offline.
func (a *account) find(ctx context.Context, conversationID string) (*vault.Conversation, error) {
	if _, err := wire.ParseConversation(conversationID); err != nil {
		return nil, err
	}
	conv, ok := a.vault.Find(conversationID)
	// Of what another device has deleted or hidden, only the ledger may have come.
	headless := ok && conv.Record == nil && conv.Ledger.Book.Head == 0
	if ok && (!headless || a.online() == nil) {
		return &conv, nil
	}
	if err := a.knowHead(ctx, conversationID); err != nil {
		return nil, storageError(err)
	}
	conv, ok = a.vault.Find(conversationID)
	if !ok {
		return nil, wire.Errorf(wire.ConversationNotFound, "no conversation %q", conversationID)
	}
	return &conv, nil
}

func (a *account) conversation(c *vault.Conversation) Conversation {
	parsed, err := wire.ParseConversation(c.ID)
	if err != nil {
		// Names in the vault passed this before; one that does not is shown as it stands.
		return Conversation{ConversationID: c.ID}
	}
	out := Conversation{ConversationID: c.ID, Type: parsed.Type(), Name: parsed.Target}
	r := c.Record
	if r == nil {
		return out
	}
	if r.Name != "" {
		out.Name = r.Name
	}
	out.UnreadCount, out.LastTime, out.Draft = r.Unread, r.Time, r.Draft
	out.CanSend = !r.Left && parsed.Kind != wire.SystemKind
	if r.Last != nil {
		m := &r.Last.Message
		out.LastMessage = &LastMessage{
			LastTime: m.Time / 1000, LastSequence: m.Seq, FromAccount: m.From, Type: m.Type,
			MessageForShow: forShow(m), Payload: m.Payload,
		}
		if m.Type == wire.TypeRecalled {
			out.LastMessage.Payload = emptyPayload
		}
	}
	return out
}

// forShow is a message in one line.
func forShow(m *wire.Message) string {
	switch m.Type {
	case wire.TypeText:
		return text(m.Payload)
	case wire.TypeRecalled:
		return "[recalled]"
	}
	return "[custom]"
}

// text reads payload.text; a payload without one shows as nothing.
func text(payload msgp.Raw) string {
	n, rest, err := msgp.ReadMapHeaderBytes(payload)
	for i := uint32(0); i < n && err == nil; i++ {
		var key []byte
		if key, rest, err = msgp.ReadStringZC(rest); err != nil {
			break
		}
		if string(key) == "text" && msgp.NextType(rest) == msgp.StrType {
			s, _, err := msgp.ReadStringBytes(rest)
			if err != nil {
				break
			}
			return s
		}
		rest, err = msgp.Skip(rest)
	}
	return ""
}

// SetMessageRead marks a conversation as read up to its newest message; the server hears of it when it can.
// Errors: NotReady, ConversationIDInvalid, ConversationNotFound, Offline.
func (c *Client) SetMessageRead(ctx context.Context, r *ConversationRequest) (*SetMessageReadResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	if _, err := a.find(ctx, r.ConversationID); err != nil {
		return nil, err
	}
	entry, err := a.vault.MarkRead(ctx, r.ConversationID)
	if err != nil {
		return nil, storageError(err)
	}
	if entry != nil {
		a.changed(r.ConversationID)
		a.enqueue(ctx, nil, *entry)
	}
	return &SetMessageReadResult{ConversationID: r.ConversationID}, nil
}

// SetDraft keeps what the user has typed. It goes with the conversation's history.
// Errors: NotReady, ConversationIDInvalid, ConversationNotFound, Offline, MessageTooLarge.
func (c *Client) SetDraft(ctx context.Context, r *SetDraftRequest) (*Nothing, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	if len(r.Draft) > MaxDraft || !utf8.ValidString(r.Draft) {
		return nil, wire.Errorf(wire.MessageTooLarge, "a draft has at most %d bytes of UTF-8", MaxDraft)
	}
	if _, err := a.find(ctx, r.ConversationID); err != nil {
		return nil, err
	}
	if err := a.vault.SetDraft(ctx, r.ConversationID, r.Draft); err != nil {
		return nil, storageError(err)
	}
	a.changed(r.ConversationID)
	return &Nothing{}, nil
}

// InspectConversation counts what this device and, where it can be asked, the server hold.
// Errors: NotReady, ConversationIDInvalid, ConversationNotFound, Offline.
func (c *Client) InspectConversation(ctx context.Context, r *ConversationRequest) (*InspectResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	if _, err := a.find(ctx, r.ConversationID); err != nil {
		return nil, err
	}
	h, err := a.vault.Inspect(ctx, r.ConversationID)
	if err != nil {
		return nil, storageError(err)
	}
	out := &InspectResult{
		ConversationID: r.ConversationID, Messages: h.Messages, Records: h.Records, Bytes: h.Bytes, Outbox: h.Outbox,
	}
	if conn := a.online(); conn != nil {
		var count wire.Count
		err := conn.request(ctx, wire.OpCount, (&wire.CountRequest{ConversationID: r.ConversationID}).MarshalMsg, count.UnmarshalMsg)
		if err == nil {
			n := int64(count.Messages)
			out.Server = &n
		} else if !wire.CodeOf(err).Retryable() && wire.CodeOf(err) != wire.ConversationNotFound {
			return nil, err
		}
	}
	return out, nil
}
