package order

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

// make makes a key for a slot, to be written before the commit.
func (x *act) make(pair, slot int) key {
	t := x.t
	if t.attempt && !x.has(freshKeys) && t.made[pair] != 0 {
		t.at[pair] = uint8(slot) + 1
		return t.made[pair]
	}
	t.made[pair] = x.w.makeKey()
	t.at[pair] = uint8(slot) + 1
	return t.made[pair]
}

// putRecord seals the record under the conversation's key, or under a new one in the bank given.
func (x *act) putRecord(conv *conversation, k key, bank uint8) {
	preview := (conv.held() &^ x.w.tx.ledger).newest()
	conv.record = row{has: preview, key: k, bank: bank}
	x.w.seal(k, preview)
}

// conversationKey is the key that record and tail are sealed under: the one in the file, or the one in memory.
func (x *act) conversationKey(conv *conversation) key {
	t := x.t
	k := x.w.at(conv.slot(0, conv.record.bank))
	if x.has(cacheChecked) {
		return k
	}
	if t.cached == 0 || t.cachedBank != conv.record.bank || t.cachedLive != x.w.tx.live {
		t.cached, t.cachedBank, t.cachedLive = k, conv.record.bank, x.w.tx.live
	}
	return t.cached
}

// record seals the record again with what the transaction changed; a new one gets its first key.
func (x *act) record(conv *conversation) key {
	if conv.record.key == 0 {
		k := x.make(0, conv.slot(0, 0))
		x.putRecord(conv, k, 0)
		return k
	}
	k := x.conversationKey(conv)
	x.putRecord(conv, k, conv.record.bank)
	return k
}

// writeKeys writes the keys that were made into their slots.
func (x *act) writeKeys() {
	if x.has(cleanWhenTaken) {
		x.erasePairs(x.t.taken)
	}
	x.t.taken = 0
	for i, at := range x.t.at {
		if at != 0 {
			x.write(int(at)-1, x.t.made[i])
		}
	}
}

// failed ends a transaction that could not be committed.
func (x *act) failed() {
	x.abort()
	if x.has(abortErases) {
		for _, at := range x.t.at {
			if at != 0 {
				x.write(int(at)-1, 0)
			}
		}
	}
	x.t.attempt = true
	x.t.at = [1 + segments]uint8{}
	if x.has(freshKeys) {
		x.t.made = [1 + segments]key{}
	}
}

// done clears what a committed transaction had in memory.
func (x *act) done() {
	x.t.made, x.t.at, x.t.attempt = [1 + segments]key{}, [1 + segments]uint8{}, false
}

// build reads segments and what the tail has in them, in a view, and joins what came, without what the ledger hides.
func (x *act) build(segs uint8, came mask) {
	t, conv := x.t, x.w.db.current()
	t.segs, t.built = segs, [segments]mask{}
	t.ledgerMoved, t.recordMoved = false, false
	hidden := x.ledger()
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
