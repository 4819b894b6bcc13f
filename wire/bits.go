package wire

import (
	"math/bits"
	"sort"
)

// SegmentSize is the grid: segment = seq / SegmentSize, everywhere (wire, vault, server).
const SegmentSize = 256

// Bits is a set of the 256 seqs of one segment.
type Bits [32]byte

// Has tells whether the seq whose place in its segment is i (seq % SegmentSize) is in the set.
func (b *Bits) Has(i uint64) bool { return b[i/8%32]&(1<<(i%8)) != 0 }

// Set adds place i.
func (b *Bits) Set(i uint64) { b[i/8%32] |= 1 << (i % 8) }

// Join adds all of o and tells whether b changed.
func (b *Bits) Join(o *Bits) (changed bool) {
	for i := range b {
		n := b[i] | o[i]
		changed = changed || n != b[i]
		b[i] = n
	}
	return changed
}

// Without removes all of o.
func (b *Bits) Without(o *Bits) {
	for i := range b {
		b[i] &^= o[i]
	}
}

// Count returns how many places are set.
func (b *Bits) Count() (n int) {
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return n
}

// Min returns the lowest place that is set, 0 if none is.
func (b *Bits) Min() uint64 {
	for i, x := range b {
		if x != 0 {
			return uint64(i*8 + bits.TrailingZeros8(x))
		}
	}
	return 0
}

// Max returns the highest place that is set, 0 if none is.
func (b *Bits) Max() uint64 {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return uint64(i*8 + bits.Len8(b[i]) - 1)
		}
	}
	return 0
}

// SegmentBits is the part of a set of seqs that lies in one segment.
type SegmentBits struct {
	Segment uint32 `msg:"s"`
	Bits    Bits   `msg:"b"`
}

// Ranges is a set of seqs: one entry a segment, by rising segment, none empty.
type Ranges []SegmentBits

// RangesOf makes a set of the given seqs, in any order, repeated or not.
func RangesOf(seqs ...uint64) Ranges {
	var r Ranges
	for _, s := range seqs {
		r.Add(s)
	}
	return r
}

func (r Ranges) find(segment uint32) (int, bool) {
	i := sort.Search(len(r), func(i int) bool { return r[i].Segment >= segment })
	return i, i < len(r) && r[i].Segment == segment
}

// Has tells whether seq is in the set.
func (r Ranges) Has(seq uint64) bool {
	i, ok := r.find(uint32(seq / SegmentSize))
	return ok && r[i].Bits.Has(seq%SegmentSize)
}

// Of returns the part of the set in a segment, nil if there is none.
func (r Ranges) Of(segment uint32) *Bits {
	if i, ok := r.find(segment); ok {
		return &r[i].Bits
	}
	return nil
}

// Add adds one seq.
func (r *Ranges) Add(seq uint64) {
	var b Bits
	b.Set(seq % SegmentSize)
	r.Join(SegmentBits{Segment: uint32(seq / SegmentSize), Bits: b})
}

// Join adds one segment's part and tells whether the set changed.
func (r *Ranges) Join(s SegmentBits) bool {
	i, ok := r.find(s.Segment)
	if ok {
		return (*r)[i].Bits.Join(&s.Bits)
	}
	if s.Bits == (Bits{}) {
		return false
	}
	*r = append(*r, SegmentBits{})
	copy((*r)[i+1:], (*r)[i:])
	(*r)[i] = s
	return true
}

// Count returns how many seqs the set has.
func (r Ranges) Count() (n int) {
	for i := range r {
		n += r[i].Bits.Count()
	}
	return n
}

// Max returns the greatest seq of the set, 0 if it is empty.
func (r Ranges) Max() uint64 {
	if len(r) == 0 {
		return 0
	}
	last := &r[len(r)-1]
	return uint64(last.Segment)*SegmentSize + last.Bits.Max()
}

// Seqs lists the set, rising.
func (r Ranges) Seqs() []uint64 {
	var out []uint64
	for i := range r {
		for k := uint64(0); k < SegmentSize; k++ {
			if r[i].Bits.Has(k) {
				out = append(out, uint64(r[i].Segment)*SegmentSize+k)
			}
		}
	}
	return out
}

// Clone copies the set.
func (r Ranges) Clone() Ranges { return append(Ranges(nil), r...) }

// Valid tells whether the segments rise and every part has at least one seq. Decoders of what came from outside ask it.
func (r Ranges) Valid() bool {
	for i := range r {
		if r[i].Bits == (Bits{}) || i > 0 && r[i].Segment <= r[i-1].Segment {
			return false
		}
	}
	return true
}
