package vault

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
)

// A sealed value is one byte that says what follows, where its key is, a nonce, and what XChaCha20-Poly1305 made of the
// MessagePack. Its table is authenticated too, so that no record passes for another kind. A value of format 1 is plain
// MessagePack: a map, whose first byte no sealed value has.
const (
	sealedSlot   = 1    // then the number of the key's slot
	sealedInline = 2    // then the key itself: where the platform has no keyring
	sealedS2     = 0x10 // added: it was compressed before
)

// compressFrom is the length from which compression is tried; segments are compressed as the server sent them.
const compressFrom = 192

type secret [keyring.SlotSize]byte

// ErrUnreadable: the key does not open the value, or is not there any more, or what it opens is no record. A row is then a gap;
// what Open has found otherwise is mended.
var ErrUnreadable = errors.New("vault: a record cannot be read")

const (
	slotLength  = 4
	nonceLength = chacha20poly1305.NonceSizeX
	// head is the room before the nonce: for the first byte and a whole key.
	head = 1 + keyring.SlotSize
)

// sealed is a value that does not have its key's place yet: that is known only in the transaction, and the work is done before.
type sealed struct {
	key  secret
	form byte
	room []byte // head bytes, the nonce, the sealed text
}

// randomSecret is a new key.
func randomSecret() (key secret, err error) {
	err = random(key[:])
	return key, err
}

// seal seals the MessagePack of a record.
func seal(table kv.Table, key secret, plain []byte) (sealed, error) {
	out := sealed{key: key}
	if table != tableSegments && len(plain) >= compressFrom {
		if packed := s2.Encode(nil, plain); len(packed) < len(plain) {
			plain, out.form = packed, sealedS2
		}
	}
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return out, err
	}
	out.room = make([]byte, head+nonceLength, head+nonceLength+len(plain)+chacha20poly1305.Overhead)
	if err := random(out.room[head:]); err != nil {
		return out, err
	}
	out.room = aead.Seal(out.room, out.room[head:head+nonceLength], plain, []byte(table))
	return out, nil
}

// at is the value whose key is in a slot of the keyring.
func (s *sealed) at(slot uint32) []byte {
	value := s.room[head-slotLength-1:]
	value[0] = s.form | sealedSlot
	binary.BigEndian.PutUint32(value[1:], slot)
	return value
}

// inline is the value that carries its key.
func (s *sealed) inline() []byte {
	s.room[0] = s.form | sealedInline
	copy(s.room[1:], s.key[:])
	return s.room
}

// envelope is a value taken apart.
type envelope struct {
	plain bool // of format 1
	s2    bool
	slot  uint32
	key   *secret // of an inline value
	body  []byte  // nonce and sealed text; the MessagePack if plain
}

func parse(value []byte) (envelope, error) {
	var e envelope
	if len(value) == 0 {
		return e, fmt.Errorf("%w: it is empty", ErrUnreadable)
	}
	if value[0]&0xf0 == 0x80 || value[0] >= 0xde {
		e.plain, e.body = true, value
		return e, nil
	}
	length := 0
	switch value[0] &^ sealedS2 {
	case sealedSlot:
		length = slotLength
	case sealedInline:
		length = keyring.SlotSize
	default:
		return e, fmt.Errorf("%w: form %d", ErrUnreadable, value[0])
	}
	e.s2 = value[0]&sealedS2 != 0
	if len(value) < 1+length+nonceLength+chacha20poly1305.Overhead {
		return e, fmt.Errorf("%w: %d bytes", ErrUnreadable, len(value))
	}
	if length == slotLength {
		e.slot = binary.BigEndian.Uint32(value[1:])
	} else {
		e.key = (*secret)(value[1:])
	}
	e.body = value[1+length:]
	return e, nil
}

// slotOf is the slot of a value's key; false if it has none.
func slotOf(value []byte) (uint32, bool) {
	e, err := parse(value)
	return e.slot, err == nil && !e.plain && e.key == nil
}

// open opens the envelope with its key. The text is written over the sealed one.
func (e *envelope) open(table kv.Table, key *secret) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, err
	}
	text := e.body[nonceLength:]
	plain, err := aead.Open(text[:0], e.body[:nonceLength], text, []byte(table))
	if err != nil {
		return nil, fmt.Errorf("%w in %s", ErrUnreadable, table)
	}
	if !e.s2 {
		return plain, nil
	}
	if plain, err = s2.Decode(nil, plain); err != nil {
		return nil, fmt.Errorf("%w in %s: %w", ErrUnreadable, table, err)
	}
	return plain, nil
}
