//go:build js && wasm

package idb

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// openVault is a new vault on IndexedDB and OPFS.
func openVault(b *testing.B) *vault.Vault {
	name := newName()
	store, err := Open(background, name, vault.Format, vault.Tables, Events{})
	if err != nil {
		b.Fatal(err)
	}
	ring, err := OpenKeyring(background, name)
	if err != nil {
		b.Fatal(err)
	}
	v, err := vault.Open(background, store, ring, "me")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := v.Destroy(background); err != nil {
			b.Error(err)
		}
	})
	return v
}

// talk is pages of 1024 messages as the server sends them, newest first: some words of a vocabulary in each.
func talk(b *testing.B, messages uint64) []*vault.Page {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 3000)
	for i := range words {
		words[i] = strings.Repeat(string(rune('a'+r.IntN(26))), 1+r.IntN(3)) + fmt.Sprint(r.IntN(5000))
	}
	var pages []*vault.Page
	for to := messages; to > 0; {
		from := uint64(1)
		if to > 1024 {
			from = (to - 1024) / wire.SegmentSize * wire.SegmentSize
		}
		p := &wire.Page{Log: 7, Head: messages, From: from, To: to, First: from == 1}
		for s := from / wire.SegmentSize; s <= to/wire.SegmentSize; s++ {
			var in []wire.Message
			for seq := max(from, s*wire.SegmentSize); seq <= to && seq < (s+1)*wire.SegmentSize; seq++ {
				var text strings.Builder
				for range 10 + r.IntN(40) {
					text.WriteString(words[r.IntN(len(words))] + " ")
				}
				payload := msgp.AppendMapHeader(nil, 1)
				payload = msgp.AppendString(payload, "text")
				payload = msgp.AppendString(payload, text.String())
				in = append(in, wire.Message{Seq: seq, Time: int64(seq) * 1000, From: "peer", Type: wire.TypeText, Payload: payload})
			}
			if len(in) == 0 {
				continue
			}
			batch, err := wire.NewBatch(uint32(s), in)
			if err != nil {
				b.Fatal(err)
			}
			p.Batches = append(p.Batches, batch)
		}
		pages = append(pages, &vault.Page{Page: p})
		to = from - 1
	}
	return pages
}

func fillVault(b *testing.B, v *vault.Vault, id string, pages []*vault.Page) {
	for _, p := range pages {
		if err := v.Ingest(background, id, p); err != nil {
			b.Fatal(err)
		}
	}
}

// reclaimAll runs Reclaim to its end and tells the slowest step.
func reclaimAll(b *testing.B, v *vault.Vault) (worst time.Duration) {
	for {
		start := time.Now()
		r, err := v.Reclaim(background)
		if err != nil {
			b.Fatal(err)
		}
		if !r.Left {
			return worst
		}
		worst = max(worst, time.Since(start))
	}
}

// BenchmarkVault measures the vault alone, without server and page, in milliseconds.
func BenchmarkVault(b *testing.B) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	for _, n := range []uint64{1_000, 100_000} {
		pages := talk(b, n)
		v := openVault(b)
		remove := func(b *testing.B, d vault.Deletion) {
			var filling, deleting, reclaiming, worst time.Duration
			rounds := 0
			for b.Loop() {
				d.ConversationID = fmt.Sprintf("GROUP%d", rand.Uint64())
				start := time.Now()
				fillVault(b, v, d.ConversationID, pages)
				filling += time.Since(start)
				time.Sleep(200 * time.Millisecond) // a strict commit waits for what the ingest has left to the disk
				start = time.Now()
				out, err := v.Delete(background, []vault.Deletion{d})
				if err != nil || out[0].Err != nil {
					b.Fatal(err, out[0].Err)
				}
				deleting += time.Since(start)
				start = time.Now()
				worst = max(worst, reclaimAll(b, v))
				reclaiming += time.Since(start)
				rounds++
			}
			b.ReportMetric(ms(filling)/float64(rounds), "ms-fill")
			b.ReportMetric(ms(deleting)/float64(rounds), "ms-delete")
			b.ReportMetric(ms(reclaiming)/float64(rounds), "ms-reclaim")
			b.ReportMetric(ms(worst), "ms-worst-slice")
		}
		b.Run(fmt.Sprintf("conversation of %d", n), func(b *testing.B) {
			remove(b, vault.Deletion{Scope: wire.ScopeBoth, What: wire.WhatConversation, Hide: true})
		})
		b.Run(fmt.Sprintf("older half of %d", n), func(b *testing.B) {
			remove(b, vault.Deletion{Scope: wire.ScopeBoth, What: wire.WhatTime, Before: int64(n/2) * 1000})
		})
	}
}
