package order

// program is a list of steps. Other tabs' steps come between them, and a tab may die before each.
type program []step

type step struct {
	of   string // the program's name
	name string
	run  func(*act)
	// mayFail: there is a second outcome, in which the commit fails.
	mayFail bool
}

func named(name string, p program) program {
	for i := range p {
		p[i].of = name
	}
	return p
}

// act is one step being taken.
type act struct {
	rules
	program program
	w       *world
	t       *tab
	me      uint8 // the tab + 1
	fails   bool
	blocked bool
	power   bool // power cuts are part of the scenario
}

// to goes on at a named step.
func (x *act) to(name string) {
	for i, s := range x.program {
		if s.name == name {
			x.t.step = uint8(i)
			return
		}
	}
	panic("no step " + name)
}

// end goes on to the tab's next program.
func (x *act) end() {
	if x.w.lock == x.me || x.w.txOf == x.me {
		panic("a program ended inside")
	}
	x.t.step = 0
	x.t.program++
	x.forget()
}

// forget clears what the program had in memory.
func (x *act) forget() {
	t := x.t
	t.built, t.segs, t.note, t.loose = [segments]mask{}, 0, note{}, 0
	t.made, t.at, t.attempt = [1 + segments]key{}, [1 + segments]uint8{}, false
	t.taken = 0
	t.ledgerMoved, t.recordMoved, t.strict = false, false, false
}

// take takes the lock, or waits for it.
func (x *act) take() bool {
	if x.w.lock != 0 && x.has(neverStolen) {
		x.blocked = true
		return false
	}
	x.w.lock = x.me
	return true
}

func (x *act) release() {
	if x.w.lock == x.me {
		x.w.lock = 0
	}
}

// begin opens a transaction, or waits: two that write the same tables never run at once.
func (x *act) begin() bool {
	if x.w.txOf != 0 {
		x.blocked = true
		return false
	}
	x.w.tx, x.w.txOf = x.w.db, x.me
	return true
}

func (x *act) abort() {
	x.w.tx, x.w.txOf = base{}, 0
}

// commit makes the transaction the database. What is not strict may be lost in a power cut, the last first.
func (x *act) commit(strict bool) {
	w := x.w
	if strict || !x.power {
		w.past, w.pastN = [pasts]base{}, 0
	} else {
		if w.pastN == pasts { // no more than that many are lost
			copy(w.past[:], w.past[1:])
			w.pastN--
		}
		w.past[w.pastN] = w.db
		w.pastN++
	}
	before := w.db
	w.db = w.tx
	x.abort()
	ledger := before.ledger != w.db.ledger
	record := before.live != w.db.live || before.conv != w.db.conv
	for i := range w.tab {
		t := &w.tab[i]
		t.ledgerMoved = t.ledgerMoved || ledger
		t.recordMoved = t.recordMoved || record
	}
	w.held |= w.visible()
}

// ledger is what the tab reads of it.
func (x *act) ledger() mask { return x.w.ledger(x.rules) }

func (w *world) ledger(r rules) mask {
	if !r.has(ledgerApart) && w.db.ledgerKey != 0 && !w.inFile(w.db.ledgerKey) {
		return 0
	}
	return w.db.ledger
}

func (w *world) inFile(k key) bool {
	for _, f := range w.file {
		if f.now == k {
			return true
		}
	}
	return false
}

// write overwrites a slot; 0 destroys its key.
func (x *act) write(slot int, k key) {
	if k == 0 && x.w.inUse(slot) {
		x.w.bad = "I4: a key in use was destroyed"
	}
	x.w.file[slot].now = k
}

func (x *act) erasePairs(set uint8) {
	for p := range pairs {
		if set&(1<<p) != 0 {
			x.write(2*p, 0)
			x.write(2*p+1, 0)
		}
	}
}

func (x *act) flush() { x.w.flush() }

func (w *world) flush() {
	for i := range w.file {
		w.file[i].flushed = w.file[i].now
	}
}

// inUse says whether a slot has the key of a row that views show.
func (w *world) inUse(slot int) bool {
	if w.db.screen.key != 0 && screenSlot(w.db.screen.bank) == slot {
		return true
	}
	conv := w.db.current()
	if conv == nil {
		return false
	}
	if conv.record.key != 0 && conv.slot(0, conv.record.bank) == slot {
		return true
	}
	for s, r := range conv.seg {
		if r.key != 0 && conv.slot(1+s, r.bank) == slot && r.has&^w.db.ledger != 0 {
			return true
		}
	}
	return false
}

// seal hands a value to the transaction: whatever becomes of it, the disk has it from now on.
func (w *world) seal(k key, m mask) { w.sealed[k] |= m }

// tell tells the app that messages are erased.
func (x *act) tell(m mask) { x.w.erased |= m }

// visible is what views show.
func (w *world) visible() mask {
	conv := w.db.current()
	if conv == nil {
		return 0
	}
	return conv.held() &^ w.db.ledger
}
