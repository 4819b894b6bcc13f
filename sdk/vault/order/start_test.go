package order

// start is what a starting tab does before it carries out the notes: it overwrites what nobody owns.
func start(r rules) program {
	if !r.has(sweepAtStart) {
		return program{{name: "lock", run: (*act).end}}
	}
	return program{
		{name: "lock", run: func(x *act) {
			if !x.has(lockSweep) || x.take() {
				x.to("find")
			}
		}},
		{name: "find", run: func(x *act) {
			x.t.loose = x.w.db.free | x.w.db.reserve
			x.to("sweep")
		}},
		{name: "sweep", run: func(x *act) {
			x.erasePairs(x.t.loose)
			x.eraseScreen()
			x.to("flush")
		}},
		{name: "flush", run: func(x *act) {
			x.flush()
			x.release()
			x.end()
		}},
	}
}

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
	w.past, w.pastN = [pasts]base{}, 0
	w.tx, w.txOf, w.lock = base{}, 0, 0
	for i := range w.tab {
		w.tab[i] = tab{restarted: true}
	}
	w.held = w.visible()
}
