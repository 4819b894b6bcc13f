package order

import "math/bits"

// reserveSize is how many pairs the reserve has: what one transaction may need at once.
const reserveSize = 1 + segments

// allocate gives the conversation of the transaction pairs, first from the reserve where there is one.
func (x *act) allocate(conv *conversation, from, n int) {
	tx := &x.w.tx
	for i := from; i < from+n; i++ {
		source := &tx.free
		if x.has(reserved) {
			source = &tx.reserve
		}
		if *source == 0 {
			panic("no pair is free")
		}
		p := bits.TrailingZeros8(*source)
		*source &^= 1 << p
		conv.pair[i] = uint8(p) + 1
		x.t.taken |= 1 << p
	}
	if !x.has(refillLast) {
		x.refill()
	}
}

// refill fills the reserve for the next transaction.
func (x *act) refill() {
	if tx := &x.w.tx; x.has(reserved) {
		for bits.OnesCount8(tx.reserve) < reserveSize && tx.free != 0 {
			p := bits.TrailingZeros8(tx.free)
			tx.free &^= 1 << p
			tx.reserve |= 1 << p
		}
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
	source := tx.free
	if x.has(reserved) {
		source = tx.reserve
	}
	return need > bits.OnesCount8(source)
}

// own sees that the conversation has an ordinal and its pairs, and the segments theirs. It reports false when it took a
// transaction of its own to give them, after which the caller looks again.
func (x *act) own(segs uint8) bool {
	tx := &x.w.tx
	gave := false
	if tx.live == 0 {
		if x.has(retire) || tx.next == 0 {
			tx.next++
		}
		tx.live = tx.next
		x.allocate(tx.current(), 0, 1)
		gave = true
	}
	conv := tx.current()
	if segs != 0 && conv.pair[1] == 0 {
		x.allocate(conv, 1, segments)
		gave = true
	}
	x.refill()
	return !gave || !x.has(ownedFirst)
}

// other is another conversation's work: it takes an extent for two segments, and has a row in the first of them.
func other(r rules) program {
	put := func(x *act) {
		if !x.begin() {
			return
		}
		if source := x.w.tx.free | x.w.tx.reserve; bits.OnesCount8(source) < 2 || x.has(reserved) && bits.OnesCount8(x.w.tx.reserve) < 2 {
			x.abort()
			x.release()
			x.end()
			return
		}
		var conv conversation
		x.allocate(&conv, 0, 2)
		for _, p := range conv.pair[:2] {
			x.w.tx.other |= 1 << (p - 1)
		}
		x.refill()
		if x.has(ownedFirst) {
			x.commit(false)
			x.t.taken = 0
			x.t.at[0] = uint8(conv.slot(0, 0)) + 1
			x.to("put key")
			return
		}
		x.make(0, conv.slot(0, 0))
		x.to("write keys")
	}
	again := func(x *act) {
		if x.begin() {
			x.make(0, int(x.t.at[0])-1)
			x.to("write keys")
		}
	}
	commit := func(x *act) {
		if x.fails {
			x.failed()
		} else {
			x.commit(false)
		}
		x.release()
		x.end()
	}
	p := program{
		{name: "lock", run: func(x *act) {
			if !x.has(lockWrites) || x.take() {
				x.to("put")
			}
		}},
		{name: "put", run: put},
		{name: "put key", run: again},
	}
	return append(p, keysThenCommit(r, commit)...)
}
