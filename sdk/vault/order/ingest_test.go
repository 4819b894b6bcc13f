package order

// ingest stores a page from the server; with nothing that came it is a fold.
func ingest(r rules, came mask, segs uint8) program {
	put := func(x *act) bool {
		if x.moved() {
			return x.quit("read")
		}
		for s := range segments { // a segment in which nothing is or was takes no part
			if x.t.built[s] == 0 && (x.w.tx.live == 0 || x.w.tx.current().seg[s].key == 0) {
				x.t.segs &^= 1 << s
			}
		}
		if x.t.segs == 0 || x.full(x.t.segs) {
			return x.quit("")
		}
		conv := x.own(x.t.segs)
		x.t.strict = x.put(conv) && x.has(strictRewrite)
		x.record(conv)
		return true
	}
	read := step{name: "read", run: func(x *act) { x.build(segs, came); x.to("lock") }}
	again := func(x *act) { x.to("read") }
	return append(program{read}, transaction(r, lockWrites, put, again, (*act).end)...)
}

// receive stores one live message in the tail.
func receive(r rules, m mask) program {
	put := func(x *act) bool {
		conv := x.w.tx.current()
		if x.w.ledger(x.rules)&m != 0 || conv != nil && conv.held()&m != 0 || x.full(0) {
			return x.quit("")
		}
		conv = x.own(0)
		i := 0
		for m>>i != 1 {
			i++
		}
		conv.tail[i] = lost // so that the record sees it
		k := x.record(conv)
		conv.tail[i] = k
		x.w.seal(k, m)
		return true
	}
	again := func(x *act) { x.t.step = 0 }
	p := transaction(r, lockWrites, put, again, (*act).end)
	if !r.has(lockFirst) {
		p = append(program{{name: "open", run: func(x *act) {
			if x.begin() {
				x.to("lock")
			}
		}}}, p...)
	}
	return p
}
