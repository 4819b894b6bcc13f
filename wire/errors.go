package wire

import (
	"errors"
	"fmt"
)

// Code names an error for programs. 0 is success. Numbers follow Tencent's where one exists; 90xxx are Lethe's own.
type Code int32

// The codes.
const (
	OK                      Code = 0
	MessageInvalid          Code = 2105
	ConversationTypeInvalid Code = 2106
	ConversationNotFound    Code = 2500
	ConversationIDInvalid   Code = 2503
	GroupNotFound           Code = 2603
	NetworkError            Code = 2800
	NetworkTimeout          Code = 2801
	Offline                 Code = 2805
	Internal                Code = 2903
	NotReady                Code = 2999
	ParameterInvalid        Code = 10004
	PermissionDenied        Code = 10007
	RecallTooLate           Code = 10031
	RoomNotDeletable        Code = 10035
	TokenExpired            Code = 70001
	TokenInvalid            Code = 70003
	TokenOtherUser          Code = 70013
	TokenOtherApp           Code = 70014
	TokenRevoked            Code = 70052
	MessageTooLarge         Code = 80002
	LimitExceeded           Code = 90001
	TimeInvalid             Code = 90002
	MessageNotFound         Code = 90003
	AnchorAboveHead         Code = 90004
	OperationIDReused       Code = 90005
	SendCancelled           Code = 90006
	SendExpired             Code = 90007
	OutboxNotEmpty          Code = 90008
	StorageFailed           Code = 90010
	StorageFull             Code = 90011
	StorageBlocked          Code = 90012
	StorageNewer            Code = 90013
	StorageLost             Code = 90014
	StorageDamaged          Code = 90015
	TokenMissing            Code = 90020
	FrameInvalid            Code = 90030
	FrameTooLarge           Code = 90031
	OperationUnknown        Code = 90032
	VersionUnsupported      Code = 90033
	RuntimeExited           Code = 90040
	StorageNotEnabled       Code = 90042
	RoomNotFound            Code = 90050
	NotInRoom               Code = 90051
	TooManyConnections      Code = 90060
)

// CodeInfo describes a code. Retryable means: the same call may succeed later with nothing changed by the caller.
type CodeInfo struct {
	Code      Code
	Name      string
	Retryable bool
}

// Codes is the closed list of codes: TypeScript's ErrorCode and docs/errors.md are made from it and its comments, which the
// download does not hold.
var Codes = []CodeInfo{
	{MessageInvalid, "MESSAGE_INVALID", false},                    // a message object of this chat is needed
	{ConversationTypeInvalid, "CONVERSATION_TYPE_INVALID", false}, // the conversationType is not C2C, GROUP or @TIM#SYSTEM, or does not fit the call
	{ConversationNotFound, "CONVERSATION_NOT_FOUND", false},       // neither this device nor the server knows the conversation
	{ConversationIDInvalid, "CONVERSATION_ID_INVALID", false},     // the conversationID is empty, of the wrong type, or has an unknown prefix
	{GroupNotFound, "GROUP_NOT_FOUND", false},                     // there is no such group
	{NetworkError, "NETWORK_ERROR", true},                         // the connection failed
	{NetworkTimeout, "NETWORK_TIMEOUT", true},                     // the server did not answer in time
	{Offline, "OFFLINE", true},                                    // the call needs the server and there is no connection
	{Internal, "INTERNAL", true},                                  // something failed inside; the message says no more than it must
	{NotReady, "NOT_READY", false},                                // nobody is logged in
	{ParameterInvalid, "PARAMETER_INVALID", false},                // an argument is missing, of the wrong type, or out of its range
	{PermissionDenied, "PERMISSION_DENIED", false},                // the user is not a member, or may not do this
	{RecallTooLate, "RECALL_TOO_LATE", false},                     // the time in which a message may be recalled is over
	{RoomNotDeletable, "ROOM_NOT_DELETABLE", false},               // messages of a room cannot be deleted by its visitors; the server API clears them
	{TokenExpired, "TOKEN_EXPIRED", false},                        // the token has expired
	{TokenInvalid, "TOKEN_INVALID", false},                        // the token is not one that this server signed
	{TokenOtherUser, "TOKEN_OTHER_USER", false},                   // the token is another user's
	{TokenOtherApp, "TOKEN_OTHER_APP", false},                     // the token is of another app
	{TokenRevoked, "TOKEN_REVOKED", false},                        // the token was revoked; log in with a new one
	{MessageTooLarge, "MESSAGE_TOO_LARGE", false},                 // a message holds at most 65536 bytes of text and data
	{LimitExceeded, "LIMIT_EXCEEDED", false},                      // the call names more than 100 conversations or 1000 messages
	{TimeInvalid, "TIME_INVALID", false},                          // a time is a positive whole number of milliseconds
	{MessageNotFound, "MESSAGE_NOT_FOUND", false},                 // there is no such message
	{AnchorAboveHead, "ANCHOR_ABOVE_HEAD", false},                 // the deletion reaches above the newest message
	{OperationIDReused, "OPERATION_ID_REUSED", false},             // the same operation id came before with another content
	{SendCancelled, "SEND_CANCELLED", false},                      // the message was deleted before it was sent
	{SendExpired, "SEND_EXPIRED", false},                          // the first attempt to send is more than 30 days old
	{OutboxNotEmpty, "OUTBOX_NOT_EMPTY", true},                    // the server has not been told everything yet
	{StorageFailed, "STORAGE_FAILED", true},                       // the device's storage refused; nothing was changed on it
	{StorageFull, "STORAGE_FULL", true},                           // the device's storage is full; nothing was changed on it
	{StorageBlocked, "STORAGE_BLOCKED", true},                     // another tab holds the database at another version
	{StorageNewer, "STORAGE_NEWER", false},                        // the database was written by a newer Lethe and is left as it is
	{StorageLost, "STORAGE_LOST", true},                           // the browser closed or deleted the database
	{StorageDamaged, "STORAGE_DAMAGED", true},                     // some of what the device kept cannot be read; logging in again mends it with what the server has
	{TokenMissing, "TOKEN_MISSING", false},                        // a token is needed
	{FrameInvalid, "FRAME_INVALID", false},                        // the frame is not what the protocol says
	{FrameTooLarge, "FRAME_TOO_LARGE", false},                     // the frame is too large
	{OperationUnknown, "OPERATION_UNKNOWN", false},                // the server does not know this operation
	{VersionUnsupported, "VERSION_UNSUPPORTED", false},            // server and client have no protocol version in common
	{RuntimeExited, "RUNTIME_EXITED", false},                      // the core has stopped; create a new chat
	{StorageNotEnabled, "STORAGE_NOT_ENABLED", false},             // this app keeps no history on the server, so there is none to delete there
	{RoomNotFound, "ROOM_NOT_FOUND", false},                       // there is no such room, or it was closed
	{NotInRoom, "NOT_IN_ROOM", false},                             // join the room first
	{TooManyConnections, "TOO_MANY_CONNECTIONS", true},            // the user, the device or the network address has as many connections as it may
}

var codeIndex = func() map[Code]CodeInfo {
	m := make(map[Code]CodeInfo, len(Codes))
	for _, c := range Codes {
		m[c.Code] = c
	}
	return m
}()

// Name is the code's name in capitals, UNKNOWN if the list does not have it.
func (c Code) Name() string {
	if i, ok := codeIndex[c]; ok {
		return i.Name
	}
	return "UNKNOWN"
}

// Retryable tells whether the same call may succeed later.
func (c Code) Retryable() bool { return codeIndex[c].Retryable }

// Error is the one error type that crosses package, wire and language borders.
type Error struct {
	Code Code
	Text string
	Err  error // the cause, kept on this side
}

// Errorf makes an Error. A trailing error argument is kept as the cause where fmt's %w names it.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Text: err.Error(), Err: errors.Unwrap(err)}
}

// Error is the text with the code's name before it.
func (e *Error) Error() string { return e.Code.Name() + ": " + e.Text }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, &wire.Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Text == "" || t.Text == e.Text)
}

// CodeOf is the code of an error: OK for nil, Internal for an error that is none of ours.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	return AsError(err).Code
}

// AsError finds the Error in err. An error that is none of ours becomes Internal and its text stays on this side.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Text: "internal error", Err: err}
}
