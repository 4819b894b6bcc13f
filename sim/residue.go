package sim

import (
	"encoding/binary"

	"github.com/klauspost/compress/s2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// written is a value that was once put into the database. The disk forgets none: what is deleted stays readable in a browser's
// files for as long as a key opens it.
type written struct {
	table kv.Table
	value []byte
}

// checkResidue tells whether what the device has deleted can still be read from its disk, with the keys that are left.
func (w *world) checkResidue(d *device) {
	if d.keyless {
		return
	}
	opened := 0
	for _, x := range d.disk.ever {
		plain := d.ring.readable(x)
		if plain == nil {
			continue
		}
		opened++
		for _, text := range texts.FindAll(plain, -1) {
			if at, gone := d.gone[string(text)]; gone {
				w.fail("I3: %s has deleted %s at step %d, and a key still opens it in %s", d.name, text, at, x.table)
				return
			}
		}
	}
	if opened > 0 {
		w.bite("opened residue")
	}
}

// readable opens a sealed value by the key in its slot; nil if that does not fit any more. It reads the form of sdk/vault's values by
// itself: 1 and the slot, with 0x10 if compressed, nonce, XChaCha20-Poly1305 over the table's name.
func (r *ring) readable(x written) []byte {
	const slotted, packed, head = 1, 0x10, 5
	v := x.value
	if len(v) < head+chacha20poly1305.NonceSizeX || v[0]&^packed != slotted {
		return nil
	}
	at := int(binary.BigEndian.Uint32(v[1:])) * keyring.SlotSize
	if at+keyring.SlotSize > len(r.slots) {
		return nil
	}
	aead, err := chacha20poly1305.NewX(r.slots[at : at+keyring.SlotSize])
	if err != nil {
		return nil
	}
	nonce, text := v[head:head+chacha20poly1305.NonceSizeX], v[head+chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, text, []byte(x.table))
	if err != nil {
		return nil
	}
	if v[0]&packed != 0 {
		if plain, err = s2.Decode(nil, plain); err != nil {
			return nil
		}
	}
	var segment wire.Batch
	if x.table != "segments" {
		return plain
	}
	if _, err := segment.UnmarshalMsg(plain); err != nil {
		return nil
	}
	if plain, err = s2.Decode(nil, segment.Block); err != nil {
		return nil
	}
	return plain
}
