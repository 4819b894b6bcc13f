package order

// writeIntent writes down which slots the transaction is going to write.
func (x *act) writeIntent() {
	t := x.t
	n := intent{commit: x.w.tx.commit, slots: banks(t.taken)}
	if !x.has(intentNumber) {
		n.commit--
	}
	for _, at := range t.at {
		if at != 0 {
			n.slots |= 1 << (at - 1)
		}
	}
	x.w.intent[0] = n
}

// outstanding says whether an intent stands whose transaction never came to its end.
func (x *act) outstanding() bool {
	n := x.w.intent[0]
	if !x.has(intentChecked) || n.slots == 0 {
		return false
	}
	return n.commit > x.w.tx.commit || n.commit == x.w.tx.commit && !x.has(intentOutcome)
}
