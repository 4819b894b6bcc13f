package order

// deleteWhole deletes the conversation: what the device knows of, and what it holds by then. With stays it stays in the list,
// under a new ordinal.
func deleteWhole(r rules, m mask, stays bool) program {
	// decide makes the note that the deletion will leave.
	decide := func(x *act) {
		conv := x.w.db.current()
		x.t.note = note{kind: whole, what: m}
		if conv == nil {
			return
		}
		x.t.note.what |= conv.held()
		x.t.note.ordinal = x.w.db.live - 1
		for _, p := range conv.pair {
			if p != 0 {
				x.t.note.pairs |= 1 << (p - 1)
			}
		}
	}
	lock := step{name: "lock", run: func(x *act) {
		if !x.take() {
			return
		}
		if x.has(commitThenErase) {
			x.to("put")
		} else {
			decide(x)
			x.to("erase")
		}
	}}
	put := step{name: "put", run: func(x *act) {
		if !x.begin() {
			return
		}
		if x.has(commitThenErase) {
			decide(x)
		}
		tx, n := &x.w.tx, x.t.note
		tx.ledger |= n.what
		conv := tx.current()
		if conv != nil {
			if !x.has(ledgerApart) {
				tx.ledgerKey = conv.record.key
			}
			conv.pair, conv.record = [1 + segments]uint8{}, row{}
			tx.live = 0
			if x.has(noteInside) {
				tx.addNote(n)
			}
			x.dropScreen()
			if !x.has(freeWithNote) {
				tx.free |= n.pairs
			}
		}
		if stays && conv != nil && !x.full(0) {
			x.own(0)
			x.record(tx.current())
			x.to("write keys")
		} else {
			x.to("commit")
		}
	}}
	commit := func(x *act) {
		n := x.t.note
		if x.fails {
			x.failed()
			x.release()
			x.end()
			return
		}
		x.commit(x.has(strictDeletion))
		x.done()
		x.w.deleted |= n.what
		conv := n.pairs != 0
		switch {
		case !conv && !x.has(reserved):
			x.tellAtOnce(n.what)
			x.release()
			x.end()
			return
		case !x.has(commitThenErase):
			x.to("tell")
			return
		}
		if !x.has(holdToFlush) {
			x.release()
		}
		if x.has(noteInside) {
			x.to("erase")
		} else {
			x.to("note")
		}
	}
	noted := step{name: "note", run: func(x *act) {
		if x.begin() {
			x.w.tx.addNote(x.t.note)
			x.commit(x.has(strictDeletion))
			x.to("erase")
		}
	}}
	erase := step{name: "erase", run: func(x *act) {
		x.erasePairs(x.t.note.pairs)
		x.eraseReserve()
		x.eraseScreen()
		if x.has(flushThenTell) {
			x.to("flush erased")
		} else {
			x.to("tell")
		}
	}}
	flush := step{name: "flush erased", run: func(x *act) {
		x.flush()
		switch {
		case !x.has(commitThenErase):
			x.to("put")
		case x.has(flushThenTell):
			x.to("tell")
		default:
			x.release()
			x.end()
		}
	}}
	tell := step{name: "tell", run: func(x *act) {
		switch n := x.t.note; {
		case n.pairs == 0:
			x.tellAtOnce(n.what)
		case !x.has(tellInOrder) || !x.olderWhole(n):
			x.tell(n.what)
		}
		if !x.has(flushThenTell) {
			x.to("flush erased")
			return
		}
		x.release()
		x.end()
	}}
	return append(append(program{lock, put}, keysThenCommit(r, commit)...), noted, erase, flush, tell)
}

// tellAtOnce tells that messages are erased of which nothing is here, unless older deletions have not got so far.
func (x *act) tellAtOnce(m mask) {
	if x.w.db.notes[0].kind == none || !x.has(tellWhenGone) {
		x.tell(m)
	}
}

// olderWhole says whether an earlier whole deletion still has to destroy its keys: what this one names may be there. Its note
// is carried out first, and then this deletion's, which tells.
func (x *act) olderWhole(n note) bool {
	for _, other := range x.w.db.notes {
		if other.kind == whole && other.ordinal != n.ordinal {
			return true
		}
	}
	return false
}

// eraseReserve overwrites the keys that a transaction that never ended may have left where no note leads.
func (x *act) eraseReserve() {
	if x.has(reserved) {
		x.erasePairs(x.w.db.reserve)
	}
}

// deleteMessages deletes messages by their ids: the ledger hides them at once, the rest is reclaim's.
func deleteMessages(r rules, m mask) program {
	commit := step{name: "commit", run: func(x *act) {
		if x.has(lockKeyless) && !x.take() {
			return
		}
		if !x.begin() {
			x.release()
			return
		}
		tx := &x.w.tx
		isNew := m&^tx.ledger != 0
		tx.ledger |= m
		conv := tx.current()
		noted := isNew && conv != nil
		if noted && !x.has(noteAlways) && conv.seg[0].has&m|conv.seg[1].has&m == 0 {
			noted = false
		}
		if noted {
			x.dropScreen()
			x.note(conv, m)
			if conv.record.key != 0 {
				x.putRecord(conv, x.conversationKey(conv), conv.record.bank)
			}
		}
		x.commit(x.has(strictDeletion))
		x.w.deleted |= m
		switch {
		case noted:
		case x.has(reserved):
			x.to("erase")
			return
		default:
			x.tellAtOnce(m)
		}
		x.release()
		x.end()
	}}
	erase := step{name: "erase", run: func(x *act) {
		if x.has(lockKeyless) || x.take() {
			x.eraseReserve()
			x.to("flush")
		}
	}}
	flush := step{name: "flush", run: func(x *act) { x.flush(); x.tellAtOnce(m); x.release(); x.end() }}
	return program{commit, erase, flush}
}

// note notes the segments that have to be resealed.
func (x *act) note(conv *conversation, m mask) {
	n := note{kind: parts, ordinal: x.w.tx.live - 1, segments: m.segmentsOf(), what: m}
	if !x.has(segmentsBySeq) {
		n.segments = (m & conv.held()).segmentsOf()
	}
	x.w.tx.addNote(n)
}
