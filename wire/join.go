package wire

// Join makes the user a member of a group that lets anybody in, or this device a visitor of a room. Joining twice is
// joining once. A room is joined by the device: losing the connection is not leaving.
// Errors: ConversationIDInvalid, GroupNotFound (also: not open, and never a member), RoomNotFound, PermissionDenied (a member once; the
// group's administrators add members).
type Join struct {
	ConversationID string `msg:"c"`
}

// JoinAck answers Join.
type JoinAck struct {
	Log  uint64 `msg:"l"`
	Head uint64 `msg:"h"`
	From uint64 `msg:"f"` // the first seq this user or device may see
	N    uint64 `msg:"n"` // the user's number after it
}

// Leave ends the membership. The user's history of the stay remains; of a room nothing does. Leaving twice is leaving once.
// Errors: ConversationIDInvalid, ConversationNotFound.
type Leave struct {
	ConversationID string `msg:"c"`
}

// LeaveAck answers Leave.
type LeaveAck struct {
	N uint64 `msg:"n"`
}

// ClosedEvent tells a device that a room it is in is no more.
type ClosedEvent struct {
	ConversationID string `msg:"c"`
}

// Have tells, where cloud history is off, up to which seq this device holds everything that it was to get.
type Have struct {
	Heads []Head `msg:"h"` // Head is that seq; at most MaxHeads
}

// HaveAck answers Have.
type HaveAck struct{}
