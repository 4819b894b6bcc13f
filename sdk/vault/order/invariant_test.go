package order

// violation says which promise a state breaks, "" for none.
func (w *world) violation(r rules) string {
	if w.bad != "" {
		return w.bad
	}
	for _, f := range w.file {
		if w.sealed[f.now]&w.erased != 0 || w.sealed[f.flushed]&w.erased != 0 {
			return "I1: what was told to be erased has its key in the file"
		}
	}
	if s := w.unreadable(); s != "" {
		return s
	}
	hidden := w.ledger(r)
	shown := mask(0)
	if conv := w.db.current(); conv != nil {
		shown = conv.held() &^ hidden
	}
	if shown&w.deleted != 0 {
		return "I3: what was deleted is shown again"
	}
	if w.held&^w.deleted&^shown != 0 {
		return "I5: what was not deleted is gone"
	}
	return w.owners()
}

// unreadable looks for rows that views show and whose key is not in its slot.
func (w *world) unreadable() string {
	conv := w.db.current()
	if conv == nil || conv.record.key == 0 {
		return ""
	}
	own := w.at(conv.slot(0, conv.record.bank))
	if own != conv.record.key {
		return "I2: a record cannot be opened"
	}
	for i, k := range conv.tail {
		if k != 0 && k != own && mask(1<<i)&w.db.ledger == 0 {
			return "I2: a row of the tail cannot be opened"
		}
	}
	for s, r := range conv.seg {
		if r.key != 0 && r.has&^w.db.ledger != 0 && r.key != w.at(conv.slot(1+s, r.bank)) {
			return "I2: a segment cannot be opened"
		}
	}
	return ""
}

// owners looks for pairs that two have.
func (w *world) owners() string {
	taken, clash := w.db.free, w.db.free&w.db.other
	take := func(set uint8) {
		clash |= taken & set
		taken |= set
	}
	take(w.db.other)
	if conv := w.db.current(); conv != nil {
		take(conv.owned())
	}
	for _, n := range w.db.notes {
		take(n.pairs)
	}
	if clash != 0 {
		return "I4: a pair has two owners"
	}
	return ""
}

// leftover says what is wrong when all is done and nothing moves any more.
func (w *world) leftover() string {
	if w.db.notes[0].kind != none {
		return "I5: a note is left"
	}
	owned := w.db.free | w.db.other
	if conv := w.db.current(); conv != nil {
		owned |= conv.owned()
		if conv.held()&w.deleted != 0 {
			return "I3: what was deleted stands in a row that stays"
		}
	}
	if owned != 1<<pairs-1 {
		return "I5: a pair belongs to nobody"
	}
	for _, f := range w.file {
		if w.sealed[f.now]&w.deleted != 0 {
			return "I5: what was deleted has its key in the file"
		}
	}
	for i, other := range w.db.conv {
		if w.db.live != uint8(i)+1 && other.held() != 0 {
			return "I5: rows of a retired ordinal are left"
		}
	}
	return ""
}
