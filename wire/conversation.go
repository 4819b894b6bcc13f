package wire

import (
	"strings"
	"unicode/utf8"
)

// ConversationKind is what stands behind a conversationID.
type ConversationKind uint8

// The kinds of conversation. Their prefixes are Tencent's (seed document); RoomKind is ours.
const (
	C2CKind    ConversationKind = 1 // C2C{userID}
	GroupKind  ConversationKind = 2 // GROUP{groupID}
	SystemKind ConversationKind = 3 // @TIM#SYSTEM{senderID}
	RoomKind   ConversationKind = 4 // ROOM{roomID}
)

var prefixes = []struct {
	kind   ConversationKind
	prefix string
	name   string // conversationType in the API
}{
	{C2CKind, "C2C", "C2C"},
	{GroupKind, "GROUP", "GROUP"},
	{SystemKind, "@TIM#SYSTEM", "@TIM#SYSTEM"},
	{RoomKind, "ROOM", "ROOM"},
}

// Conversation is a parsed conversationID. Target is the other user, the group, the room, or the sender of notices (may be empty).
type Conversation struct {
	Kind   ConversationKind
	Target string
}

// ParseConversation reads a conversationID: a prefix and an id of any characters, so it never splits on separators.
// Errors: ConversationIDInvalid for an unknown prefix, an empty id (notices may have one), an id that is too long or not
// UTF-8.
func ParseConversation(id string) (Conversation, error) {
	for _, p := range prefixes {
		target, ok := strings.CutPrefix(id, p.prefix)
		if !ok {
			continue
		}
		if target == "" && p.kind == SystemKind {
			return Conversation{p.kind, ""}, nil
		}
		if err := CheckIdentifier(target); err != nil {
			return Conversation{}, Errorf(ConversationIDInvalid, "conversationID %q: %s", clip(id), AsError(err).Text)
		}
		return Conversation{p.kind, target}, nil
	}
	return Conversation{}, Errorf(ConversationIDInvalid,
		"conversationID %q: must be C2C{userID}, GROUP{groupID}, ROOM{roomID} or @TIM#SYSTEM", clip(id))
}

// String is the conversationID.
func (c Conversation) String() string {
	for _, p := range prefixes {
		if p.kind == c.Kind {
			return p.prefix + c.Target
		}
	}
	return ""
}

// Type is the conversationType of the API: C2C, GROUP, ROOM, @TIM#SYSTEM.
func (c Conversation) Type() string {
	for _, p := range prefixes {
		if p.kind == c.Kind {
			return p.name
		}
	}
	return ""
}

// CheckIdentifier refuses a userID, groupID or appID that is empty, too long, not UTF-8, or has a control character.
// Errors: ParameterInvalid.
func CheckIdentifier(id string) error {
	switch {
	case id == "":
		return Errorf(ParameterInvalid, "empty id")
	case len(id) > MaxIdentifier:
		return Errorf(ParameterInvalid, "id longer than %d bytes", MaxIdentifier)
	case !utf8.ValidString(id):
		return Errorf(ParameterInvalid, "id is not UTF-8")
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return Errorf(ParameterInvalid, "id has a control character")
	}
	return nil
}

// clip keeps what is quoted in an error short.
func clip(s string) string {
	if len(s) <= 40 {
		return s
	}
	return s[:40] + "…"
}
