package wire

// Recall takes one message away from everybody, its content with it. It is never queued: it is refused or done when it is
// answered. Recalling what is recalled already succeeds.
// Errors: ConversationNotFound, MessageNotFound, PermissionDenied (another's message while recall.ownOnly), RecallTooLate.
type Recall struct {
	ConversationID string `msg:"c"`
	Seq            uint64 `msg:"s"`
}

// Recalled is one recall: the log's `everybody` ledger has one for each, and they outlive the messages. Of a message that
// the user never could see only the Change is told, so that the numbers have no gaps; its Seq is 0.
type Recalled struct {
	Seq    uint64 `msg:"s"`
	By     string `msg:"b"` // userID of who recalled it, empty for an administrator
	Time   int64  `msg:"t"` // server clock, ms
	Change uint64 `msg:"n"` // the log's recall number: 1, 2, 3 … without gaps
}

// RecallNotice is the payload of a message of TypeRecalled.
type RecallNotice struct {
	By   string `msg:"by"`
	Time int64  `msg:"time"`
}

// RecallsRequest asks for the recalls of a conversation after a number. Errors: ConversationNotFound.
type RecallsRequest struct {
	ConversationID string `msg:"c"`
	Since          uint64 `msg:"n"`
}

// Recalls answers it, by rising Change.
type Recalls struct {
	Recalls []Recalled `msg:"r"`
	More    bool       `msg:"x,omitempty"` // ask again from the last
}

// RecallsEvent pushes recalls to a member's connections.
type RecallsEvent struct {
	ConversationID string     `msg:"c"`
	Log            uint64     `msg:"l"`
	Recalls        []Recalled `msg:"r"`
}
