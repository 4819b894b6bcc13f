package server

import (
	"context"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Store is the server's truth. Every method is one transaction; a nil error from a method that changes something means
// that it is synced to the disk. Implementations lead every table with app + user or app + log (the keys that would
// shard them). Conversations are named as `who` names them. All errors that a client may see are *wire.Error; everything
// else is the store's own failure. The head that a user is told is the log's; for one whose spans have all ended, the
// last seq before the end: anchors and read marks go up to it. The suite in storetest holds every implementation to this.
type Store interface {
	// Send appends a message for who.User: it finds or makes the log (a C2C's first message makes the log and both
	// users' spans), takes seq and time under the log's lock (time = max(now, time of the newest)), and remembers the
	// SendID for 30 days beyond the message. A repeated SendID answers the first time's ack with repeated true; with
	// another conversation or payload it is refused.
	// Errors: PermissionDenied (no open span in the group; notices cannot be answered), GroupNotFound, SendCancelled,
	// SendExpired (now - FirstAttempt > 30 days and the SendID is not known), OperationIDReused.
	Send(ctx context.Context, who Who, s wire.Send, now int64) (ack wire.SendAck, repeated bool, err error)

	// Cancel takes a SendID back. If it never came: remembered as cancelled, Send refuses it from then on. If it came:
	// its seq joins the ledgers that the scope names (as Delete with WhatMessages would; Hide raises hiddenAt to seq+1);
	// ScopeLocal names none. Idempotent by OpID, as Delete is. The conversation need not exist.
	// Errors: ConversationIDInvalid, ParameterInvalid (also a SendID that went to another conversation), OperationIDReused.
	Cancel(ctx context.Context, who Who, c wire.Cancel, set Settings, now int64) (wire.CancelAck, error)

	// Delete applies one deletion once per (user, OpID), remembered 30 days: the same OpID answers the same N and Through
	// (State is as of now). Surfaces by DESIGN §2 rule 3, with settings read by the caller. WhatTime is resolved to a seq
	// by the sentTimes of the log. Changed ledgers take the user's next number, one number an operation; a deletion that
	// changes nothing takes none.
	// Errors: ConversationNotFound, AnchorAboveHead, OperationIDReused, ParameterInvalid.
	Delete(ctx context.Context, who Who, d wire.Delete, set Settings, now int64) (wire.DeleteAck, error)

	// Read joins the user's read mark by max. Errors: ConversationNotFound, AnchorAboveHead.
	Read(ctx context.Context, who Who, r wire.Read) (wire.ReadAck, error)

	// Page answers a PageRequest with the user's view: log ∩ spans − history ledger. It takes whole segments while their
	// messages have at most maxBytes before packing; a segment that alone has more is answered in parts, each with at
	// least one message, so From may lie inside a segment. Errors: ConversationNotFound, ParameterInvalid (Limit).
	Page(ctx context.Context, who Who, p wire.PageRequest, maxBytes int) (wire.Page, error)

	// Rows returns the changes of the user's rows after since, at most about limit rows; More tells there are others.
	// Parts of one operation are never split over two answers. A since above the user's number (no store gave it out)
	// answers from the beginning.
	Rows(ctx context.Context, who Who, since uint64, limit int) (wire.Rows, error)

	// Heads answers a HeadsRequest's Heads. It stops when the answer has about maxBytes; Done says how far it got.
	Heads(ctx context.Context, who Who, h []wire.Head, maxBytes int) (wire.Heads, error)

	// Rest answers a HeadsRequest's Rest: the user's conversations that named does not name and the history ledger does not
	// hide, each in full. The connection keeps the set of names asked or answered before. More when it stopped at maxBytes.
	Rest(ctx context.Context, who Who, named func(conversationID string) bool, maxBytes int) (wire.Heads, error)

	// Count counts the messages in the user's view. Errors: ConversationNotFound.
	Count(ctx context.Context, who Who, c wire.CountRequest) (wire.Count, error)

	// Number is the user's number and the store's epoch. An unknown user has number 0.
	Number(ctx context.Context, who Who) (n uint64, epoch uint32, err error)

	// Messages returns the messages of a log with seqs From … To that lie in the user's view, with the name that the user
	// has for it and its head; pushes are made of it. No span reaching there: no message and an empty name.
	Messages(ctx context.Context, who Who, log, from, to uint64) (wire.MessagesEvent, error)

	// Logs returns the logs in which the user has an open span; a connection subscribes to them.
	Logs(ctx context.Context, who Who) ([]OpenLog, error)

	// PutGroup makes a group or renames it. Members adds and removes members: adding opens a span at head+1 unless one is
	// open, removing closes it. Both return the users whose rows changed (a span carries the group's name).
	// Errors: GroupNotFound, ParameterInvalid.
	PutGroup(ctx context.Context, app, groupID, name string) (changed []string, err error)
	Members(ctx context.Context, app, groupID string, add, remove []string) (changed []string, log uint64, err error)

	// Notice appends a system notice to the log behind @TIM#SYSTEM{sender} of one user, made if need be.
	Notice(ctx context.Context, app, to, sender string, m wire.Message, now int64) (wire.SendAck, error)

	// Import appends messages with their own times, for apps that move over. Times must not fall within the batch nor
	// below the log's newest, nor lie after now: ParameterInvalid. C2C: conversationID is the `as` user's name for it.
	Import(ctx context.Context, app, as, conversationID string, m []wire.Message, now int64) (first, last uint64, log uint64, err error)

	// Forget removes what is remembered of operations and sends older than before (ms).
	Forget(ctx context.Context, before int64) error

	// Check tells whether the store can read and write: the health endpoint asks it.
	Check(ctx context.Context) error

	Close() error
}

// Who is the user on whose behalf a method runs.
type Who struct {
	App  string
	User string
}

// OpenLog is a log in which a user has an open span.
type OpenLog struct {
	Log    uint64
	Joined uint64 // the first seq of the open span
	Head   uint64
}

// Remembered is how long operations and sends are remembered. A send whose first attempt is older is refused.
const Remembered = 30 * 24 * time.Hour

// Settings are an app's switches (DESIGN §2's table), read when an operation is accepted.
type Settings struct {
	SyncDeletions             bool // `both` joins the devices surface
	CompensationClearedByTime bool // `remote` by time joins the compensation surface
	// RecallWindow is for how many seconds after its sentTime a message may be recalled by users; 0 = without limit.
	RecallWindow     int64
	RecallOwnOnly    bool // only the sender may recall, not any member
	RoomCloudHistory bool // rooms keep their messages for those who join later
}

// Lethe is the profile that an app has by default.
var Lethe = Settings{SyncDeletions: true, CompensationClearedByTime: true, RecallWindow: 120, RecallOwnOnly: true}
