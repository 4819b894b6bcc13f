package order

import "math/bits"

// allocate gives the conversation of the transaction pairs.
func (x *act) allocate(conv *conversation, from, n int) {
	tx := &x.w.tx
	for i := from; i < from+n; i++ {
		if tx.free == 0 {
			panic("no pair is free")
		}
		p := bits.TrailingZeros8(tx.free)
		tx.free &^= 1 << p
		conv.pair[i] = uint8(p) + 1
		x.t.taken |= 1 << p
	}
}

// full says that there are not enough ordinals or pairs for what own would give.
func (x *act) full(segs uint8) bool {
	tx, need := &x.w.tx, 0
	conv := tx.current()
	if conv == nil {
		need = 1
		if tx.next == ordinals {
			return true
		}
	}
	if segs != 0 && (conv == nil || conv.pair[1] == 0) {
		need += segments
	}
	return need > bits.OnesCount8(tx.free)
}

// own sees that the conversation has an ordinal and its pair, and the segments theirs.
func (x *act) own(segs uint8) *conversation {
	tx := &x.w.tx
	if tx.live == 0 {
		if x.has(retire) || tx.next == 0 {
			tx.next++
		}
		tx.live = tx.next
		x.allocate(tx.current(), 0, 1)
	}
	conv := tx.current()
	if segs != 0 && conv.pair[1] == 0 {
		x.allocate(conv, 1, segments)
	}
	return conv
}

// owned is the pairs that a conversation has.
func (c *conversation) owned() (set uint8) {
	for _, p := range c.pair {
		if p != 0 {
			set |= 1 << (p - 1)
		}
	}
	return set
}

// other is another conversation's work: it takes an extent for two segments, and has a row in the first of them.
func other(r rules) program {
	put := func(x *act) bool {
		if bits.OnesCount8(x.w.tx.free) < segments {
			return x.quit("")
		}
		var conv conversation
		x.allocate(&conv, 0, segments)
		x.w.tx.other |= conv.owned()
		x.make(0, conv.slot(0, 0))
		return true
	}
	return transaction(r, lockWrites, put, (*act).end, (*act).end)
}
