package order

// program is a list of steps. Other tabs' steps come between them, and a tab may die before each.
type program []step

type step struct {
	of   string // the program's name
	name string
	run  func(*act)
	// fails is how many outcomes there are beside the good one.
	fails []outcome
}

type outcome string

const (
	ends   outcome = ""
	aborts outcome = " fails"
	// seems: it was done, and the tab is told otherwise.
	seems outcome = " seems to fail"
)

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
	outcome outcome
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
	t.built, t.segs, t.note, t.doing = [segments]mask{}, 0, note{}, resting
	t.made, t.attempt = [1 + segments]key{}, false
	t.ledgerMoved, t.recordMoved = false, false
	t.done()
}

// done clears what a transaction had in memory.
func (t *tab) done() {
	t.at, t.taken, t.doomed = [1 + segments]uint8{}, 0, 0
	t.tells, t.strict, t.drops = 0, false, false
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
	if x.w.txOf == x.me && !x.has(lockFirst) {
		return true
	}
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
	w.deleted |= w.db.ledger
}

// write overwrites a slot; 0 destroys its key.
func (x *act) write(slot int, k key) {
	if k == 0 && x.w.inUse(slot) {
		x.w.bad = "I4: a key in use was destroyed"
	}
	x.w.file[slot].now = k
}

// destroy overwrites slots, a bit each.
func (x *act) destroy(set uint16) {
	for slot := range slots {
		if set&(1<<slot) != 0 {
			x.write(slot, 0)
		}
	}
}

// banks are both slots of each pair.
func banks(set uint8) (both uint16) {
	for p := range pairs {
		if set&(1<<p) != 0 {
			both |= 3 << (2 * p)
		}
	}
	return both
}

func (x *act) flush() { x.w.flush() }

func (w *world) flush() {
	for i := range w.file {
		w.file[i].flushed = w.file[i].now
	}
	w.intent[1] = w.intent[0]
}

// inUse says whether a slot has the key of a row that views show.
func (w *world) inUse(slot int) bool {
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

// die ends a tab: its transaction is aborted, its lock is free, its memory is gone, and another tab starts in its place.
func (x *act) die() {
	if x.w.txOf == x.me {
		x.abort()
	}
	x.release()
	*x.t = tab{restarted: true}
}

// cut is a power cut: what was not flushed or not strict may be lost.
func (w *world) cut(past int, kept uint32) {
	if past >= 0 {
		w.db = w.past[past]
	}
	for i := range w.file {
		f := &w.file[i]
		if kept&(1<<i) == 0 {
			f.now = f.flushed
		}
		f.flushed = f.now
	}
	if kept&(1<<slots) == 0 {
		w.intent[0] = w.intent[1]
	}
	w.intent[1] = w.intent[0]
	w.past, w.pastN = [pasts]base{}, 0
	w.tx, w.txOf, w.lock = base{}, 0, 0
	for i := range w.tab {
		w.tab[i] = tab{restarted: true}
	}
	w.held = w.visible()
}
