package wire

// RowsRequest asks for the changes of the user's own rows after (Epoch, Since). Rows are state, so no Since is too old;
// an Epoch that is not the server's answers from the beginning.
type RowsRequest struct {
	Epoch uint32 `msg:"e"`
	Since uint64 `msg:"n"`
}

// Rows are changes of the user's own rows, and the number the device has when it has stored them.
type Rows struct {
	Epoch   uint32      `msg:"e"`
	After   uint64      `msg:"a"` // the changes are those after this number …
	N       uint64      `msg:"n"` // … up to this one
	More    bool        `msg:"x"` // ask again from N
	Ledgers []LedgerRow `msg:"l,omitempty"`
	Reads   []ReadRow   `msg:"r,omitempty"`
	Spans   []SpanRow   `msg:"s,omitempty"`
}

// LedgerRow is one ledger as it stands, or the part of it that changed: joining it is always right.
type LedgerRow struct {
	ConversationID string  `msg:"c"`
	Surface        Surface `msg:"s"`
	Ledger         Ledger  `msg:"l"`
}

// ReadRow is the user's read mark in one conversation.
type ReadRow struct {
	ConversationID string `msg:"c"`
	UpTo           uint64 `msg:"u"`
}

// SpanRow is one stay of the user in a log. Left is 0 while it lasts.
type SpanRow struct {
	ConversationID string `msg:"c"`
	Log            uint64 `msg:"l"`
	Joined         uint64 `msg:"j"`           // the first seq of the stay
	Left           uint64 `msg:"x"`           // the first seq after it, 0 while it lasts
	Name           string `msg:"m,omitempty"` // a group's name
}

// Head is what a device knows of a conversation.
type Head struct {
	ConversationID string `msg:"c"`
	Head           uint64 `msg:"h"`           // the newest seq it knows of, 0 if none
	ReadUpTo       uint64 `msg:"u"`           // the read mark on this device
	Recall         uint64 `msg:"r,omitempty"` // the newest recall it knows of
}

// HeadsRequest asks which conversations have moved. At most MaxHeads; a device with more asks in slices. With Rest it asks
// for the conversations that it did not name on this connection before: a device forgets the name of what it deleted, so
// this is how it hears of new messages there.
type HeadsRequest struct {
	Heads []Head `msg:"h,omitempty"`
	Rest  bool   `msg:"r,omitempty"` // Heads is empty then
}

// Heads answers with the conversations whose head, recall number or server read mark differs from the device's (asked with Head 0: always),
// or, asked for the Rest, with those that the history ledger does not hide. An answer stays within MaxServerFrame: it may
// stop early.
type Heads struct {
	States  []HeadState `msg:"h"`
	Unknown []string    `msg:"x,omitempty"` // no such conversation for this user
	Done    uint32      `msg:"d"`           // how many of the request's Heads are answered; ask again from there
	More    bool        `msg:"m,omitempty"` // Rest: ask again
}

// HeadState is a conversation as the user's history on the server shows it.
type HeadState struct {
	ConversationID string `msg:"c"`
	Log            uint64 `msg:"l"`
	Head           uint64 `msg:"h"`
	// Time is the sentTime of the newest message the user's spans reach, even if deleted: the list is sorted by it.
	Time int64 `msg:"t"`
	// Last is the newest message in the user's view, nil if the view is empty.
	Last *Message `msg:"m"`
	// Unread counts the others' messages above the greater of the two read marks, in the user's view.
	Unread uint32 `msg:"n"`
	// ReadUpTo is the user's read mark on the server.
	ReadUpTo uint64 `msg:"u"`
	// Recall is the log's recall number.
	Recall uint64 `msg:"r,omitempty"`
}
