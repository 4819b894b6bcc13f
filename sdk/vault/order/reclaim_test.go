package order

// doing is what a step of reclaim is about.
type doing uint8

const (
	resting   doing = iota
	carrying        // destroys the keys that a note names
	resealing       // rewrites a slice of its segments, and at last record and tail
	emptying        // removes the rows of a retired ordinal, and the note
	dropping        // removes the note
	leaving         // removes the note of a part of what has been deleted as a whole since
)

// reclaim does what the notes say, oldest first, until there is none. Any tab may, several at once.
func reclaim(r rules) program {
	look := step{name: "look", run: func(x *act) {
		x.forget()
		if x.w.db.notes[0].kind == none {
			x.end()
			return
		}
		x.choose()
		switch x.t.doing {
		case resting:
		case resealing:
			x.to("read")
		default:
			x.to("lock")
		}
	}}
	read := step{name: "read", run: func(x *act) {
		t := x.t
		t.segs = t.note.segments & -t.note.segments // a slice is one segment here
		if conv := x.w.db.current(); !x.has(reseal) || conv != nil && conv.pair[1] == 0 {
			t.segs = 0 // nothing is there to reseal, and what the tail has of it stays in the tail
		}
		x.build(t.segs, 0)
		x.to("lock")
	}}
	put := func(x *act) bool {
		if x.t.doing == resealing {
			return x.putParts()
		}
		tx, n := &x.w.tx, x.t.note
		if i := tx.find(n); x.has(recheckNote) && x.t.doing != leaving &&
			(i < 0 || tx.notes[i] != n || n.kind == parts && tx.live != n.ordinal+1) {
			return x.quit("look")
		}
		switch x.t.doing {
		case carrying:
			x.t.strict, x.t.doomed = true, x.named(n)
			return true
		case emptying:
			old := &tx.conv[n.ordinal]
			old.tail, old.seg = [contents]key{}, [segments]row{}
			if x.has(freeWithNote) {
				if tx.free&n.pairs != 0 {
					x.w.bad = "I5: pairs were freed twice"
				}
				tx.free |= n.pairs
			}
		}
		tx.dropNote(n)
		x.t.tells, x.t.drops = n.what, true
		return true
	}
	again := func(x *act) { x.to("look") }
	return append(program{look, read}, transaction(r, lockReclaim, put, again, again)...)
}

// choose finds the note whose turn it is, and what to do for it.
func (x *act) choose() {
	db, t := &x.w.db, x.t
	t.note = db.notes[0]
	for _, n := range db.notes[1:] {
		if n.kind != none && !x.has(oldestFirst) {
			t.note = n
		}
	}
	if n := t.note; n.kind == parts && db.live != n.ordinal+1 {
		t.doing = leaving
		for _, w := range db.notes {
			if w.kind == whole && w.ordinal == n.ordinal && !x.carried(w) && x.has(reclaimRetired) {
				t.note, t.doing = w, carrying
			}
		}
		return
	}
	switch n := t.note; {
	case !x.carried(n) && x.unnamed(n):
		t.carry(n, true)
	case !x.carried(n):
		t.doing = carrying
	case n.kind == whole:
		t.doing = emptying
	case n.segments != 0 || n.until != 0 || n.rekey:
		t.doing = resealing
	default:
		t.doing = dropping
	}
}

// carried says whether this tab has destroyed the keys of a note.
func (x *act) carried(n note) bool {
	for _, c := range x.t.carried {
		if c.is(n) && (c == n || !x.has(carriedAsRead)) {
			return true
		}
	}
	return false
}

// unnamed says that a note names no keys yet.
func (x *act) unnamed(n note) bool {
	return n.kind == parts && n.until == 0 && n.done == 0 && (n.rekey || !x.has(rekeyNamed))
}

// named is the slots whose keys a note says are to be destroyed.
func (x *act) named(n note) uint16 {
	tx := &x.w.tx
	if n.kind == whole {
		return banks(n.pairs)
	}
	set := n.slots
	if conv := tx.current(); x.has(banksRead) && conv != nil {
		set = x.outOfUse(conv, n.done, true)
	}
	if !x.has(otherBankErased) {
		set = 0
	}
	if conv := tx.current(); conv != nil {
		for s := range n.until {
			if p := conv.pair[1+s]; p != 0 {
				set |= 3 << (2 * (p - 1))
			}
		}
	}
	return set
}

// putParts reseals the next of the noted segments, and behind the last of them record and tail.
func (x *act) putParts() bool {
	if x.moved() {
		return x.quit("read")
	}
	tx, t := &x.w.tx, x.t
	if tx.live != t.note.ordinal+1 {
		return x.quit("look")
	}
	conv, rest := tx.current(), t.note
	slice := rest.segments & -rest.segments
	rest.segments &^= slice
	rest.until, rest.done, rest.rekey = 0, slice, rest.segments != 0
	if !x.has(boundaryKept) {
		t.built = [segments]mask{}
	}
	x.put(conv)
	for s := range int(t.note.until) {
		conv.seg[s] = row{}
	}
	switch {
	case rest.rekey || conv.record.key == 0:
		x.record(conv)
	default:
		x.changeKey(conv, int(t.note.until))
	}
	if x.has(otherBankErased) {
		t.doomed = x.outOfUse(conv, slice, !rest.rekey)
	}
	if !x.has(banksRead) {
		rest.slots = t.doomed
	}
	t.strict = x.has(strictReseal)
	switch {
	case !rest.rekey && !x.has(noteUntilErased):
		tx.dropNote(rest)
	case tx.find(rest) < 0: // another tab was faster: what it has done is done again
		copy(tx.notes[1:], tx.notes[:])
		tx.notes[0] = rest
	default:
		tx.putNote(rest)
	}
	t.note = rest
	return true
}
