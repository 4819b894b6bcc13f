//go:build js && wasm

package idb

import (
	"testing"

	"github.com/lethe-im/lethe/sdk/keyring"
)

// BenchmarkKeyring measures what a piece of work consists of, on a keyring of a million messages.
func BenchmarkKeyring(b *testing.B) {
	for mode, shared := range modes {
		b.Run(mode, func(b *testing.B) {
			r := openRing(b, newName(), shared)
			b.Cleanup(func() { r.Destroy(background) })
			keys := begun(b, r)
			check(b, keys.Write(keyring.Run{N: 8192}, make([]byte, 8192*keyring.SlotSize)))
			check(b, keys.Flush())
			keys.End()
			for _, write := range []bool{false, true} {
				b.Run(map[bool]string{false: "begin read", true: "begin write"}[write], func(b *testing.B) {
					for b.Loop() {
						keys, err := r.Begin(background, write)
						check(b, err)
						keys.End()
					}
				})
			}
			benchmarkWork(b, r)
		})
	}
}

func benchmarkWork(b *testing.B, r *ring) {
	keys := begun(b, r)
	defer keys.End()
	run := func(name string, fn func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				check(b, fn())
			}
		})
	}
	one, many := keyring.Run{From: 77, N: 1}, keyring.Run{From: 4096, N: 4096}
	slot, slots := make([]byte, keyring.SlotSize), make([]byte, 4096*keyring.SlotSize)
	read := func(run keyring.Run) func() error {
		return func() error { _, err := keys.Read(run); return err }
	}
	run("read 1 slot", read(one))
	run("read 128 kB", read(many))
	run("write 1 slot", func() error { return keys.Write(one, slot) })
	run("write 128 kB", func() error { return keys.Write(many, slots) })
	run("write 391 scattered", func() error {
		for i := range uint32(391) {
			if err := keys.Write(keyring.Run{From: i * 20, N: 1}, slot); err != nil {
				return err
			}
		}
		return nil
	})
	run("flush, nothing new", keys.Flush)
	run("write 1 slot, flush", func() error {
		if err := keys.Write(one, slot); err != nil {
			return err
		}
		return keys.Flush()
	})
	run("write 12 kB, flush", func() error { // the keys of 100 000 messages
		if err := keys.Write(keyring.Run{From: 1000, N: 391}, slots[:391*keyring.SlotSize]); err != nil {
			return err
		}
		return keys.Flush()
	})
}

func begun(b *testing.B, r *ring) keyring.Keys {
	keys, err := r.Begin(background, true)
	check(b, err)
	return keys
}

func check(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}
