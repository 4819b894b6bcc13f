package order

// The first screen is one sealed value with the previews of conversations: it is made anew from committed records, under a new
// key each time, and a deletion takes it away.

func screenSlot(bank uint8) int { return 2*screen + int(bank) }

// showFirst makes the first screen.
func showFirst(r rules) program {
	put := func(x *act) {
		conv := x.w.db.current()
		if conv == nil || conv.record.has == 0 {
			x.end()
			return
		}
		if !x.take() {
			return
		}
		if !x.begin() {
			x.release()
			return
		}
		old := x.w.db.screen
		bank := old.bank
		if old.key != 0 {
			bank = 1 - bank
		}
		k := x.make(0, screenSlot(bank))
		x.w.tx.screen = row{has: conv.record.has, key: k, bank: bank}
		x.w.seal(k, conv.record.has)
		x.to("write keys")
	}
	commit := func(x *act) {
		if x.fails {
			x.failed()
		} else {
			x.commit(x.has(strictRewrite))
			x.done()
		}
		x.release()
		x.end()
	}
	return append(program{{name: "put", run: put}}, keysThenCommit(r, commit)...)
}

// dropScreen takes the first screen away in a deletion's transaction where it shows what is deleted.
func (x *act) dropScreen() {
	if x.has(screenGoes) && x.w.tx.screen.has&x.w.tx.ledger != 0 {
		x.w.tx.screen = row{}
	}
}

// eraseScreen destroys its keys that are not in use.
func (x *act) eraseScreen() {
	if !x.has(screenErased) {
		return
	}
	r := x.w.db.screen
	x.write(screenSlot(1-r.bank), 0)
	if r.key == 0 {
		x.write(screenSlot(r.bank), 0)
	}
}
