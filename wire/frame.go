// Package wire is Lethe's protocol, defined once for the client core and the server: frames, operations, events,
// error codes and close codes. It imports nothing of ours and does no I/O.
//
// One WebSocket carries binary messages, each one [Frame] in MessagePack. The client sends requests and gets one
// response for each, in the order of the requests; the server sends events. The first request is [Hello].
// Unknown fields are ignored, an unknown operation is refused alone with [OperationUnknown], an unknown event makes
// the client resync. Any change to a type that travels needs a new [Version]; a test holds that.
package wire

import (
	"github.com/tinylib/msgp/msgp"
)

//msgp:limit arrays:65536 maps:1024
//msgp:ignore CodeInfo Error Conversation ConversationKind CloseCode CloseInfo

//go:generate go run github.com/tinylib/msgp -file . -tests=false -io=false -o wire_gen.go
//go:generate gofmt -w wire_gen.go

// Version is the protocol version this build speaks best. MinVersion is the oldest it still speaks.
// Raise Version whenever a travelling type changes (TestVersionCoversEveryType says so).
const (
	Version    uint8 = 3
	MinVersion uint8 = 1
)

// Subprotocol is the WebSocket subprotocol both sides must name.
const Subprotocol = "lethe.v1"

// Limits of the protocol. Nothing is ever cut to fit: what is over a limit is refused.
const (
	// MaxClientFrame and MaxServerFrame bound one frame in bytes, by direction.
	MaxClientFrame = 256 << 10
	MaxServerFrame = 4 << 20
	// MaxContent bounds the text and data of one message, in UTF-8 bytes (see ContentSize).
	MaxContent = 64 << 10
	// MaxPayload bounds the whole encoded payload: the content and the names around it.
	MaxPayload = MaxContent + 1<<10
	// MaxConversations is the most conversations one deletion call takes (seed: Tencent's document).
	MaxConversations = 100
	// MaxMessages is the most message ids one deletion call takes (seed: RongCloud's document).
	MaxMessages = 1000
	// MaxHeads is the most conversations one heads request names.
	MaxHeads = 500
	// MaxIdentifier bounds userID, groupID and appID, in bytes.
	MaxIdentifier = 128
	// MaxPage is the most messages a page request may ask for.
	MaxPage = 1024
)

// Kind says what a frame is.
type Kind uint8

// The kinds of frame.
const (
	Request  Kind = 1 // client to server; ID and Type are set
	Response Kind = 2 // server to client; ID repeats the request's; Code is 0 or an error's
	Event    Kind = 3 // server to client; Type is set, ID is 0
)

// Frame is the one envelope on the wire.
type Frame struct {
	Kind Kind     `msg:"k"`
	ID   uint32   `msg:"i,omitempty"`
	Type string   `msg:"t,omitempty"`
	Code Code     `msg:"c,omitempty"`
	Text string   `msg:"m,omitempty"` // for people, only with a Code; says nothing secret
	Body msgp.Raw `msg:"b,omitempty"`
	// Trace, in a request, is the W3C traceparent of what the client does it for, where the app has asked for traces.
	Trace string `msg:"p,omitempty"`
}

// MaxTrace is the length of a traceparent.
const MaxTrace = 55

// The operations a client may request, and the body types of request and response.
const (
	OpHello   = "hello"   // Hello → Welcome; again with a new token of the same user to go on with that
	OpPing    = "ping"    // Ping → Pong
	OpRows    = "rows"    // RowsRequest → Rows
	OpHeads   = "heads"   // HeadsRequest → Heads
	OpPage    = "page"    // PageRequest → Page
	OpSend    = "send"    // Send → SendAck
	OpCancel  = "cancel"  // Cancel → CancelAck
	OpDelete  = "delete"  // Delete → DeleteAck
	OpRead    = "read"    // Read → ReadAck
	OpCount   = "count"   // CountRequest → Count
	OpRecall  = "recall"  // Recall → Recalled
	OpRecalls = "recalls" // RecallsRequest → Recalls
	OpJoin    = "join"    // Join → JoinAck: a group that lets anybody in, or a room
	OpLeave   = "leave"   // Leave → LeaveAck
	OpHave    = "have"    // Have → HaveAck: only where cloud history is off
)

// The events a server pushes.
const (
	EventMessages = "messages" // MessagesEvent: new messages of one conversation
	EventRows     = "rows"     // Rows: changes of the user's own rows after the number the connection last had
	EventRecalls  = "recalls"  // RecallsEvent: messages of one conversation were taken away from everybody
	EventClosed   = "closed"   // ClosedEvent: a room is no more
)

// body is what every travelling type has.
type body interface {
	msgp.Marshaler
	msgp.Unmarshaler
}

// Encoder and Decoder are the MarshalMsg and UnmarshalMsg of a travelling type. The client core names them one by one
// instead of going through msgp's interfaces, so that the wasm links only the direction it needs (ADR 2).
type (
	Encoder = func([]byte) ([]byte, error)
	Decoder = func([]byte) ([]byte, error)
)

// NewRequest encodes a request frame.
func NewRequest(id uint32, op string, body Encoder) ([]byte, error) {
	return NewTracedRequest(id, op, "", body)
}

// NewTracedRequest is NewRequest with a traceparent, or none.
func NewTracedRequest(id uint32, op, trace string, body Encoder) ([]byte, error) {
	return encode(Frame{Kind: Request, ID: id, Type: op, Trace: trace}, body)
}

// NewResponse encodes a successful response frame.
func NewResponse(id uint32, b msgp.Marshaler) ([]byte, error) {
	return encode(Frame{Kind: Response, ID: id}, b.MarshalMsg)
}

// NewRefusal encodes a response that carries an error.
func NewRefusal(id uint32, err error) ([]byte, error) {
	e := AsError(err)
	return encode(Frame{Kind: Response, ID: id, Code: e.Code, Text: e.Text}, nil)
}

// NewEvent encodes an event frame.
func NewEvent(event string, b msgp.Marshaler) ([]byte, error) {
	return encode(Frame{Kind: Event, Type: event}, b.MarshalMsg)
}

func encode(f Frame, body Encoder) ([]byte, error) {
	if body != nil {
		raw, err := body(nil)
		if err != nil {
			return nil, err
		}
		f.Body = raw
	}
	return f.MarshalMsg(make([]byte, 0, len(f.Body)+len(f.Trace)+64))
}

// DecodeFrame decodes one frame of at most limit bytes. The frame's Body aliases data.
// Errors: FrameTooLarge, FrameInvalid.
func DecodeFrame(data []byte, limit int) (Frame, error) {
	var f Frame
	if len(data) > limit {
		return f, Errorf(FrameTooLarge, "frame of %d bytes, at most %d", len(data), limit)
	}
	rest, err := f.UnmarshalMsg(data)
	if err != nil {
		return Frame{}, Errorf(FrameInvalid, "not a frame: %v", err)
	}
	if len(rest) != 0 {
		return Frame{}, Errorf(FrameInvalid, "%d bytes after the frame", len(rest))
	}
	if f.Kind < Request || f.Kind > Event {
		return Frame{}, Errorf(FrameInvalid, "unknown kind of frame %d", f.Kind)
	}
	return f, nil
}

// DecodeBody decodes a frame's body by the UnmarshalMsg of its type. An absent body decodes nothing.
// Errors: FrameInvalid.
func DecodeBody(raw msgp.Raw, body Decoder) error {
	if len(raw) == 0 {
		return nil
	}
	rest, err := body(raw)
	if err != nil {
		return Errorf(FrameInvalid, "bad body: %v", err)
	}
	if len(rest) != 0 {
		return Errorf(FrameInvalid, "%d bytes after the body", len(rest))
	}
	return nil
}
