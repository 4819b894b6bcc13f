// Package ledger keeps deletions as joins: what one device knows to be deleted in one conversation, by surface
// (DESIGN §2 rules 1–3). It is pure: repeating, reordering and merging do no harm.
package ledger

import (
	"slices"

	"github.com/lethe-im/lethe/wire"
)

//go:generate go run github.com/tinylib/msgp -file . -tests=false -io=false -o ledger_gen.go
//go:generate gofmt -w ledger_gen.go
//msgp:limit arrays:65536 maps:1024

// Bound is a deletion by time that has not been resolved to a seq yet: every seq ≤ Anchor with sentTime < Before.
type Bound struct {
	Before int64  `msg:"t"`
	Anchor uint64 `msg:"a"`
}

// Book is everything this device knows to be deleted or read in one conversation.
type Book struct {
	Log  uint64 `msg:"l"`
	Head uint64 `msg:"h"` // the newest seq this device knows of; it outlives the conversation's record

	Local   wire.Ledger `msg:"o"`           // this device only, joined at commit
	Bounds  []Bound     `msg:"b,omitempty"` // belongs to Local
	Devices wire.Ledger `msg:"d"`           // as the server last sent it
	History wire.Ledger `msg:"i"`           // as the server last sent it

	Read       uint64 `msg:"r"` // this device's read mark
	ServerRead uint64 `msg:"s"` // the user's, as the server last sent it

	// Recalls is the `everybody` ledger as far as this device has heard of it, by rising Change.
	Recalls []wire.Recalled `msg:"e,omitempty"`

	Version uint64 `msg:"v"` // rises with every change: who filtered by an older one filters again
}

// Hides tells whether this device's view leaves the message out: by `local` or `devices`, never by `history`.
func (b *Book) Hides(seq uint64, sentTime int64) bool {
	if b.HidesSeq(seq) {
		return true
	}
	for _, x := range b.Bounds {
		if seq <= x.Anchor && sentTime < x.Before {
			return true
		}
	}
	return false
}

// HidesSeq is Hides without the unresolved times.
func (b *Book) HidesSeq(seq uint64) bool { return b.Local.Has(seq) || b.Devices.Has(seq) }

// Through is the seq up to which this device hides everything.
func (b *Book) Through() uint64 { return max(b.Local.Through, b.Devices.Through) }

// NewlyHidden is the single seqs that b hides and before did not, where no Through explains it.
func (b *Book) NewlyHidden(before *Book) wire.Ranges {
	var out wire.Ranges
	through := b.Through()
	for _, l := range []*wire.Ledger{&b.Local, &b.Devices} {
		for _, s := range l.Ranges {
			for _, old := range []*wire.Ledger{&before.Local, &before.Devices} {
				if bits := old.Ranges.Of(s.Segment); bits != nil {
					s.Bits.Without(bits)
				}
			}
			above(&s, through)
			out.Join(s)
		}
	}
	return out
}

// HidesConversation tells whether the list leaves the conversation out.
func (b *Book) HidesConversation() bool { return b.Local.Hides(b.Head) || b.Devices.Hides(b.Head) }

// ReadUpTo is the read mark of this view: deleting through a seq reads through it.
func (b *Book) ReadUpTo() uint64 { return max(b.Read, b.ServerRead, b.Through()) }

// RecallNumber is the newest recall that this device has heard of, without gaps before it.
func (b *Book) RecallNumber() uint64 {
	if len(b.Recalls) == 0 {
		return 0
	}
	return b.Recalls[len(b.Recalls)-1].Change
}

// JoinRecall adds a recall. Added is false if it was there; gap is true if an earlier one is missing, and then nothing is
// added: the server is asked for all that is missing.
func (b *Book) JoinRecall(r wire.Recalled) (added, gap bool) {
	switch n := b.RecallNumber(); {
	case r.Change <= n:
		return false, false
	case r.Change > n+1:
		return false, true
	}
	kept := make([]wire.Recalled, 0, len(b.Recalls)+1)
	for _, old := range b.Recalls {
		if old.Change != 0 || old.Seq != r.Seq {
			kept = append(kept, old)
		}
	}
	b.Recalls = append(kept, r)
	return true, false
}

// UnnumberRecalls keeps the recalls and forgets their numbers, which a restored server gives out again.
func (b *Book) UnnumberRecalls() (changed bool) {
	kept := append([]wire.Recalled(nil), b.Recalls...)
	for i := range kept {
		changed = changed || kept[i].Change != 0
		kept[i].Change = 0
	}
	b.Recalls = kept
	return changed
}

// RecallOf returns the recall of a seq.
func (b *Book) RecallOf(seq uint64) (wire.Recalled, bool) {
	for _, r := range b.Recalls {
		if r.Seq == seq {
			return r, true
		}
	}
	return wire.Recalled{}, false
}

// JoinBound adds a deletion by time and tells whether it says something new. Bounds that another one contains are dropped.
func (b *Book) JoinBound(x Bound) bool {
	kept := b.Bounds[:0:0]
	for _, y := range b.Bounds {
		if x.Before <= y.Before && x.Anchor <= y.Anchor {
			return false
		}
		if y.Before > x.Before || y.Anchor > x.Anchor {
			kept = append(kept, y)
		}
	}
	b.Bounds = append(kept, x)
	return true
}

// NewBounds is the deletions by time that b has and before had not.
func (b *Book) NewBounds(before *Book) (out []Bound) {
	for _, x := range b.Bounds {
		if !slices.Contains(before.Bounds, x) {
			out = append(out, x)
		}
	}
	return out
}

// Resolve replaces a deletion by time by the seq it goes through.
func (b *Book) Resolve(x Bound, through uint64) {
	kept := b.Bounds[:0:0]
	for _, y := range b.Bounds {
		if y.Before > x.Before || y.Anchor > x.Anchor {
			kept = append(kept, y)
		}
	}
	b.Bounds = kept
	b.Local.Join(wire.Ledger{Through: through})
}

// Raise joins the head.
func (b *Book) Raise(head uint64) bool {
	if head <= b.Head {
		return false
	}
	b.Head = head
	return true
}

// Clone copies the book.
func (b Book) Clone() Book {
	b.Local, b.Devices, b.History = b.Local.Clone(), b.Devices.Clone(), b.History.Clone()
	b.Bounds = append([]Bound(nil), b.Bounds...)
	b.Recalls = append([]wire.Recalled(nil), b.Recalls...)
	return b
}
