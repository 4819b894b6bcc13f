package server

import (
	"context"
	"errors"
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
	// another conversation or payload it is refused, unless the message was recalled or purged: then nothing in the store
	// tells any more what it said.
	// A Quote must be a seq that the user's spans reach. A room is sent to by the devices in it.
	// Errors: PermissionDenied (no open span in the group any more; notices cannot be answered), GroupNotFound (also dissolved,
	// and for who never was a member: foreign is as absent),
	// RoomNotFound (also closed), NotInRoom, ParameterInvalid (Quote), SendCancelled, SendExpired (now - FirstAttempt >
	// 30 days and the SendID is not known), OperationIDReused.
	Send(ctx context.Context, who Who, s wire.Send, now int64) (ack wire.SendAck, repeated bool, err error)

	// Cancel takes a SendID back. If it never came: remembered as cancelled, Send refuses it from then on. If it came:
	// its seq joins the ledgers that the scope names (as Delete with WhatMessages would; Hide raises hiddenAt to seq+1);
	// ScopeLocal names none. Idempotent by OpID, as Delete is. The conversation need not exist.
	// Errors: ConversationIDInvalid, ParameterInvalid (also a SendID that went to another conversation), OperationIDReused,
	// RoomNotDeletable (any scope but ScopeLocal).
	Cancel(ctx context.Context, who Who, c wire.Cancel, set Settings, now int64) (wire.CancelAck, error)

	// Delete applies one deletion once per (user, OpID), remembered 30 days: the same OpID answers the same N and Through
	// (State is as of now). Surfaces by DESIGN §2 rule 3, with settings read by the caller. WhatTime is resolved to a seq
	// by the sentTimes of the log. Changed ledgers take the user's next number, one number an operation; a deletion that
	// changes nothing takes none.
	// Errors: ConversationNotFound, AnchorAboveHead, OperationIDReused, ParameterInvalid, RoomNotDeletable; StorageNotEnabled
	// (scope remote where cloud history is off).
	Delete(ctx context.Context, who Who, d wire.Delete, set Settings, now int64) (wire.DeleteAck, error)

	// Read joins the user's read mark by max; a room's is checked and not kept. Errors: ConversationNotFound,
	// AnchorAboveHead.
	Read(ctx context.Context, who Who, r wire.Read) (wire.ReadAck, error)

	// Page answers a PageRequest with the user's view: log ∩ spans − history ledger. It takes whole segments while their
	// messages have at most maxBytes before packing; a segment that alone has more is answered in parts, each with at
	// least one message, so From may lie inside a segment. Errors: ConversationNotFound, ParameterInvalid (Limit).
	Page(ctx context.Context, who Who, p wire.PageRequest, maxBytes int) (wire.Page, error)

	// Compensation answers a PageRequest with what a new device is given: log ∩ spans − compensation ledger, without the
	// messages from before since (ms). Errors: as Page.
	Compensation(ctx context.Context, who Who, p wire.PageRequest, since int64, maxBytes int) (wire.Page, error)

	// Rows returns the changes of the user's rows after since, at most about limit rows; More tells there are others.
	// Parts of one operation are never split over two answers. A since above the user's number (no store gave it out)
	// answers from the beginning.
	Rows(ctx context.Context, who Who, since uint64, limit int) (wire.Rows, error)

	// Recall takes a message away from everybody: a wire.RecallNotice stands in its place from then on, under the same seq,
	// time, sender and SendID, and what it said is gone from the store. It takes the log's next recall number, under the
	// log's lock. Recalls are kept for ever, also when the message is purged; recalling what is recalled answers the same
	// again. A user needs an open span (in a room: the device in it) and must not have deleted it; it is the sender's to
	// recall, or any member's unless set.RecallOwnOnly, within set.RecallWindow. A message that the store no longer has, but whose
	// SendID it remembers, is recalled as well: devices hold it. A notice is an administrator's to recall.
	// Errors: ConversationNotFound, NotInRoom, PermissionDenied, MessageNotFound, RecallTooLate.
	Recall(ctx context.Context, who Who, q wire.Recall, set Settings, now int64) (r wire.Recalled, log uint64, err error)
	// RecallByAdmin is Recall without its conditions; By is empty. The conversation is named as the user `as` names it; a
	// group and a room need no `as`. Errors: ConversationNotFound, ConversationIDInvalid, ParameterInvalid, MessageNotFound.
	RecallByAdmin(ctx context.Context, app, as string, q wire.Recall, now int64) (r wire.Recalled, log uint64, err error)

	// Recalls answers a RecallsRequest with at most limit recalls, by rising Change without gaps; those of seqs that the
	// user's spans do not reach have only their Change. Errors: ConversationNotFound, NotInRoom.
	Recalls(ctx context.Context, who Who, q wire.RecallsRequest, limit int) (wire.Recalls, error)
	// RecallsSince is Recalls by the log's number, with the name that the user has for it; pushes are made of it. No span:
	// no recall and an empty name.
	RecallsSince(ctx context.Context, who Who, log, since uint64, limit int) (wire.RecallsEvent, error)

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

	// Logs returns the logs in which the user has an open span and the rooms that who.Device is in; a connection subscribes
	// to them.
	Logs(ctx context.Context, who Who) ([]OpenLog, error)

	// Join opens a span in a group that is open to anybody, at head+1 unless one is open, or brings who.Device into a room.
	// From is where the span begins; in a room the first seq that the device may see: 1 with set.RoomCloudHistory, otherwise
	// head+1. Joining twice is joining once. A group that is not open is GroupNotFound to who never was a member.
	// Errors: ConversationIDInvalid, GroupNotFound, PermissionDenied, RoomNotFound, ParameterInvalid (no device).
	Join(ctx context.Context, who Who, q wire.Join, set Settings) (wire.JoinAck, error)
	// Leave closes the user's span in the group, or takes who.Device out of the room. Leaving twice is leaving once, and so
	// is leaving what was dissolved or closed. Errors: ConversationIDInvalid, ConversationNotFound.
	Leave(ctx context.Context, who Who, q wire.Leave) (wire.LeaveAck, error)

	// PutGroup makes a group or sets its name and whether anybody may join. A dissolved one goes on in its log, without
	// members. Dissolve closes all spans; the group is not found any more except by those who read their history of it;
	// dissolving twice is dissolving once. Members adds and removes members: adding opens a span at head+1 unless one is
	// open, removing closes it. All return the users whose rows changed (a span carries the group's name).
	// Errors: GroupNotFound, ParameterInvalid.
	PutGroup(ctx context.Context, app, groupID, name string, open bool) (changed []string, err error)
	Dissolve(ctx context.Context, app, groupID string) (changed []string, err error)
	Members(ctx context.Context, app, groupID string, add, remove []string) (changed []string, log uint64, err error)

	// PutRoom makes a room, renames it or opens it again, in the same log. A room has no spans, no ledgers and no user rows:
	// what a device in it sees is the log from its From on. Whoever is not in it gets NotInRoom, or ConversationNotFound
	// when it is closed. CloseRoom sends all devices away and purges the messages; ClearRoom only purges them (through is
	// the head then); closing twice is closing once. PurgeRooms purges what was sent in the app's rooms before a time (ms).
	// Errors: ParameterInvalid, RoomNotFound.
	PutRoom(ctx context.Context, app, roomID, name string) error
	CloseRoom(ctx context.Context, app, roomID string) (log uint64, err error)
	ClearRoom(ctx context.Context, app, roomID string) (through uint64, err error)
	PurgeRooms(ctx context.Context, app string, before int64) error

	// Notice appends a system notice to the log behind @TIM#SYSTEM{sender} of one user, made if need be.
	Notice(ctx context.Context, app, to, sender string, m wire.Message, now int64) (wire.SendAck, error)

	// Import appends messages with their own times, for apps that move over. Times must not fall within the batch nor
	// below the log's newest, nor lie after now: ParameterInvalid. C2C: conversationID is the `as` user's name for it.
	Import(ctx context.Context, app, as, conversationID string, m []wire.Message, now int64) (first, last uint64, log uint64, err error)

	// Device notes that who.Device was seen now. It tells whether the device is new: it stays so until Settle. A device that
	// was never seen has the greatest have marks that other devices of the user have: nothing that the user was given waits
	// for it. Settle ends being new.
	Device(ctx context.Context, who Who, now int64) (isNew bool, err error)
	Settle(ctx context.Context, who Who) error

	// Have raises the have marks of who.Device, where cloud history is off: it holds all that it was to get up to each Head
	// (at most the log's). What is not the user's is passed over, rooms too. Errors: ParameterInvalid (no device).
	Have(ctx context.Context, who Who, h []wire.Head, now int64) error

	// Conversation names the conversation behind a log, and one of those who call it that; empty for a group or a room.
	// Errors: MessageNotFound.
	Conversation(ctx context.Context, app string, log uint64) (as, conversationID string, err error)

	// Clear takes messages from everybody's history and compensation, up to the head, which it returns. Devices keep what
	// they hold. The conversation is named as the user `as` names it; a group and a room need no `as`.
	// Errors: ConversationNotFound, ConversationIDInvalid, ParameterInvalid, MessageNotFound (Log is another).
	Clear(ctx context.Context, app, as string, c Clear) (head uint64, err error)

	// Wipe removes everything that is a user's own: ledgers, read marks, spans, devices, sends, operations. Messages stay in
	// the views of others. Number goes on. Who is wiped is in no group; sending to one in a C2C that was is refused with
	// PermissionDenied until that one sends there, from where a new span begins. Errors: ParameterInvalid.
	Wipe(ctx context.Context, app, user string) error

	// What follows works on what is no user's operation. Of several servers of one store one at a time does; for the others there
	// is nothing to do meanwhile.

	// Purge removes from the file a slice of what no view holds any more: what retention or Clear took from everybody, and
	// what no span's history and compensation have; where cloud history is off, what no device waits for (those seen in the
	// last DeliveryDays; a user without such a device waits). First it lets everybody's history and compensation lose what
	// has expired by set. more: there is something left to do now. Heads, seqs and times go on as if nothing were gone.
	// Erase makes the files' bytes forget what was removed, in slices too. Errors: ErrReaders.
	Purge(ctx context.Context, app string, set Settings, now int64) (more bool, err error)
	Erase(ctx context.Context) (more bool, err error)

	// Settings are an app's settings, false if it never was given any. ChangeSettings applies change to them, or to initial
	// if there are none, and keeps the result unless change fails.
	Settings(ctx context.Context, app string) (set Settings, ok bool, err error)
	ChangeSettings(ctx context.Context, app string, initial Settings, change func(*Settings) error) (Settings, error)

	// Claim claims a key for a backend's call of this hash. claimed: no other call has it, and for ClaimTime none gets it; then
	// KeepAnswer keeps what the call was answered, or DropClaim gives the key back. Not claimed: first has the hash of the call
	// that was first, and its answer; no Body: that call is under way, or its server has died less than ClaimTime ago.
	Claim(ctx context.Context, app, key string, hash []byte, now int64) (first Answer, claimed bool, err error)
	KeepAnswer(ctx context.Context, app, key string, a Answer, now int64) error
	DropClaim(ctx context.Context, app, key string, hash []byte) error

	// Revoke keeps a revocation under the app's next revocation number, at once and for ever (Wipe too leaves it). One that is
	// kept for the same user, device and token is replaced, and Before only rises. Errors: ParameterInvalid.
	Revoke(ctx context.Context, app string, r Revocation) error
	// Revoked tells whether a revocation ends the grant. Revocations are the app's after a number, at most limit, by rising
	// Change: servers look there for those that another one was told.
	Revoked(ctx context.Context, g Grant) (bool, error)
	Revocations(ctx context.Context, app string, since uint64, limit int) ([]Revocation, error)

	// Forget removes what is remembered of operations, sends and answers older than before (ms), and takes devices that were
	// last seen before it out of the rooms: they have lost their storage, or never come back.
	Forget(ctx context.Context, before int64) error

	// Check tells whether the store can read and write: the health endpoint asks it.
	Check(ctx context.Context) error

	Close() error
}

// ErrReaders is returned by Erase when a long reader of the files is in the way of the last step. It is made up for by
// calling Erase again later.
var ErrReaders = errors.New("a reader is in the way")

// Who is the user on whose behalf a method runs.
type Who struct {
	App  string
	User string
	// Device is set where a method is about one device of the user.
	Device string
	// Waiting narrows every view to what waits for Device: the messages above its have mark. Set where cloud history is off.
	Waiting bool
}

// Clear says what is taken from everybody's history: the messages in Ranges, those sent before a time (ms), or all.
type Clear struct {
	ConversationID string
	Log            uint64 // the log that Ranges are of, 0 if it is not known
	Ranges         wire.Ranges
	Before         int64
}

// OpenLog is a log in which a user has an open span, or a room that a device is in.
type OpenLog struct {
	Log    uint64
	Joined uint64 // the first seq of the open span, or after the device came in
	Head   uint64
	Recall uint64 // the recall number
	Room   string // a room's conversationID
}

// Remembered is how long operations and sends are remembered. A send whose first attempt is older is refused.
const Remembered = 30 * 24 * time.Hour
