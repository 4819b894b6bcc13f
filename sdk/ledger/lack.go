package ledger

import "github.com/lethe-im/lethe/wire"

//msgp:ignore Lacks

// Lacks is what a server that was restored from a backup has forgotten of one conversation: ledgers by surface, and the read
// mark; zero where it knows all.
type Lacks struct {
	Devices wire.Ledger
	History wire.Ledger // beyond Devices: a deletion on all devices is one of the history as well
	Read    uint64
}

// Lacks compares what this device knows with what the server has told it. A conversation that is in the list again stays in
// the list.
func (b *Book) Lacks(server *Book) Lacks {
	out := Lacks{Devices: b.lack(&b.Devices, &server.Devices)}
	history := server.History.Clone()
	history.Join(out.Devices)
	out.History = b.lack(&b.History, &history)
	if read := max(b.Read, b.ServerRead); read > max(server.ServerRead, out.Devices.Through, out.History.Through) {
		out.Read = read
	}
	return out
}

// lack is what mine has and theirs has not.
func (b *Book) lack(mine, theirs *wire.Ledger) (out wire.Ledger) {
	if mine.Through > theirs.Through {
		out.Through = mine.Through
	}
	if mine.Hides(b.Head) && mine.HiddenAt > theirs.HiddenAt {
		out.HiddenAt = mine.HiddenAt
	}
	through := max(mine.Through, theirs.Through)
	for _, s := range mine.Ranges {
		if bits := theirs.Ranges.Of(s.Segment); bits != nil {
			s.Bits.Without(bits)
		}
		above(&s, through)
		out.Ranges.Join(s)
	}
	return out
}

// above takes the seqs up to through out of a part.
func above(s *wire.SegmentBits, through uint64) {
	first := uint64(s.Segment) * wire.SegmentSize
	for k := uint64(0); k < wire.SegmentSize && first+k <= through; k++ {
		s.Bits[k/8] &^= 1 << (k % 8)
	}
}
