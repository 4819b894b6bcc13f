package order

// start is what a starting tab does before anything else: it destroys what whole notes name, and what nobody owns.
func start(r rules) program {
	put := func(x *act) bool {
		tx := &x.w.tx
		x.t.strict = true
		for _, n := range tx.notes {
			if n.kind == whole {
				x.t.doomed |= banks(n.pairs)
			}
		}
		if x.has(sweepAtStart) {
			x.t.doomed |= banks(tx.free)
		}
		return true
	}
	again := func(x *act) { x.to("lock") }
	return transaction(r, lockSweep, put, again, (*act).end)
}
