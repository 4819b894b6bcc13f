package sdk

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// Method is one call of the API: the Client's method of that name, with a capital. The table of them is the only list of
// names: the wasm boundary dispatches by it, and the TypeScript types and docs are made from it and its comments, which the
// download does not hold.
type Method struct {
	Name string
	call func(context.Context, *Client, []byte) (wire.Encoder, error)
}

// Methods is the table.
var Methods = []Method{
	// Prepares a chat for a server and an app. Lethe.create calls it.
	method("open", (*Client).Open, fresh[OpenRequest],
		(*OpenRequest).UnmarshalMsg, (*Nothing).MarshalMsg),
	// Logs a user in; resolves when the local list is open and, if connected, what changed on the server is in. Called again with a
	// new token before the old one expires, the connection goes on with that.
	method("login", (*Client).Login, fresh[LoginRequest],
		(*LoginRequest).UnmarshalMsg, (*LoginResult).MarshalMsg),
	// Ends the session; with wipe the device's copy goes too.
	method("logout", (*Client).Logout, fresh[LogoutRequest],
		(*LogoutRequest).UnmarshalMsg, (*LogoutResult).MarshalMsg),
	// Keeps the chat off the network, or lets it connect again.
	method("setOnline", (*Client).SetOnline, fresh[OnlineRequest],
		(*OnlineRequest).UnmarshalMsg, (*Nothing).MarshalMsg),
	// The conversation list, newest first, from this device.
	method("getConversationList", (*Client).GetConversationList, fresh[Nothing],
		(*Nothing).UnmarshalMsg, (*ConversationListResult).MarshalMsg),
	// One conversation.
	method("getConversation", (*Client).GetConversation, fresh[ConversationRequest],
		(*ConversationRequest).UnmarshalMsg, (*ConversationResult).MarshalMsg),
	// A page of messages, oldest first, from this device and, where it has gaps, from the server.
	method("getMessageList", (*Client).GetMessageList, fresh[MessageListRequest],
		(*MessageListRequest).UnmarshalMsg, (*MessageListResult).MarshalMsg),
	// A page as the server's history has it. Stores nothing.
	method("fetchRemoteHistory", (*Client).FetchRemoteHistory, fresh[MessageListRequest],
		(*MessageListRequest).UnmarshalMsg, (*MessageListResult).MarshalMsg),
	// Sends a message; resolves when the server has it, or, without a connection, when it is in the outbox.
	method("sendMessage", (*Client).SendMessage, fresh[SendMessageRequest],
		(*SendMessageRequest).UnmarshalMsg, (*MessageResult).MarshalMsg),
	// Takes a sent message away from everybody; resolves when the server has done so. Needs a connection.
	method("revokeMessage", (*Client).RevokeMessage, fresh[RevokeMessageRequest],
		(*RevokeMessageRequest).UnmarshalMsg, (*MessageResult).MarshalMsg),
	// Joins a group that lets anybody in. Needs a connection.
	method("joinGroup", (*Client).JoinGroup, fresh[GroupRequest],
		(*GroupRequest).UnmarshalMsg, (*GroupResult).MarshalMsg),
	// Leaves a group; its conversation stays listed, readable and deletable. Needs a connection.
	method("quitGroup", (*Client).QuitGroup, fresh[GroupRequest],
		(*GroupRequest).UnmarshalMsg, (*GroupResult).MarshalMsg),
	// Enters a chatroom with this device. Needs a connection.
	method("joinRoom", (*Client).JoinRoom, fresh[RoomRequest],
		(*RoomRequest).UnmarshalMsg, (*RoomResult).MarshalMsg),
	// Leaves a chatroom; this device's copy goes when its last tab leaves.
	method("quitRoom", (*Client).QuitRoom, fresh[RoomRequest],
		(*RoomRequest).UnmarshalMsg, (*RoomResult).MarshalMsg),
	// Marks a conversation as read, up to its newest message.
	method("setMessageRead", (*Client).SetMessageRead, fresh[ConversationRequest],
		(*ConversationRequest).UnmarshalMsg, (*SetMessageReadResult).MarshalMsg),
	// Keeps what the user has typed.
	method("setDraft", (*Client).SetDraft, fresh[SetDraftRequest],
		(*SetDraftRequest).UnmarshalMsg, (*Nothing).MarshalMsg),
	// Deletes conversations, in both places; with clearHistoryMessage false only from the list.
	method("deleteConversation", (*Client).DeleteConversation, fresh[DeleteConversationRequest],
		(*DeleteConversationRequest).UnmarshalMsg, (*DeleteConversationResult).MarshalMsg),
	// Deletes all messages of a conversation, in both places; the conversation stays.
	method("clearHistoryMessage", (*Client).ClearHistoryMessage, fresh[ClearHistoryRequest],
		(*ClearHistoryRequest).UnmarshalMsg, (*ClearHistoryResult).MarshalMsg),
	// Deletes messages from this device, from the user's history on the server, or from both.
	method("deleteMessages", (*Client).DeleteMessages, fresh[DeleteMessagesRequest],
		(*DeleteMessagesRequest).UnmarshalMsg, (*DeleteMessagesResult).MarshalMsg),
	// What this device and the server hold of a conversation.
	method("inspectConversation", (*Client).InspectConversation, fresh[ConversationRequest],
		(*ConversationRequest).UnmarshalMsg, (*InspectResult).MarshalMsg),
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
	{EventMessageRevoked, &MessageRevokedEvent{}},
	{EventRoomClosed, &RoomClosedEvent{}},
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
	EventMessageRevoked       = "MESSAGE_REVOKED"
	EventRoomClosed           = "ROOM_CLOSED"
	EventError                = "ERROR"
)

// method makes an entry. The request is decoded and the result encoded by the one direction each needs, named here. Q and R
// are pointers, which all have one shape: of structs, each entry would be compiled anew.
func method[Q, R any](
	name string, f func(*Client, context.Context, Q) (R, error),
	request func() Q, decode func(Q, []byte) ([]byte, error), encode func(R, []byte) ([]byte, error),
) Method {
	return Method{Name: name, call: func(ctx context.Context, c *Client, args []byte) (wire.Encoder, error) {
		q := request()
		if err := decodeArguments(args, func(b []byte) ([]byte, error) { return decode(q, b) }); err != nil {
			return nil, err
		}
		r, err := f(c, ctx, q)
		if err != nil {
			return nil, err
		}
		return func(b []byte) ([]byte, error) { return encode(r, b) }, nil
	}}
}

func fresh[T any]() *T { return new(T) }

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
	if reply, err = data(reply); err != nil {
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

func (c *Client) dispatch(ctx context.Context, name string, args []byte) (r wire.Encoder, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.report(wire.Errorf(wire.Internal, "panic in %s: %v\n%s", name, p, debug.Stack()))
			err = wire.Errorf(wire.Internal, "internal error in %s", name)
		}
	}()
	ctx, name = withTrace(ctx, name)
	for i := range Methods {
		if Methods[i].Name == name {
			r, err = Methods[i].call(ctx, c, args)
			return r, c.cutOff(err)
		}
	}
	return nil, wire.Errorf(wire.OperationUnknown, "no method %q", name)
}

// decodeArguments decodes a request and says in the error's code what kind of argument was wrong.
func decodeArguments(args []byte, request wire.Decoder) error {
	if len(args) == 0 {
		return nil
	}
	_, err := request(args)
	switch where := argumentOf(err); {
	case err == nil:
		return nil
	case errors.Is(msgp.Cause(err), msgp.ErrLimitExceeded):
		return wire.Errorf(wire.LimitExceeded, "%s has too many items", where)
	case strings.HasPrefix(where, "conversationID"):
		return wire.Errorf(wire.ConversationIDInvalid, "%s is of the wrong type: a conversationID is a string", where)
	case where == "before":
		return wire.Errorf(wire.TimeInvalid, "before is of the wrong type: a time is a number of milliseconds")
	default:
		return wire.Errorf(wire.ParameterInvalid, "%s is of the wrong type", where)
	}
}

// argumentOf is the argument at which decoding failed, as JavaScript calls it. msgp ends its errors with the path of the
// field in Go's spelling.
func argumentOf(err error) string {
	if err == nil {
		return ""
	}
	_, path, found := strings.Cut(err.Error(), " at ")
	switch {
	case !found:
		return "an argument"
	case path == "IDs" || strings.HasPrefix(path, "IDs/"):
		return strings.Replace(path, "IDs", "ids", 1)
	default:
		return lower(path[:1]) + path[1:]
	}
}
