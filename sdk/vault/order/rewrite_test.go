package order

// build reads segments and what the tail has in them, in a view, and joins what came, without what the ledger hides.
func (x *act) build(segs uint8, came mask) {
	t, conv := x.t, x.w.db.current()
	t.segs, t.built = segs, [segments]mask{}
	t.ledgerMoved, t.recordMoved = false, false
	hidden := x.w.ledger(x.rules)
	for s := range segments {
		if segs&(1<<s) == 0 {
			continue
		}
		m := came.in(s)
		if conv != nil {
			m |= x.w.open(conv, s)
		}
		t.built[s] = m &^ hidden
	}
}

// open is what can be read of a segment: its row, and the tail's rows in it.
func (w *world) open(conv *conversation, s int) (m mask) {
	if r := conv.seg[s]; r.key != 0 && w.at(conv.slot(1+s, r.bank)) == r.key {
		m = r.has
	}
	for i, k := range conv.tail {
		if k != 0 && w.at(conv.slot(0, conv.record.bank)) == k {
			m |= mask(1 << i).in(s)
		}
	}
	return m
}

// moved says whether the database is no longer the one that was read.
func (x *act) moved() bool {
	return x.has(checkLedger) && x.t.ledgerMoved || x.has(checkRecord) && x.t.recordMoved
}

// put is the part of a rewriting that stands inside its transaction: the new rows, under keys made now, in the banks that are
// not in use.
func (x *act) put(conv *conversation) (replaces bool) {
	w, t := x.w, x.t
	for s := range segments {
		if t.segs&(1<<s) == 0 {
			continue
		}
		old := conv.seg[s]
		replaces = replaces || old.key != 0
		conv.seg[s] = row{}
		for i := range conv.tail {
			if mask(1<<i).in(s) != 0 {
				conv.tail[i] = 0
			}
		}
		if t.built[s] == 0 {
			continue
		}
		bank := old.bank
		if old.key != 0 && x.has(otherBank) {
			bank = 1 - old.bank
		}
		k := x.make(1+s, conv.slot(1+s, bank))
		w.seal(k, t.built[s])
		conv.seg[s] = row{has: t.built[s], key: k, bank: bank}
	}
	return replaces
}

// outOfUse is the slots of segments that no row needs, a bit each; with pair those of the conversation's key too.
func (x *act) outOfUse(conv *conversation, segs uint8, pair bool) (set uint16) {
	add := func(pair int, r row) {
		if conv.pair[pair] == 0 {
			return
		}
		set |= 1 << conv.slot(pair, 1-r.bank)
		if r.key == 0 && x.has(bothWhereNone) {
			set |= 1 << conv.slot(pair, r.bank)
		}
	}
	if pair {
		add(0, conv.record)
	}
	for s := range segments {
		if segs&(1<<s) != 0 {
			add(1+s, conv.seg[s])
		}
	}
	return set
}
