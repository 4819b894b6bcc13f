package order

// make makes a key for a slot, to be written before the commit.
func (x *act) make(pair, slot int) key {
	t := x.t
	t.at[pair] = uint8(slot) + 1
	if !t.attempt || x.has(freshKeys) || t.made[pair] == 0 {
		t.made[pair] = x.w.makeKey()
	}
	return t.made[pair]
}

// writeKeys overwrites the slots that were taken, and writes the keys that were made into theirs.
func (x *act) writeKeys() {
	if x.has(cleanTaken) {
		x.destroy(banks(x.t.taken))
	}
	for i, at := range x.t.at {
		if at != 0 {
			x.write(int(at)-1, x.t.made[i])
		}
	}
}

// putRecord seals the record under the conversation's key, or under a new one in the bank given.
func (x *act) putRecord(conv *conversation, k key, bank uint8) {
	preview := (conv.held() &^ x.w.tx.ledger).newest()
	conv.record = row{has: preview, key: k, bank: bank}
	x.w.seal(k, preview)
}

// conversationKey is the key that record and tail are sealed under.
func (x *act) conversationKey(conv *conversation) key {
	t := x.t
	k := x.w.at(conv.slot(0, conv.record.bank))
	if x.has(keysRead) {
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

// changeKey seals record and tail under a new key of the conversation, and leaves out what is hidden. below are the segments
// whose rows go with the note.
func (x *act) changeKey(conv *conversation, below int) {
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
		m := mask(1 << i)
		hidden := m&x.w.tx.ledger != 0
		if hidden && !x.has(rekeyShown) && i/2 < below {
			hidden = false
		}
		if hidden {
			conv.tail[i] = 0
		} else if conv.tail[i] != 0 {
			conv.tail[i] = k
			x.w.seal(k, m)
		}
	}
	x.putRecord(conv, k, bank)
}
