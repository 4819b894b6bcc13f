package vault

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// An intent stands in the keyring while a transaction that writes keys is under way: the number of its commit, and the slots.
// If the tab dies, or the transaction fails, some of what it wrote may be on the disk under keys that nothing in the database
// names. Whoever next has the lock sees the intent, and destroys them if the commit never came. (A power cut may lose the
// intent and keep the keys; then every tab has died, and Open sweeps.)
const (
	intentSlot  = 2
	intentSlots = firstSlot - intentSlot
	intentHead  = 8 + 8 + 4 // checksum, commit, number of runs
	maxIntent   = (intentSlots*keyring.SlotSize - intentHead) / 8
)

// keyringIntent is where an intent stands.
var keyringIntent = keyring.Run{From: intentSlot, N: intentSlots}

// encodeIntent is the slots of an intent; no more than maxIntent runs.
func encodeIntent(commit uint64, runs []keyring.Run) []byte {
	b := make([]byte, intentHead, intentHead+8*len(runs)+keyring.SlotSize)
	binary.BigEndian.PutUint64(b[8:], commit)
	binary.BigEndian.PutUint32(b[16:], uint32(len(runs)))
	for _, r := range runs {
		b = binary.BigEndian.AppendUint32(b, r.From)
		b = binary.BigEndian.AppendUint32(b, r.N)
	}
	sum := sha256.Sum256(b[8:])
	copy(b, sum[:8])
	for len(b)%keyring.SlotSize != 0 {
		b = append(b, 0)
	}
	return b
}

// decodeIntent reads an intent; false if there is none, or a torn one.
func decodeIntent(b []byte) (commit uint64, runs []keyring.Run, ok bool) {
	n := int(binary.BigEndian.Uint32(b[16:]))
	if n == 0 || n > maxIntent || intentHead+8*n > len(b) {
		return 0, nil, false
	}
	b = b[:intentHead+8*n]
	if sum := sha256.Sum256(b[8:]); [8]byte(sum[:]) != [8]byte(b) {
		return 0, nil, false
	}
	for rest := b[intentHead:]; len(rest) > 0; rest = rest[8:] {
		runs = append(runs, keyring.Run{From: binary.BigEndian.Uint32(rest), N: binary.BigEndian.Uint32(rest[4:])})
	}
	return binary.BigEndian.Uint64(b[8:]), runs, true
}

// settleIntent destroys the keys of a transaction that never came to its end. It comes before anything is allocated.
func (t *tx) settleIntent() error {
	if t.access == nil {
		return nil
	}
	first, err := t.access.Read(keyring.Run{From: intentSlot, N: 1})
	if err != nil || secret(first) == (secret{}) {
		return err
	}
	b, err := t.access.Read(keyringIntent)
	if err != nil {
		return err
	}
	if commit, runs, ok := decodeIntent(b); ok && commit > t.dev.Commit {
		if err := overwrite(t.access, runs); err != nil {
			return err
		}
	}
	return t.clearIntent(intentSlots)
}

// clearIntent takes an intent of so many slots away when the outcome is known.
func (k *keys) clearIntent(slots uint32) error {
	return k.access.Write(keyring.Run{From: intentSlot, N: slots}, make([]byte, slots*keyring.SlotSize))
}
