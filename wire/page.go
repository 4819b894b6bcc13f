package wire

import (
	"github.com/klauspost/compress/s2"
	"github.com/tinylib/msgp/msgp"
)

//msgp:ignore Unpacked

// PageRequest asks for messages downwards from Below, on the segment grid: the server goes on to the end of the segment
// in which it has found Limit messages, so that the client can keep whole segments.
// Errors: ConversationNotFound, ParameterInvalid.
type PageRequest struct {
	ConversationID string `msg:"c"`
	Below          uint64 `msg:"b,omitempty"` // only seqs below this; 0 = from the head down
	Above          uint64 `msg:"a,omitempty"` // only seqs above this
	Limit          uint32 `msg:"l"`           // 1 … MaxPage
	// Compensation asks for what a new device is given: log ∩ spans − the compensation ledger, of the last days only.
	Compensation bool `msg:"k,omitempty"`
}

// Page is the user's view of the seqs From … To (both included; none if From > To). Each of them is either in a batch
// or gone for this user: deleted, expired, or outside the user's spans.
type Page struct {
	Log     uint64  `msg:"l"`
	Head    uint64  `msg:"h"`
	From    uint64  `msg:"f"`
	To      uint64  `msg:"t"`
	First   bool    `msg:"x"` // nothing of this user's view is below From
	Batches []Batch `msg:"b"` // by rising segment; segments without a message are left out
}

// Batch is the part of a page in one segment.
type Batch struct {
	Segment uint32 `msg:"s"`
	Held    Bits   `msg:"h"` // the seqs in Block
	// MinTime and MaxTime are the first and last sentTime in Block, ms.
	MinTime int64 `msg:"a"`
	MaxTime int64 `msg:"z"`
	// Block is the S2 block of the messages, each one MessagePack Message, one after the other by rising seq: the very
	// form in which the vault keeps a segment. It may be larger than other arrays: up to MaxServerFrame.
	Block []byte `msg:"b,limit=4194304"`
}

// CountRequest asks how many messages the server holds for the user in one conversation.
// Errors: ConversationNotFound.
type CountRequest struct {
	ConversationID string `msg:"c"`
}

// Count answers CountRequest.
type Count struct {
	Messages uint64 `msg:"n"`
	Head     uint64 `msg:"h"`
}

// MaxBlock bounds what a block may unpack to, in bytes: a full segment of the largest messages.
const MaxBlock = SegmentSize * (MaxPayload + 1<<10)

// NewBatch packs messages of one segment, given by rising seq.
func NewBatch(segment uint32, messages []Message) (Batch, error) {
	b := Batch{Segment: segment}
	var raw []byte
	for i := range messages {
		m := &messages[i]
		b.Held.Set(m.Seq % SegmentSize)
		if i == 0 {
			b.MinTime = m.Time
		}
		b.MaxTime = m.Time
		var err error
		if raw, err = m.MarshalMsg(raw); err != nil {
			return Batch{}, err
		}
	}
	b.Block = s2.Encode(nil, raw)
	return b, nil
}

// Unpacked is a batch whose messages are decoded one by one, as they are asked for: a page of 50 needs a fifth of a segment.
type Unpacked struct {
	segment uint32
	raw     []byte
	starts  []int // of each message in raw
}

// Unpack unpacks a batch and finds its messages. Errors: FrameInvalid.
func (b *Batch) Unpack() (*Unpacked, error) {
	n, err := s2.DecodedLen(b.Block)
	if err != nil || n > MaxBlock {
		return nil, Errorf(FrameInvalid, "block of %d bytes: %v", n, err)
	}
	raw, err := s2.Decode(nil, b.Block)
	if err != nil {
		return nil, Errorf(FrameInvalid, "block: %v", err)
	}
	u := &Unpacked{segment: b.Segment, raw: raw, starts: make([]int, 0, b.Held.Count())}
	for rest := raw; len(rest) > 0; {
		u.starts = append(u.starts, len(raw)-len(rest))
		if rest, err = msgp.Skip(rest); err != nil {
			return nil, Errorf(FrameInvalid, "message in block: %v", err)
		}
	}
	if len(u.starts) != b.Held.Count() {
		return nil, Errorf(FrameInvalid, "segment %d does not hold what it says", b.Segment)
	}
	return u, nil
}

// Len is how many messages there are.
func (u *Unpacked) Len() int { return len(u.starts) }

// At decodes a message; the last one has the greatest seq. Errors: FrameInvalid.
func (u *Unpacked) At(i int) (m Message, err error) {
	if _, err = m.UnmarshalMsg(u.raw[u.starts[i]:]); err != nil {
		return m, Errorf(FrameInvalid, "message in block: %v", err)
	}
	if uint32(m.Seq/SegmentSize) != u.segment {
		return m, Errorf(FrameInvalid, "message %d out of place in segment %d", m.Seq, u.segment)
	}
	return m, nil
}

// Messages unpacks a batch and checks that it holds what it says.
// Errors: FrameInvalid.
func (b *Batch) Messages() ([]Message, error) {
	n, err := s2.DecodedLen(b.Block)
	if err != nil || n > MaxBlock {
		return nil, Errorf(FrameInvalid, "block of %d bytes: %v", n, err)
	}
	raw, err := s2.Decode(nil, b.Block)
	if err != nil {
		return nil, Errorf(FrameInvalid, "block: %v", err)
	}
	var held Bits
	messages := make([]Message, 0, b.Held.Count())
	for len(raw) > 0 {
		var m Message
		if raw, err = m.UnmarshalMsg(raw); err != nil {
			return nil, Errorf(FrameInvalid, "message in block: %v", err)
		}
		if uint32(m.Seq/SegmentSize) != b.Segment || len(messages) > 0 && m.Seq <= messages[len(messages)-1].Seq {
			return nil, Errorf(FrameInvalid, "message %d out of place in segment %d", m.Seq, b.Segment)
		}
		held.Set(m.Seq % SegmentSize)
		messages = append(messages, m)
	}
	if held != b.Held {
		return nil, Errorf(FrameInvalid, "segment %d does not hold what it says", b.Segment)
	}
	return messages, nil
}
