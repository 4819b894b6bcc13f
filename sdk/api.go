package sdk

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/wire"
)

// This file is the API as JavaScript sees it: arguments, results and shared objects. The names in the msg tags are the
// names in JavaScript; js/types.gen.ts is made from here and from the table of methods. Every call answers one of these
// as `data`, or fails with a wire.Error.

//msgp:limit arrays:100000 maps:100000
//msgp:ignore Number MessageRef Wipe

// Each type crosses in one direction; generating only that one saves the wasm 30 kB (ADR 2).
//msgp:marshal ignore LoginRequest LogoutRequest OpenRequest OnlineRequest ConversationRequest MessageListRequest SendMessageRequest RevokeMessageRequest GroupRequest RoomRequest SetDraftRequest ClearHistoryRequest DeleteConversationRequest DeleteMessagesRequest
//msgp:unmarshal ignore Conversation LastMessage Quote Message LoginResult LogoutResult ConversationResult ConversationListResult MessageListResult MessageResult GroupResult RoomResult SetMessageReadResult DeleteConversationResult Failed ClearHistoryResult DeleteMessagesResult InspectResult MessageReceivedEvent MessageSentEvent MessageFailedEvent ConversationListUpdatedEvent MessageDeletedEvent HistoryClearedEvent ConversationDeletedEvent DeletionEvent ErasedEvent MessageRevokedEvent RoomClosedEvent NetStateEvent ReadyEvent FatalEvent

//go:generate go run github.com/tinylib/msgp -file api.go -tests=false -io=false -o api_gen.go
//go:generate gofmt -w api_gen.go

// Conversation is one line of the conversation list.
type Conversation struct {
	ConversationID string       `msg:"conversationID"`
	Type           string       `msg:"type"`        // C2C, GROUP, ROOM or @TIM#SYSTEM
	Name           string       `msg:"name"`        // the other user, the group's name, or the sender of notices
	UnreadCount    uint32       `msg:"unreadCount"` // the others' messages above the read mark, in this view
	LastMessage    *LastMessage `msg:"lastMessage"` // null when no message is left in this view
	LastTime       int64        `msg:"lastTime"`    // ms; the list is sorted by it, newest first
	CanSend        bool         `msg:"canSend"`     // false after leaving the group, and for notices
	Draft          string       `msg:"draft"`
}

// LastMessage is the preview of a conversation.
type LastMessage struct {
	LastTime       int64    `msg:"lastTime"` // seconds, as Tencent has it
	LastSequence   uint64   `msg:"lastSequence"`
	FromAccount    string   `msg:"fromAccount"`
	Type           string   `msg:"type"`
	MessageForShow string   `msg:"messageForShow"` // the text, [custom] or [recalled]
	Payload        msgp.Raw `msg:"payload"`
}

// Quote is the message that another one quotes, as this view has it.
type Quote struct {
	ID      string   `msg:"ID"`
	Seq     uint64   `msg:"seq"`
	Status  string   `msg:"status"` // normal, deleted (gone from this view, or not on this device), recalled
	From    string   `msg:"from"`
	Type    string   `msg:"type"`
	Payload msgp.Raw `msg:"payload"` // null unless normal
}

// Message is one message in a view.
type Message struct {
	ID               string   `msg:"ID"`        // the same for all users and devices; provisional until sent
	MessageID        uint64   `msg:"messageID"` // number on this device: ordinal · 2^32 + slot; provisional until sent
	ConversationID   string   `msg:"conversationID"`
	ConversationType string   `msg:"conversationType"`
	Type             string   `msg:"type"` // TIMTextElem, TIMCustomElem; recalled when isRevoked
	From             string   `msg:"from"`
	To               string   `msg:"to"` // userID or groupID
	Payload          msgp.Raw `msg:"payload"`
	Seq              uint64   `msg:"seq"`       // position in the conversation's log, 0 until sent
	Time             int64    `msg:"time"`      // seconds, as Tencent has it
	SentTime         int64    `msg:"sentTime"`  // ms, server clock; the device's clock until sent
	Flow             string   `msg:"flow"`      // in, out
	Status           string   `msg:"status"`    // unSend, success, fail
	IsRevoked        bool     `msg:"isRevoked"` // recalled: payload is empty, the notice stands in its place
	Revoker          string   `msg:"revoker"`   // userID of who recalled it, empty for an administrator
	Quote            *Quote   `msg:"quote"`     // null if it quotes nothing
}

// LoginRequest logs a user in. The token is a JWT that the app's backend signed for this user.
type LoginRequest struct {
	UserID string `msg:"userID"`
	Token  string `msg:"token"`
}

// LoginResult says who is logged in and whether the server has answered yet; without it the device's copy is shown.
type LoginResult struct {
	UserID    string `msg:"userID"`
	DeviceID  string `msg:"deviceID"`
	Connected bool   `msg:"connected"`
	Storage   string `msg:"storage"` // indexeddb; memory where the browser keeps nothing
	Erasure   string `msg:"erasure"` // how far deletions get here: erased; removed where there is no file for keys
}

// LogoutRequest ends the session. With wipe the device's copy goes too: true sends the outbox first and fails with
// OUTBOX_NOT_EMPTY if it cannot, 'force' reports how many operations are lost.
type LogoutRequest struct {
	Wipe Wipe `msg:"wipe,omitempty"`
}

// LogoutResult tells what logging out did.
type LogoutResult struct {
	Wiped bool   `msg:"wiped"`
	Lost  uint32 `msg:"lost"` // operations the server will never hear of
}

// OpenRequest configures a chat: what Lethe.create takes.
type OpenRequest struct {
	URL   string `msg:"url"`   // http(s):// or ws(s):// of the server; its path, if any, comes before /v1/ws
	AppID string `msg:"appID"` // the app of the tokens
}

// OnlineRequest keeps a chat off the network or lets it connect again, for apps that know better than the browser.
type OnlineRequest struct {
	Online bool `msg:"online"`
}

// Nothing is an empty object.
type Nothing struct{}

// ConversationRequest names one conversation.
type ConversationRequest struct {
	ConversationID string `msg:"conversationID"`
}

// ConversationResult is one conversation.
type ConversationResult struct {
	Conversation Conversation `msg:"conversation"`
}

// ConversationListResult is the conversation list, newest first.
type ConversationListResult struct {
	ConversationList []Conversation `msg:"conversationList"`
}

// MessageListRequest asks for a page of messages, from the newest down or from before nextReqMessageID.
type MessageListRequest struct {
	ConversationID   string `msg:"conversationID"`
	Count            Number `msg:"count,omitempty"`            // 1 … 1024, 15 if absent
	NextReqMessageID string `msg:"nextReqMessageID,omitempty"` // as the page before gave it
}

// MessageListResult is a page of messages, oldest first.
type MessageListResult struct {
	MessageList      []Message `msg:"messageList"`
	NextReqMessageID string    `msg:"nextReqMessageID"` // empty when completed
	IsCompleted      bool      `msg:"isCompleted"`      // nothing older is left in this view
}

// SendMessageRequest sends a message that createTextMessage or createCustomMessage made.
type SendMessageRequest struct {
	ConversationType string   `msg:"conversationType"` // C2C, GROUP or ROOM
	To               string   `msg:"to"`
	Type             string   `msg:"type"`
	Payload          msgp.Raw `msg:"payload"` // an object; at most 65536 bytes of text and data in it
	// Quote names the message that this one quotes: sent, of the same conversation, in this view.
	Quote *MessageKey `msg:"quote,omitempty"`
}

// MessageResult is one message.
type MessageResult struct {
	Message Message `msg:"message"`
}

// RevokeMessageRequest takes a sent message away from everybody.
type RevokeMessageRequest struct {
	ID        string `msg:"ID,omitempty"`
	MessageID Number `msg:"messageID,omitempty"`
}

// GroupRequest names a group.
type GroupRequest struct {
	GroupID string `msg:"groupID"`
}

// GroupResult repeats it.
type GroupResult struct {
	GroupID string `msg:"groupID"`
}

// RoomRequest names a room.
type RoomRequest struct {
	RoomID string `msg:"roomID"`
}

// RoomResult repeats it.
type RoomResult struct {
	RoomID string `msg:"roomID"`
}

// SetMessageReadResult repeats the conversation.
type SetMessageReadResult struct {
	ConversationID string `msg:"conversationID"`
}

// SetDraftRequest keeps what the user has typed. An empty draft removes it.
type SetDraftRequest struct {
	ConversationID string `msg:"conversationID"`
	Draft          string `msg:"draft"`
}

// DeleteConversationRequest deletes conversations from the list, in both places.
type DeleteConversationRequest struct {
	ConversationIDList  []string `msg:"conversationIDList"`            // 1 … 100
	ClearHistoryMessage *bool    `msg:"clearHistoryMessage,omitempty"` // true if absent; false keeps the history
	AwaitErasure        bool     `msg:"awaitErasure,omitempty"`        // resolve only when this device has nothing left to erase
}

// DeleteConversationResult reports each conversation; the call fails only when none succeeded.
type DeleteConversationResult struct {
	ConversationIDList []string `msg:"conversationIDList"`
	Failed             []Failed `msg:"failed"`
	Erasure            string   `msg:"erasure"` // hidden, erased, removed
}

// Failed is one item of a batch that was refused, alone.
type Failed struct {
	ID      MessageRef `msg:"id"` // as the caller named it
	Code    wire.Code  `msg:"code"`
	Message string     `msg:"message"`
}

// ClearHistoryRequest deletes all messages of a conversation, in both places.
type ClearHistoryRequest struct {
	ConversationID string `msg:"conversationID"`
	AwaitErasure   bool   `msg:"awaitErasure,omitempty"` // resolve only when this device has nothing left to erase
}

// ClearHistoryResult repeats the conversation.
type ClearHistoryResult struct {
	ConversationID string `msg:"conversationID"`
	Erasure        string `msg:"erasure"` // hidden, erased, removed
}

// MessageKey is as much of a message as a deletion needs.
type MessageKey struct {
	ID        string `msg:"ID,omitempty"`
	MessageID Number `msg:"messageID,omitempty"`
}

// DeleteMessagesRequest deletes messages: by ids, by message objects, or of one conversation (all, those before a time,
// or those up to a seq). Exactly one of ids, messages and conversationID is given.
type DeleteMessagesRequest struct {
	IDs            []MessageRef `msg:"ids,omitempty"`            // ID strings or messageID numbers, at most 1000
	Messages       []MessageKey `msg:"messages,omitempty"`       // at most 1000
	ConversationID string       `msg:"conversationID,omitempty"` // …
	Before         *Number      `msg:"before,omitempty"`         // ms; messages sent earlier; a future time is no error
	UpTo           *Number      `msg:"upTo,omitempty"`           // a seq; none above it
	Scope          string       `msg:"scope,omitempty"`          // local, remote, both (if absent)
	AwaitErasure   bool         `msg:"awaitErasure,omitempty"`   // resolve only when this device has nothing left to erase
}

// DeleteMessagesResult says what was accepted and how far it got.
type DeleteMessagesResult struct {
	Deleted []MessageRef `msg:"deleted"` // as the caller named them; for a whole conversation its conversationID
	Failed  []Failed     `msg:"failed"`
	// Erasure is how far it got on this device: none (scope remote), hidden (no view shows it; ERASED follows), erased (its
	// keys are destroyed, so that nothing can read it any more), removed (its rows are gone, where there is no file for keys).
	Erasure string   `msg:"erasure"`
	Server  string   `msg:"server"` // none (scope local), pending, acknowledged
	OpID    string   `msg:"opID"`   // names the (first) operation in later events
	OpIDs   []string `msg:"opIDs"`  // one a conversation
}

// InspectResult is what the device and the server hold of one conversation, deleted or not.
type InspectResult struct {
	ConversationID string `msg:"conversationID"`
	Messages       uint64 `msg:"messages"` // rows on this device
	Records        uint64 `msg:"records"`  // records in the database
	Bytes          uint64 `msg:"bytes"`    // their values
	Outbox         uint32 `msg:"outbox"`   // operations the server has not acknowledged
	Server         *int64 `msg:"server"`   // messages the server shows this user; null when it could not be asked
}

// The events, by name, with the type of their data.

// MessageReceivedEvent: new messages from the server, of one conversation, oldest first.
type MessageReceivedEvent struct {
	ConversationID string    `msg:"conversationID"`
	MessageList    []Message `msg:"messageList"`
}

// MessageSentEvent: a sent message has its lasting names; the old ones stay valid while it is on this device.
type MessageSentEvent struct {
	Old MessageKey `msg:"old"`
	New Message    `msg:"new"`
}

// MessageFailedEvent: a send was refused for good.
type MessageFailedEvent struct {
	Message Message   `msg:"message"`
	Code    wire.Code `msg:"code"`
}

// ConversationListUpdatedEvent names the conversations that changed or went.
type ConversationListUpdatedEvent struct {
	ConversationIDList []string `msg:"conversationIDList"`
}

// MessageDeletedEvent: single messages left this device's view.
type MessageDeletedEvent struct {
	ConversationID string   `msg:"conversationID"`
	Seqs           []uint64 `msg:"seqs"`
	MessageIDs     []uint64 `msg:"messageIDs"` // of all of them, unsent ones too
}

// HistoryClearedEvent: all messages up to a seq, or before a time, left this device's view.
type HistoryClearedEvent struct {
	ConversationID string `msg:"conversationID"`
	Through        uint64 `msg:"through"` // every seq up to this; 0 if only before is known yet
	Before         int64  `msg:"before"`  // ms, 0 if not by time
}

// ConversationDeletedEvent: a conversation left the list.
type ConversationDeletedEvent struct {
	ConversationID string `msg:"conversationID"`
}

// DeletionEvent: what became of a deletion at the server. Code is 0 when it was acknowledged.
type DeletionEvent struct {
	OpID           string    `msg:"opID"`
	ConversationID string    `msg:"conversationID"`
	Code           wire.Code `msg:"code"`
}

// ErasedEvent: what was deleted in a conversation can no longer be read on this device.
type ErasedEvent struct {
	ConversationID string `msg:"conversationID"` // empty if an earlier visit had deleted all of it
	Erasure        string `msg:"erasure"`        // erased: its keys are destroyed; removed: its rows are gone, where there are no keys apart
}

// MessageRevokedEvent: messages were taken away from everybody; what is left of them stands in their place.
type MessageRevokedEvent struct {
	ConversationID string    `msg:"conversationID"`
	MessageList    []Message `msg:"messageList"`
}

// RoomClosedEvent: a room is no more, and this device's copy of it neither.
type RoomClosedEvent struct {
	RoomID string `msg:"roomID"`
}

// NetStateEvent: connecting, connected, disconnected, or refused with the code that says why it does not come back.
type NetStateEvent struct {
	State string    `msg:"state"`
	Code  wire.Code `msg:"code"`
}

// ReadyEvent: the session began.
type ReadyEvent struct {
	UserID string `msg:"userID"`
}

// FatalEvent: the core or its storage failed outside any call.
type FatalEvent struct {
	Code    wire.Code `msg:"code"`
	Message string    `msg:"message"`
}
