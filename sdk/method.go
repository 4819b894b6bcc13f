package sdk

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// Method is one call of the API. The table of them is the only list of names: the wasm boundary dispatches by it, and the
// TypeScript types and docs are made from it.
type Method struct {
	Name    string
	Doc     string
	Request any // a pointer to the zero request, for the generator
	Result  any // a pointer to the zero result
	call    func(context.Context, *Client, []byte) (msgp.Marshaler, error)
}

// Methods is the table.
var Methods = []Method{
	method("open", "Prepares a chat for a server and an app. Lethe.create calls it.", (*Client).Open),
	method("login", "Logs a user in; resolves when the local list is open and, if connected, what changed on the server is in.", (*Client).Login),
	method("logout", "Ends the session; with wipe the device's copy goes too.", (*Client).Logout),
	method("setOnline", "Keeps the chat off the network, or lets it connect again.", (*Client).SetOnline),
	method("getConversationList", "The conversation list, newest first, from this device.", (*Client).GetConversationList),
	method("getConversation", "One conversation.", (*Client).GetConversation),
	method("getMessageList", "A page of messages, oldest first, from this device and, where it has gaps, from the server.", (*Client).GetMessageList),
	method("fetchRemoteHistory", "A page as the server's history has it. Stores nothing.", (*Client).FetchRemoteHistory),
	method("sendMessage", "Sends a message; resolves when the server has it, or, without a connection, when it is in the outbox.", (*Client).SendMessage),
	method("setMessageRead", "Marks a conversation as read, up to its newest message.", (*Client).SetMessageRead),
	method("setDraft", "Keeps what the user has typed.", (*Client).SetDraft),
	method("deleteConversation", "Deletes conversations, in both places; with clearHistoryMessage false only from the list.", (*Client).DeleteConversation),
	method("clearHistoryMessage", "Deletes all messages of a conversation, in both places; the conversation stays.", (*Client).ClearHistoryMessage),
	method("deleteMessages", "Deletes messages from this device, from the user's history on the server, or from both.", (*Client).DeleteMessages),
	method("inspectConversation", "What this device and the server hold of a conversation.", (*Client).InspectConversation),
}

// EventTypes names the events and their data, for the generator.
var EventTypes = []struct {
	Name string
	Data any
}{
	{EventReady, &ReadyEvent{}},
	{EventNotReady, &FatalEvent{}},
	{EventNetState, &NetStateEvent{}},
	{EventConversationList, &ConversationListUpdatedEvent{}},
	{EventMessageReceived, &MessageReceivedEvent{}},
	{EventMessageSent, &MessageSentEvent{}},
	{EventMessageFailed, &MessageFailedEvent{}},
	{EventMessageDeleted, &MessageDeletedEvent{}},
	{EventHistoryCleared, &HistoryClearedEvent{}},
	{EventConversationDeleted, &ConversationDeletedEvent{}},
	{EventDeletionAcknowledged, &DeletionEvent{}},
	{EventDeletionRefused, &DeletionEvent{}},
	{EventErased, &ErasedEvent{}},
	{EventError, &FatalEvent{}},
}

// The events.
const (
	EventReady                = "SDK_READY"
	EventNotReady             = "SDK_NOT_READY"
	EventNetState             = "NET_STATE_CHANGE"
	EventConversationList     = "CONVERSATION_LIST_UPDATED"
	EventMessageReceived      = "MESSAGE_RECEIVED"
	EventMessageSent          = "MESSAGE_SENT"
	EventMessageFailed        = "MESSAGE_FAILED"
	EventMessageDeleted       = "MESSAGE_DELETED"
	EventHistoryCleared       = "HISTORY_CLEARED"
	EventConversationDeleted  = "CONVERSATION_DELETED"
	EventDeletionAcknowledged = "DELETION_ACKNOWLEDGED"
	EventDeletionRefused      = "DELETION_REFUSED"
	EventErased               = "ERASED"
	EventError                = "ERROR"
)

func method[Q, R any, PQ interface {
	*Q
	msgp.Unmarshaler
}, PR interface {
	*R
	msgp.Marshaler
}](name, doc string, f func(*Client, context.Context, *Q) (*R, error)) Method {
	return Method{
		Name: name, Doc: doc, Request: new(Q), Result: new(R),
		call: func(ctx context.Context, c *Client, args []byte) (msgp.Marshaler, error) {
			q := PQ(new(Q))
			if err := decodeArguments(args, q); err != nil {
				return nil, err
			}
			r, err := f(c, ctx, (*Q)(q))
			if err != nil {
				return nil, err
			}
			return PR(r), nil
		},
	}
}

// Call runs one method on MessagePack arguments and returns the reply as it goes to JavaScript: {code: 0, data}, or
// {code, name, message, retryable}. It never panics and never returns nothing.
func (c *Client) Call(ctx context.Context, name string, args []byte) []byte {
	data, err := c.dispatch(ctx, name, args)
	if err != nil {
		return errorReply(err)
	}
	reply := msgp.AppendMapHeader(nil, 2)
	reply = msgp.AppendString(reply, "code")
	reply = msgp.AppendInt(reply, 0)
	reply = msgp.AppendString(reply, "data")
	if reply, err = data.MarshalMsg(reply); err != nil {
		return errorReply(err)
	}
	return reply
}

func errorReply(err error) []byte {
	e := wire.AsError(err)
	reply := msgp.AppendMapHeader(nil, 4)
	reply = msgp.AppendString(reply, "code")
	reply = msgp.AppendInt(reply, int(e.Code))
	reply = msgp.AppendString(reply, "name")
	reply = msgp.AppendString(reply, e.Code.Name())
	reply = msgp.AppendString(reply, "message")
	reply = msgp.AppendString(reply, e.Text)
	reply = msgp.AppendString(reply, "retryable")
	return msgp.AppendBool(reply, e.Code.Retryable())
}

func (c *Client) dispatch(ctx context.Context, name string, args []byte) (r msgp.Marshaler, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.report(wire.Errorf(wire.Internal, "panic in %s: %v\n%s", name, p, debug.Stack()))
			err = wire.Errorf(wire.Internal, "internal error in %s", name)
		}
	}()
	for i := range Methods {
		if Methods[i].Name == name {
			return Methods[i].call(ctx, c, args)
		}
	}
	return nil, wire.Errorf(wire.OperationUnknown, "no method %q", name)
}

// decodeArguments decodes a request and says in the error's code what kind of argument was wrong.
func decodeArguments(args []byte, q msgp.Unmarshaler) error {
	if len(args) == 0 {
		return nil
	}
	_, err := q.UnmarshalMsg(args)
	switch {
	case err == nil:
		return nil
	case errors.Is(msgp.Cause(err), msgp.ErrLimitExceeded):
		return wire.Errorf(wire.LimitExceeded, "an argument is too long: %v", err)
	// msgp names the path of the field in Go's spelling.
	case strings.Contains(err.Error(), "ConversationID"):
		return wire.Errorf(wire.ConversationIDInvalid, "a conversationID is a string: %v", err)
	case strings.Contains(err.Error(), "Before"):
		return wire.Errorf(wire.TimeInvalid, "a time is a number of milliseconds: %v", err)
	default:
		return wire.Errorf(wire.ParameterInvalid, "wrong arguments: %v", err)
	}
}
