package wire

import (
	"github.com/tinylib/msgp/msgp"
)

// Message is one message of a log, as it travels and as segments hold it. It names neither the conversation nor the
// reader, so the same bytes serve every member.
type Message struct {
	Seq     uint64   `msg:"s"`
	Time    int64    `msg:"t"` // sentTime: server clock, ms; never falls as seq rises
	From    string   `msg:"f"` // userID
	Type    string   `msg:"y"` // TypeText, TypeCustom
	Payload msgp.Raw `msg:"p"` // MessagePack, opaque to the server apart from its size
	SendID  ID       `msg:"i,omitempty"`
	Quote   uint64   `msg:"q,omitempty"` // the seq this message quotes; its text is looked up in the reader's view
}

// ID is a random 128-bit name that its maker chose: of a send, an operation, or a device.
type ID [16]byte

// The types of message, in Tencent's names.
const (
	TypeText   = "TIMTextElem"
	TypeCustom = "TIMCustomElem"
	// TypeRecalled stands in the place of a recalled message: the same seq, time and sender, and a RecallNotice as payload.
	TypeRecalled = "recalled"
)

// Send asks to append a message to a conversation's log. A repeated SendID answers what the first attempt got.
// Errors: ConversationIDInvalid, ParameterInvalid, MessageTooLarge, PermissionDenied, GroupNotFound, SendCancelled, SendExpired,
// OperationIDReused.
type Send struct {
	SendID         ID       `msg:"i"`
	ConversationID string   `msg:"c"`
	Type           string   `msg:"y"`
	Payload        msgp.Raw `msg:"p"`
	// FirstAttempt is the server time (ms) at which the client first tried, 0 if it does not know.
	FirstAttempt int64 `msg:"a,omitempty"`
	// Quote is the seq of a message that this one quotes, 0 if none.
	Quote uint64 `msg:"q,omitempty"`
}

// SendAck says where the message stands.
type SendAck struct {
	Log  uint64 `msg:"l"`
	Seq  uint64 `msg:"s"`
	Time int64  `msg:"t"`
}

// Cancel takes back a send that may or may not have arrived. The server answers Never and refuses the SendID from then
// on, or names the seq it got, which then joins the ledgers that the deletion named.
type Cancel struct {
	OpID           ID     `msg:"o"`
	SendID         ID     `msg:"i"`
	ConversationID string `msg:"c"`
	Scope          Scope  `msg:"s"`
	Hide           bool   `msg:"h,omitempty"` // the deletion also hid the conversation
}

// CancelAck answers Cancel.
type CancelAck struct {
	Never bool   `msg:"x"`
	Seq   uint64 `msg:"s"` // 0 if never
	N     uint64 `msg:"n"` // the user's number after it
}

// MessagesEvent pushes new messages of one conversation to a member's connections.
type MessagesEvent struct {
	ConversationID string    `msg:"c"`
	Log            uint64    `msg:"l"`
	Head           uint64    `msg:"h"`
	Messages       []Message `msg:"m"` // by rising seq
}

// Read moves the user's read mark: a max-join, so it needs no operation id.
// Errors: ConversationNotFound, AnchorAboveHead.
type Read struct {
	ConversationID string `msg:"c"`
	UpTo           uint64 `msg:"u"`
}

// ReadAck answers Read.
type ReadAck struct {
	N uint64 `msg:"n"`
}

// ContentSize returns the bytes of all strings and binaries in a payload (values, not names), which is what MaxContent
// bounds. Errors: ParameterInvalid if the payload is not one MessagePack map, or nests deeper than 16.
func ContentSize(payload msgp.Raw) (int, error) {
	if msgp.NextType(payload) != msgp.MapType {
		return 0, Errorf(ParameterInvalid, "payload is not a map")
	}
	n, rest, err := contentSize(payload, 0)
	if err != nil {
		return 0, Errorf(ParameterInvalid, "payload: %v", err)
	}
	if len(rest) != 0 {
		return 0, Errorf(ParameterInvalid, "payload: bytes after the map")
	}
	return n, nil
}

func contentSize(b []byte, depth int) (n int, rest []byte, err error) {
	if depth > 16 {
		return 0, b, Errorf(ParameterInvalid, "nested deeper than 16")
	}
	switch msgp.NextType(b) {
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(b)
		return len(s), rest, err
	case msgp.BinType:
		s, rest, err := msgp.ReadBytesZC(b)
		return len(s), rest, err
	case msgp.ArrayType, msgp.MapType:
		return containerSize(b, depth)
	default:
		rest, err = msgp.Skip(b)
		return 0, rest, err
	}
}

func containerSize(b []byte, depth int) (n int, rest []byte, err error) {
	var items uint32
	isMap := msgp.NextType(b) == msgp.MapType
	if isMap {
		items, rest, err = msgp.ReadMapHeaderBytes(b)
	} else {
		items, rest, err = msgp.ReadArrayHeaderBytes(b)
	}
	for i := uint32(0); i < items && err == nil; i++ {
		if isMap {
			if rest, err = msgp.Skip(rest); err != nil {
				break
			}
		}
		var m int
		m, rest, err = contentSize(rest, depth+1)
		n += m
	}
	return n, rest, err
}

// CheckPayload refuses a payload that is no map or too large. Client and server ask the same.
// Errors: ParameterInvalid, MessageTooLarge.
func CheckPayload(payload msgp.Raw) error {
	n, err := ContentSize(payload)
	if err != nil {
		return err
	}
	if n > MaxContent || len(payload) > MaxPayload {
		return Errorf(MessageTooLarge, "a message holds at most %d bytes, this one has %d", MaxContent, n)
	}
	return nil
}
