package sdk

import (
	"math"

	"github.com/tinylib/msgp/msgp"
)

// Number is a JavaScript number. It travels as an integer where it is one; JavaScript sends integers above 2^32 as
// doubles, so both are read.
type Number float64

// Whole tells whether the number is a whole number from 0 to 2^53-1, and gives it.
func (n Number) Whole() (uint64, bool) {
	f := float64(n)
	if f < 0 || f > 1<<53-1 || f != math.Trunc(f) {
		return 0, false
	}
	return uint64(f), true
}

// MarshalMsg implements msgp.Marshaler.
func (n Number) MarshalMsg(b []byte) ([]byte, error) {
	if f := float64(n); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return msgp.AppendInt64(b, int64(f)), nil
	}
	return msgp.AppendFloat64(b, float64(n)), nil
}

// UnmarshalMsg implements msgp.Unmarshaler.
func (n *Number) UnmarshalMsg(b []byte) ([]byte, error) {
	switch kind := msgp.NextType(b); kind {
	case msgp.UintType:
		v, rest, err := msgp.ReadUint64Bytes(b)
		*n = Number(v)
		return rest, err
	case msgp.IntType:
		v, rest, err := msgp.ReadInt64Bytes(b)
		*n = Number(v)
		return rest, err
	case msgp.Float32Type:
		v, rest, err := msgp.ReadFloat32Bytes(b)
		*n = Number(v)
		return rest, err
	case msgp.Float64Type:
		v, rest, err := msgp.ReadFloat64Bytes(b)
		*n = Number(v)
		return rest, err
	default: // ReadFloat64Bytes would call a shorter value truncated, and not say which argument it was
		return b, msgp.TypeError{Method: msgp.Float64Type, Encoded: kind}
	}
}

// Msgsize implements msgp.Sizer.
func (n Number) Msgsize() int { return msgp.Float64Size }

// MessageRef names a message, or in reports any item, as the caller did: by a string (ID, conversationID) or by a
// messageID number.
type MessageRef struct {
	ID        string // when set, the rest is not
	MessageID Number
}

// MarshalMsg implements msgp.Marshaler.
func (r MessageRef) MarshalMsg(b []byte) ([]byte, error) {
	if r.ID != "" {
		return msgp.AppendString(b, r.ID), nil
	}
	return r.MessageID.MarshalMsg(b)
}

// UnmarshalMsg implements msgp.Unmarshaler.
func (r *MessageRef) UnmarshalMsg(b []byte) (rest []byte, err error) {
	if msgp.NextType(b) == msgp.StrType {
		r.ID, rest, err = msgp.ReadStringBytes(b)
		return rest, err
	}
	return r.MessageID.UnmarshalMsg(b)
}

// Msgsize implements msgp.Sizer.
func (r MessageRef) Msgsize() int { return msgp.StringPrefixSize + len(r.ID) + msgp.Float64Size }

// Wipe is logout's wipe: absent or false, true, or 'force'.
type Wipe string

// The ways to log out.
const (
	WipeNo    Wipe = ""
	WipeSend  Wipe = "true"
	WipeForce Wipe = "force"
)

// MarshalMsg implements msgp.Marshaler.
func (w Wipe) MarshalMsg(b []byte) ([]byte, error) {
	if w == WipeForce {
		return msgp.AppendString(b, "force"), nil
	}
	return msgp.AppendBool(b, w == WipeSend), nil
}

// UnmarshalMsg implements msgp.Unmarshaler.
func (w *Wipe) UnmarshalMsg(b []byte) (rest []byte, err error) {
	if msgp.NextType(b) == msgp.StrType {
		var s string
		s, rest, err = msgp.ReadStringBytes(b)
		if *w = Wipe(s); err == nil && *w != WipeForce {
			err = msgp.TypeError{Method: msgp.BoolType, Encoded: msgp.StrType}
		}
		return rest, err
	}
	on, rest, err := msgp.ReadBoolBytes(b)
	if *w = WipeNo; on {
		*w = WipeSend
	}
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (w Wipe) Msgsize() int { return msgp.StringPrefixSize + len(w) }
