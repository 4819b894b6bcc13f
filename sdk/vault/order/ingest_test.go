package order

// ingest stores a page from the server; with nothing that came it is a fold.
func ingest(r rules, came mask, segs uint8) program {
	put := func(x *act) {
		if !x.begin() {
			return
		}
		if x.moved() {
			x.abort()
			x.release()
			x.to("read")
			return
		}
		for s := range segments { // a segment in which nothing is or was takes no part
			if x.t.built[s] == 0 && (x.w.tx.live == 0 || x.w.tx.current().seg[s].key == 0) {
				x.t.segs &^= 1 << s
			}
		}
		if x.t.segs == 0 || x.full(x.t.segs) {
			x.abort()
			x.release()
			x.end()
			return
		}
		if !x.own(x.t.segs) {
			x.commit(false)
			x.t.recordMoved = false
			return
		}
		conv := x.w.tx.current()
		x.t.strict = x.put(conv) && x.has(strictRewrite)
		x.record(conv)
		x.to("write keys")
	}
	commit := func(x *act) {
		if x.fails {
			x.failed()
			x.release()
			x.to("read")
			return
		}
		x.commit(x.t.strict)
		x.done()
		x.release()
		x.end()
	}
	p := program{
		{name: "read", run: func(x *act) { x.build(segs, came); x.to("lock") }},
		{name: "lock", run: func(x *act) {
			if !x.has(lockWrites) || x.take() {
				x.to("put")
			}
		}},
		{name: "put", run: put},
	}
	return append(p, keysThenCommit(r, commit)...)
}

// keysThenCommit is how every transaction that made keys ends.
func keysThenCommit(r rules, commit func(*act)) program {
	write := step{name: "write keys", run: func(x *act) { x.writeKeys(); x.to("flush") }}
	flush := step{name: "flush", run: func(x *act) { x.flush(); x.to("commit") }}
	if r.has(flushThenCommit) {
		return program{write, flush, {name: "commit", run: commit, mayFail: true}}
	}
	write.run = func(x *act) { x.writeKeys(); x.to("commit") }
	return program{write, {name: "commit", run: commit, mayFail: true}} // flushed by whoever is next to
}

// receive stores one live message in the tail.
func receive(r rules, m mask) program {
	put := func(x *act) {
		if x.has(lockFirst) && !x.begin() {
			return
		}
		conv := x.w.tx.current()
		if x.has(lockWrites) && x.w.lock != x.me && (conv == nil || conv.record.key == 0) { // a key will be made after all
			x.abort()
			x.to("lock")
			return
		}
		if x.w.ledger(x.rules)&m != 0 || conv != nil && conv.held()&m != 0 || x.full(0) {
			x.abort()
			x.release()
			x.end()
			return
		}
		if !x.own(0) {
			x.commit(false)
			return
		}
		conv = x.w.tx.current()
		i := 0
		for m>>i != 1 {
			i++
		}
		conv.tail[i] = lost // so that the record sees it
		k := x.record(conv)
		conv.tail[i] = k
		x.w.seal(k, m)
		if x.t.made[0] != 0 {
			x.to("write keys")
		} else {
			x.to("commit")
		}
	}
	commit := func(x *act) {
		if x.fails {
			x.failed()
			x.release()
			x.t.step = 0
			return
		}
		x.commit(false)
		x.done()
		x.release()
		x.end()
	}
	lock := step{name: "lock", run: func(x *act) {
		keyless := x.w.db.live != 0 && !x.has(lockKeyless)
		if !x.has(lockWrites) || keyless || x.take() {
			x.to("put")
		}
	}}
	p := program{lock, {name: "put", run: put}}
	if !r.has(lockFirst) {
		p = append(program{{name: "begin", run: func(x *act) {
			if x.begin() {
				x.to("lock")
			}
		}}}, p...)
	}
	return append(p, keysThenCommit(r, commit)...)
}
