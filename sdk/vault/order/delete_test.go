package order

// deleteWhole deletes the conversation: what the device knows of, and what it holds by then. With stays it stays in the list,
// under a new ordinal.
func deleteWhole(r rules, m mask, stays bool) program {
	put := func(x *act) bool {
		tx, t := &x.w.tx, x.t
		t.strict = x.has(strictDeletion)
		conv := tx.current()
		if conv == nil {
			tx.ledger |= m
			x.stillErasing(m)
			return true
		}
		n := note{kind: whole, what: m | conv.held(), ordinal: tx.live - 1, pairs: conv.owned()}
		tx.ledger |= n.what
		if !x.has(ledgerApart) {
			tx.ledgerKey = conv.record.key
		}
		x.carryOthers()
		if x.has(noteInside) {
			tx.putNote(n)
		}
		t.note, t.tells = n, n.what
		t.doomed |= banks(n.pairs)
		conv.pair, conv.record = [1 + segments]uint8{}, row{}
		tx.live = 0
		if !x.has(freeWithNote) {
			tx.free |= n.pairs
		}
		if stays && !x.full(0) {
			x.record(x.own(0))
		}
		return true
	}
	return transaction(r, lockWrites, put, (*act).end, (*act).end)
}

// deleteMessages deletes messages by their ids: the ledger hides them at once, the rest is reclaim's. With through it deletes
// all up to the newest of them: segments that are hidden whole need no resealing.
func deleteMessages(r rules, m mask, through bool) program {
	put := func(x *act) bool {
		tx := &x.w.tx
		x.t.strict = x.has(strictDeletion)
		isNew := m&^tx.ledger != 0
		tx.ledger |= m
		conv := tx.current()
		if !isNew || conv == nil || !x.has(noteAlways) && (conv.seg[0].has|conv.seg[1].has)&m == 0 {
			x.stillErasing(m)
			return true
		}
		n := note{kind: parts, ordinal: tx.live - 1, what: m, segments: m.segmentsOf(), rekey: true}
		if !x.has(segmentsBySeq) {
			n.segments = (m & conv.held()).segmentsOf()
		}
		for through && n.until < segments && m.in(int(n.until)) == mask(15).in(int(n.until)) {
			n.segments &^= 1 << n.until
			n.until++
		}
		tx.putNote(n)
		x.record(conv)
		return true
	}
	return transaction(r, lockWrites, put, (*act).end, (*act).end)
}

// carryOthers dooms the keys of whole notes whose writers may have died.
func (x *act) carryOthers() {
	if !x.has(carryOthers) {
		return
	}
	for _, n := range x.w.tx.notes {
		if n.kind == whole {
			x.t.doomed |= banks(n.pairs)
		}
	}
}

// stillErasing ends a deletion that finds nothing to do, and is told to be erased unless an earlier one is still at it.
func (x *act) stillErasing(m mask) {
	x.t.tells = m
	if !x.has(stillErasing) {
		return
	}
	x.carryOthers()
	for _, n := range x.w.tx.notes {
		if n.kind == parts {
			x.t.tells = 0
		}
	}
}
