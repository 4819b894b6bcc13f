// Package vault is the device's store of messages over kv (DESIGN §5): segments of 256 messages on a fixed grid, a tail
// of single live messages, one record a conversation, ledgers that outlive them, the outbox, and notes of what is still
// to be reclaimed. Every value is sealed (seal.go) under a key that stands in the keyring, a file beside the database, so
// that destroying a few keys erases any number of messages (keys.go says in which order).
package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

//go:generate go run github.com/tinylib/msgp -file layout.go -tests=false -io=false -o layout_gen.go
//go:generate gofmt -w layout_gen.go
//msgp:limit arrays:1048576 maps:1024

// Format is the version of the database; a newer one is left as it is. Format 1 was not sealed; Open seals it.
const Format = 2

// The tables. Keys are numbers; values are MessagePack, sealed, and the messages in segments S2. What outlives a deletion
// is sealed under the device's key; a conversation's record and tail under the conversation's; each segment under its own.
const (
	tableDevice        kv.Table = "device"        // 0 → Device, 1 → Space, 2 → Refusals, 3 → what Device cannot be made again from
	tableConversations kv.Table = "conversations" // ordinal → Record
	tableSegments      kv.Table = "segments"      // ordinal·2^32 + segment → wire.Batch
	tableTail          kv.Table = "tail"          // ordinal·2^32 + slot → Row
	tableSent          kv.Table = "sent"          // ordinal·2^32 + provisional slot → Sent
	tableLedgers       kv.Table = "ledgers"       // keyed hash of the conversationID → Ledger
	tableOutbox        kv.Table = "outbox"        // number → Entry
	tableGarbage       kv.Table = "garbage"       // number → Note
)

// Tables is what a store for a vault must have.
var Tables = []kv.Table{
	tableDevice, tableConversations, tableSegments, tableTail, tableSent, tableLedgers, tableOutbox, tableGarbage,
}

// Lasting is the tables to save when a database is made anew: with them a device stays the one it was, and what it had deleted
// stays deleted.
var Lasting = []kv.Table{tableDevice, tableLedgers, tableOutbox}

// FirstSlot is the first slot of an unsent message: slots below are seqs.
const FirstSlot = 1 << 31

// MaxOrdinal is the greatest ordinal: with 32 bits of slot a messageID stays within 2^53.
const MaxOrdinal = 1<<21 - 1

// Device is what the device knows of itself.
type Device struct {
	ID     wire.ID  `msg:"i"`
	Secret [32]byte `msg:"k"` // keys the hashes of names
	Epoch  uint32   `msg:"e"`
	N      uint64   `msg:"n"` // the user's number up to which rows are stored
	// Restate: the server was restored from a backup, and has not been told yet what it has forgotten (restate.go).
	Restate bool `msg:"r,omitempty"`
	// Compensated: the recent messages that a new device gets are here, or there were none to get.
	Compensated bool   `msg:"c,omitempty"`
	NextOrdinal uint64 `msg:"o"`
	NextEntry   uint64 `msg:"x"`
	NextNote    uint64 `msg:"g"`
	// SealedFrom: what stands under ordinals below this was once in the database without a keyring, so that deleting it
	// removes rows and erases nothing.
	SealedFrom uint64 `msg:"f,omitempty"`
	// Commit rises with every transaction that writes keys, which tells whether one that seems to have failed has.
	Commit uint64 `msg:"y,omitempty"`
}

// Record is one conversation on this device, since its last whole deletion here.
type Record struct {
	ConversationID string           `msg:"c"`
	Log            uint64           `msg:"l"`
	Name           string           `msg:"m,omitempty"`
	Time           int64            `msg:"t"` // sentTime of the newest message, deleted or not: the list is sorted by it
	Last           *Row             `msg:"p"` // the newest message in this view
	LastSlot       uint32           `msg:"ps"`
	Unread         uint32           `msg:"u"`
	Stale          bool             `msg:"z,omitempty"` // Last and Unread must be asked again from the server
	Recount        bool             `msg:"r,omitempty"` // Unread is the least it can be until Reclaim has counted again
	Left           bool             `msg:"x,omitempty"`
	Draft          string           `msg:"d,omitempty"`
	Covered        ledger.Intervals `msg:"v,omitempty"` // seqs that are in a row here or gone; the others were never asked for
	NextSlot       uint32           `msg:"n"`
	Version        uint64           `msg:"w"` // rises with every change of record or rows
	// Keys is the first of the two slots of the conversation's key, 0 without a keyring; Extents are those of its segments.
	Keys    uint32   `msg:"y,omitempty"`
	Extents []Extent `msg:"e,omitempty"`

	Ordinal uint64 `msg:"-"`

	slot uint32 // where the key is under which the record stands: one of the two
}

// Status is how far a message of one's own got.
type Status uint8

// The statuses. A message from the server has Success.
const (
	Success Status = 0
	Unsent  Status = 1
	Failed  Status = 2
)

// Row is one message in the tail, and the form in which views return messages.
type Row struct {
	Message wire.Message `msg:"m"`
	Status  Status       `msg:"s,omitempty"`

	Slot uint32 `msg:"-"` // its place in the conversation: the seq, or FirstSlot + n
}

// Sent leads from a provisional slot to the seq that the message got.
type Sent struct {
	Seq uint64 `msg:"s"`
}

// Ledger is a book with what proves whose it is, since its key is a hash cut to 52 bits, and where the conversation's
// rows are.
type Ledger struct {
	Name    [16]byte    `msg:"n"` // more of the keyed hash
	Ordinal uint64      `msg:"o"` // the record's ordinal + 1, 0 while there is none
	Book    ledger.Book `msg:"b"`
}

// Kind is what an outbox entry owes the server.
type Kind uint8

// The kinds of entry.
const (
	SendEntry   Kind = 1
	DeleteEntry Kind = 2
	CancelEntry Kind = 3
	ReadEntry   Kind = 4
	LeaveEntry  Kind = 5
)

// Entry is one thing this device still owes the server: a versioned fact, encoded for the wire when it is sent.
type Entry struct {
	V              uint8   `msg:"v"`
	Kind           Kind    `msg:"k"`
	ConversationID string  `msg:"c"`
	OpID           wire.ID `msg:"o,omitempty"`
	SendID         wire.ID `msg:"i,omitempty"` // SendEntry, CancelEntry

	Scope  wire.Scope  `msg:"s,omitempty"` // DeleteEntry, CancelEntry
	What   wire.What   `msg:"w,omitempty"`
	Anchor uint64      `msg:"a,omitempty"` // ReadEntry: the mark
	Before int64       `msg:"t,omitempty"`
	Ranges wire.Ranges `msg:"r,omitempty"`
	Hide   bool        `msg:"h,omitempty"`

	Ordinal      uint64 `msg:"d,omitempty"` // SendEntry: where the message stands
	Slot         uint32 `msg:"l,omitempty"`
	FirstAttempt int64  `msg:"f,omitempty"` // SendEntry: server time, ms

	N     uint64 `msg:"-"` // its key
	Trace string `msg:"-"` // what it is sent for, in memory only: the traceparent of the call that made it
}

// EntryVersion is the version of new entries.
const EntryVersion = 1

// Refusals are how the last entries ended that did not end well, for the tabs that wait for them: an entry that is gone and
// not here was acknowledged. Older ones are forgotten. They name nobody.
type Refusals struct {
	Entries []uint64 `msg:"n"`
	Codes   []int32  `msg:"c"` // wire.Code, in the same order
}

// Note is what a deletion has left to reclaim: a whole ordinal, or the hidden rows of some segments of one.
type Note struct {
	Ordinal        uint64   `msg:"o"`
	ConversationID string   `msg:"c,omitempty"` // empty for a whole ordinal
	Whole          bool     `msg:"w,omitempty"`
	Segments       []uint32 `msg:"s,omitempty"` // to be rewritten without what is hidden
	Until          uint32   `msg:"u,omitempty"` // all segments below this are hidden whole
	// Runs are a whole ordinal's slots: their keys are destroyed once the note stands, and they are free when it goes.
	Runs []keyring.Run `msg:"k,omitempty"`
	// Rekey: record and tail, which may have held what is deleted, are to be sealed under a new key of the conversation.
	Rekey bool `msg:"n,omitempty"`
	// Done are segments that have been rewritten: of their two slots, the one that is not in use has an older key, to be
	// destroyed. Which one that is, is read when it is done: it may be in use again since.
	Done  []uint32 `msg:"d,omitempty"`
	Quiet bool     `msg:"q,omitempty"` // no deletion: the app is told nothing
	Plain bool     `msg:"p,omitempty"` // of an ordinal below Device.SealedFrom

	N uint64 `msg:"-"`
}

// Extent is where the keys of a block of segments stand. Which block a segment is in follows from its number.
type Extent struct {
	First uint32 `msg:"f"` // the block's first segment
	Slot  uint32 `msg:"s"`
}

// Space is which slots are nobody's. It changes in transactions, together with what owns them.
type Space struct {
	Next uint32        `msg:"n"` // never handed out from here on
	Free []keyring.Run `msg:"f,omitempty"`
}

func place(ordinal uint64, slot uint64) kv.Key { return kv.Key(ordinal<<32 | slot) }

// spanOf is every place of an ordinal.
func spanOf(ordinal uint64) kv.Span {
	return kv.Span{From: place(ordinal, 0), To: place(ordinal, 1<<32-1)}
}

// nameOf is the keyed hash under which a conversation's ledger stands.
func (d *Device) nameOf(conversationID string) (kv.Key, [16]byte) {
	h := hmac.New(sha256.New, d.Secret[:])
	h.Write([]byte(conversationID))
	sum := h.Sum(nil)
	return kv.Key(binary.BigEndian.Uint64(sum) >> 12), [16]byte(sum[8:24])
}
