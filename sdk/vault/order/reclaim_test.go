package order

// reclaim carries out the notes, oldest first, until there is none. Any tab may, several at once.
func reclaim(r rules) program {
	look := step{name: "look", run: func(x *act) {
		x.forget()
		x.t.note = x.w.db.notes[0]
		for i := 1; i < notes && !x.has(oldestFirst); i++ {
			if n := x.w.db.notes[i]; n.kind != none {
				x.t.note = n
			}
		}
		switch {
		case x.t.note.kind == none:
			x.end()
		case x.t.note.kind == parts && !x.t.note.resealed:
			x.to("read")
		default:
			x.to("lock")
		}
	}}
	read := step{name: "read", run: func(x *act) {
		segs := x.t.note.segments
		if conv := x.w.db.current(); !x.has(reseal) || conv != nil && conv.pair[1] == 0 {
			segs = 0 // nothing is there to reseal, and what the tail has of it stays in the tail
		}
		x.build(segs, 0)
		x.to("lock")
	}}
	lock := step{name: "lock", run: func(x *act) {
		if x.has(lockReclaim) && !x.take() {
			return
		}
		if i := x.w.db.find(x.t.note); x.has(recheckNote) && (i < 0 || x.w.db.notes[i] != x.t.note) {
			x.release()
			x.to("look")
			return
		}
		if x.t.note.kind == parts && !x.t.note.resealed {
			x.to("put")
		} else {
			x.to("erase")
		}
	}}
	commit := func(x *act) {
		if x.fails {
			x.failed()
			x.release()
			x.to("look")
			return
		}
		x.commit(x.has(strictReseal))
		x.done()
		x.t.note.resealed = true
		if i := x.w.db.find(x.t.note); i >= 0 {
			x.t.note = x.w.db.notes[i]
		}
		x.to("erase")
	}
	p := program{look, read, lock, {name: "put", run: putParts}}
	p = append(p, keysThenCommit(r, commit)...)
	erase := step{name: "erase", run: func(x *act) {
		x.eraseNoted()
		if x.has(flushThenTell) {
			x.to("flush erased")
		} else {
			x.to("tell")
		}
	}}
	flush := step{name: "flush erased", run: func(x *act) {
		x.flush()
		if x.has(flushThenTell) {
			x.to("tell")
		} else {
			x.to("drop")
		}
	}}
	tell := step{name: "tell", run: func(x *act) {
		n := x.t.note
		if n.kind == whole || x.w.db.live == n.ordinal+1 || !x.has(tellWhenGone) {
			x.tell(n.what)
		}
		x.release()
		if x.has(flushThenTell) {
			x.to("drop")
		} else {
			x.to("flush erased")
		}
	}}
	return append(p, erase, flush, tell, step{name: "drop", run: drop})
}

// putParts reseals the noted segments and the conversation's key.
func putParts(x *act) {
	if !x.begin() {
		return
	}
	if x.moved() {
		x.abort()
		x.release()
		x.to("read")
		return
	}
	tx := &x.w.tx
	if tx.live != x.t.note.ordinal+1 { // retired since: the note of the whole takes it
		if i := tx.find(x.t.note); i >= 0 {
			tx.dropNote(i)
		}
		x.commit(false)
		if !x.has(tellWhenGone) {
			x.tell(x.t.note.what)
		}
		x.release()
		x.to("look")
		return
	}
	conv := tx.current()
	if !x.has(boundaryKept) {
		x.t.built = [segments]mask{}
	}
	x.put(conv)
	if conv.record.key != 0 {
		x.changeKey(conv)
	}
	if i := tx.find(x.t.note); i >= 0 && !x.has(noteUntilErased) {
		tx.dropNote(i)
	} else if i >= 0 {
		tx.notes[i].resealed = true
		if !x.has(banksRead) {
			tx.notes[i].slots = x.outOfUse(conv, x.t.note.segments)
		}
	}
	x.to("write keys")
}

// changeKey seals record and tail under a new key of the conversation, and leaves out what is hidden.
func (x *act) changeKey(conv *conversation) {
	if !x.has(rekey) {
		x.putRecord(conv, x.conversationKey(conv), conv.record.bank)
		return
	}
	bank := 1 - conv.record.bank
	if !x.has(otherBank) {
		bank = conv.record.bank
	}
	k := x.make(0, conv.slot(0, bank))
	for i := range conv.tail {
		if m := mask(1 << i); m&x.w.tx.ledger != 0 {
			conv.tail[i] = 0
		} else if conv.tail[i] != 0 {
			conv.tail[i] = k
			x.w.seal(k, m)
		}
	}
	x.putRecord(conv, k, bank)
}

// outOfUse is the slots of the conversation's key and of segments that no row needs, a bit each.
func (x *act) outOfUse(conv *conversation, segs uint8) (set uint16) {
	add := func(pair int, r row) {
		if conv.pair[pair] == 0 {
			return
		}
		set |= 1 << conv.slot(pair, 1-r.bank)
		if r.key == 0 && x.has(bothWhereNone) {
			set |= 1 << conv.slot(pair, r.bank)
		}
	}
	add(0, conv.record)
	for s := range segments {
		if segs&(1<<s) != 0 {
			add(1+s, conv.seg[s])
		}
	}
	return set
}

// eraseNoted destroys the keys of a note.
func (x *act) eraseNoted() {
	n := x.t.note
	x.eraseReserve()
	x.eraseScreen()
	if n.kind == whole {
		x.erasePairs(n.pairs)
		return
	}
	set := n.slots
	if x.has(banksRead) {
		if x.w.db.live != n.ordinal+1 {
			return
		}
		set = x.outOfUse(x.w.db.current(), n.segments)
	}
	if !x.has(otherBankErased) {
		return
	}
	for slot := range slots {
		if set&(1<<slot) != 0 {
			x.write(slot, 0)
		}
	}
}

// drop removes the last rows of a note, and the note, and frees its pairs.
func drop(x *act) {
	if x.has(lockReclaim) && !x.take() {
		return
	}
	if !x.begin() {
		x.release()
		return
	}
	tx, n := &x.w.tx, x.t.note
	i := tx.find(n)
	if i < 0 && x.has(recheckNote) {
		x.abort()
		x.release()
		x.to("look")
		return
	}
	if i >= 0 {
		tx.dropNote(i)
	}
	if n.kind == whole {
		old := &tx.conv[n.ordinal]
		old.tail, old.seg = [contents]key{}, [segments]row{}
		if x.has(freeWithNote) {
			if tx.free&n.pairs != 0 {
				x.w.bad = "I5: pairs were freed twice"
			}
			tx.free |= n.pairs
			x.refill()
		}
	}
	x.commit(false)
	x.release()
	x.to("look")
}
