//go:build js && wasm

package idb

import (
	"fmt"
	"testing"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/kv/kvtest"
)

// filled is a store with 4000 records of 32 kB: a million messages in segments.
func filled(b *testing.B) kv.Store {
	s, err := Open(background, newName(), 1, kvtest.Tables, Events{})
	if err != nil {
		b.Fatal(err)
	}
	for from := kv.Key(0); from < 4000; from += 200 {
		err := s.Update(background, kv.Relaxed, kvtest.Tables, func(tx kv.Tx) error {
			for k := from; k < from+200; k++ {
				if err := tx.Put(kvtest.A, k, make([]byte, 32<<10)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() { s.Destroy(background) })
	return s
}

func BenchmarkReads(b *testing.B) {
	s := filled(b)
	run := func(name string, read func(tx kv.Tx) error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := s.View(background, kvtest.Tables, read); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, n := range []int{1, 4, 64} {
		keys := make([]kv.Key, n)
		for i := range keys {
			keys[i] = kv.Key(i * 31)
		}
		run(fmt.Sprint("get ", n), func(tx kv.Tx) error { _, err := tx.Get(kvtest.A, keys...); return err })
		run(fmt.Sprint("scan ", n), func(tx kv.Tx) error { _, err := tx.Scan(kvtest.A, kv.All, n, false); return err })
		run(fmt.Sprint("scan reverse ", n), func(tx kv.Tx) error { _, err := tx.Scan(kvtest.A, kv.All, n, true); return err })
	}
	run("count", func(tx kv.Tx) error { _, err := tx.Count(kvtest.A, kv.All); return err })
}

func BenchmarkUpdates(b *testing.B) {
	s := filled(b)
	for name, durability := range map[string]kv.Durability{"relaxed": kv.Relaxed, "strict": kv.Strict} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				err := s.Update(background, durability, kvtest.Tables, func(tx kv.Tx) error {
					if _, err := tx.Get(kvtest.B, 1); err != nil {
						return err
					}
					return tx.Put(kvtest.B, 1, make([]byte, 200))
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
