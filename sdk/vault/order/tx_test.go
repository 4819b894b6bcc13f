package order

// transaction is how the database changes: one, under the lock, from before it begins until its keys are settled.
//
//	lock · begin, settle the last intent · put · write the intent · write the keys · flush · commit · clear the intent ·
//	destroy what is doomed · flush · tell · unlock
//
// put does the changes; where it cannot it has left the transaction, and reports false. failed and done say where the program
// goes on.
func transaction(r rules, locks rules, put func(*act) bool, failed, done func(*act)) program {
	enter := func(x *act) {
		if !put(x) {
			return
		}
		if x.keyed() {
			x.w.tx.commit++
		}
		if !x.has(commitThenErase) {
			x.destroy(x.t.doomed)
		}
		x.next("put")
	}
	finish := func(x *act) {
		x.release()
		x.t.done()
		done(x)
	}
	p := program{
		{name: "lock", run: func(x *act) {
			if !x.has(locks) || x.take() {
				x.to("begin")
			}
		}},
		{name: "begin", run: func(x *act) {
			if !x.begin() {
				return
			}
			if x.outstanding() {
				x.to("settle")
				return
			}
			if x.has(intentChecked) {
				x.w.intent[0] = intent{} // it has come to its end
			}
			enter(x)
		}},
		{name: "settle", run: func(x *act) {
			x.destroy(x.w.intent[0].slots)
			x.to("settled")
		}},
		{name: "settled", run: func(x *act) {
			if x.has(intentFlushed) {
				x.flush()
			}
			x.w.intent[0] = intent{}
			enter(x)
		}},
		{name: "write intent", run: func(x *act) { x.writeIntent(); x.next("write intent") }},
		{name: "write keys", run: func(x *act) { x.writeKeys(); x.next("write keys") }},
		{name: "flush keys", run: func(x *act) { x.flush(); x.next("flush keys") }},
		{name: "commit", fails: []outcome{aborts, seems}, run: func(x *act) {
			if x.outcome == aborts {
				x.abort()
			} else {
				x.commit(x.t.strict)
			}
			if x.outcome != ends {
				x.release()
				x.fail()
				failed(x)
				return
			}
			x.t.made, x.t.attempt = [1 + segments]key{}, false
			if !x.has(holdToFlush) {
				x.release()
			}
			if x.next("commit") {
				x.tell()
				finish(x)
			}
		}},
		{name: "note", run: func(x *act) {
			if x.begin() {
				x.w.tx.putNote(x.t.note)
				x.commit(true)
				x.next("note")
			}
		}},
		{name: "clear intent", run: func(x *act) {
			x.w.intent[0] = intent{}
			if x.next("clear intent") {
				x.tell()
				finish(x)
			}
		}},
		{name: "destroy", fails: []outcome{aborts}, run: func(x *act) {
			if x.outcome == aborts {
				if !x.has(failedUntold) {
					x.tell()
				}
				x.release()
				x.t.done()
				failed(x)
				return
			}
			x.destroy(x.t.doomed)
			if !x.has(flushThenTell) {
				x.tell()
			}
			x.to("flush destroyed")
		}},
		{name: "flush destroyed", run: func(x *act) { x.flush(); x.tell(); finish(x) }},
	}
	return p
}

// keyed says whether the transaction writes keys.
func (x *act) keyed() bool { return x.t.at != [1 + segments]uint8{} || x.t.taken != 0 }

// next goes on to the step that comes after one in a transaction; it reports true where none does.
func (x *act) next(after string) (last bool) {
	t := x.t
	keyed := x.keyed()
	order := []struct {
		name string
		does bool
	}{
		{"write intent", keyed && x.has(intentWritten) && x.has(intentFirst)},
		{"write keys", keyed},
		{"write intent", keyed && x.has(intentWritten) && !x.has(intentFirst)},
		{"flush keys", keyed && x.has(flushThenCommit)},
		{"clear intent", keyed && x.has(intentWritten) && !x.has(intentKept)},
		{"commit", true},
		{"note", !x.has(noteInside) && t.note.kind == whole && t.doing == resting},
		{"clear intent", keyed && x.has(intentWritten) && x.has(intentKept)},
		{"destroy", t.doomed != 0},
	}
	past := after == "put"
	for _, s := range order {
		if past && s.does {
			x.to(s.name)
			return false
		}
		past = past || s.does && s.name == after
	}
	return true
}

// fail clears what a transaction had in memory that did not come to its end, or seems not to have.
func (x *act) fail() {
	x.t.done()
	x.t.attempt = !x.has(freshKeys)
	if x.has(freshKeys) {
		x.t.made = [1 + segments]key{}
	}
}

// quit leaves a transaction that has nothing to do.
func (x *act) quit(to string) bool {
	x.abort()
	x.release()
	x.t.done()
	if to == "" {
		x.end()
	} else {
		x.to(to)
	}
	return false
}

// tell is what follows when the keys are settled: the tab remembers what it has carried out, and the app is told.
func (x *act) tell() {
	t := x.t
	x.w.erased |= t.tells
	t.tells = 0
	if t.drops {
		t.carry(t.note, false)
	} else if t.note.kind != none {
		t.carry(t.note, true)
	}
}

// carry remembers, or forgets, that the keys of a note as it stands are destroyed.
func (t *tab) carry(n note, yes bool) {
	at := -1
	for i, c := range t.carried {
		if c.kind == none && at < 0 {
			at = i
		}
		if c.is(n) {
			at = i
			break
		}
	}
	switch {
	case yes:
		t.carried[at] = n
	case at >= 0 && t.carried[at].is(n):
		t.carried[at] = note{}
	}
}
