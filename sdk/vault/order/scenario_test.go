package order

// The programs as scenarios name them.
type task func(rules) program

func script(tasks ...task) func(rules) []program {
	return func(r rules) (out []program) {
		for _, t := range tasks {
			out = append(out, t(r))
		}
		return out
	}
}

func ingests(m mask) task {
	return func(r rules) program { return named("ingest "+m.String(), ingest(r, m, m.segmentsOf())) }
}

func receives(m mask) task {
	return func(r rules) program { return named("receive "+m.String(), receive(r, m)) }
}

func folds(m mask) task {
	return func(r rules) program { return named("fold "+m.String(), ingest(r, 0, m.segmentsOf())) }
}

func deletesWhole(m mask) task {
	return func(r rules) program { return named("delete whole "+m.String(), deleteWhole(r, m, false)) }
}

func clears(m mask) task {
	return func(r rules) program { return named("clear "+m.String(), deleteWhole(r, m, true)) }
}

func deletes(m mask) task {
	return func(r rules) program { return named("delete "+m.String(), deleteMessages(r, m)) }
}

func others(r rules) program { return named("another conversation", other(r)) }

func shows(r rules) program { return named("first screen", showFirst(r)) }

func reclaims(r rules) program { return named("reclaim", reclaim(r)) }

// owned gives a first world a conversation under ordinal 0 with all its pairs.
func owned(w *world) *conversation {
	w.db.live, w.db.next = 1, 1
	conv := w.db.current()
	for i := range conv.pair {
		conv.pair[i] = uint8(i) + 1 + reserveSize
		w.db.free &^= 1 << (i + reserveSize)
	}
	return conv
}

// place seals something under a new key in a slot, as an earlier transaction did.
func (w *world) place(slot int, m mask) key {
	k := w.makeKey()
	w.file[slot] = cell{k, k}
	w.sealed[k] |= m
	return k
}

// settled is a conversation with a and b in a segment, whose older version had a alone, and whose older key of the
// conversation had a and b in the tail.
func settled(w *world) {
	conv := owned(w)
	w.place(conv.slot(0, 1), a|b)
	w.place(conv.slot(1, 1), a)
	conv.record = row{has: b, key: w.place(conv.slot(0, 0), a|b)}
	conv.seg[0] = row{has: a | b, key: w.place(conv.slot(1, 0), a|b)}
}

// tailed has a in the segment and b in the tail.
func tailed(w *world) {
	conv := owned(w)
	k := w.place(conv.slot(0, 0), a|b)
	conv.record = row{has: b, key: k}
	conv.tail[1] = k
	conv.seg[0] = row{has: a, key: w.place(conv.slot(1, 0), a)}
}

// shown is tailed, with b on the first screen.
func shown(w *world) {
	tailed(w)
	w.place(screenSlot(1), a)
	w.db.screen = row{has: b, key: w.place(screenSlot(0), b)}
}

// cutInTwo has both segments full.
func cutInTwo(w *world) {
	settled(w)
	conv := w.db.current()
	conv.seg[1] = row{has: c | d, key: w.place(conv.slot(2, 0), c|d)}
	conv.record.has = d
}

// tight is tailed, on a device whose other pairs belong to another conversation.
func tight(w *world) {
	tailed(w)
	w.db.other = w.db.free | w.db.reserve
	w.db.free, w.db.reserve = 0, 0
}

// high has a reserve with free pairs below it, and no conversation.
func high(w *world) {
	w.db.free |= w.db.reserve
	w.db.reserve <<= 2
	w.db.free &^= w.db.reserve
}

// fresh is a conversation with c alone, in the tail: nothing of a and b ever came.
func fresh(w *world) {
	conv := owned(w)
	k := w.place(conv.slot(0, 0), c)
	conv.record = row{has: c, key: k}
	conv.tail[2] = k
}

// bare is like fresh, but no segment has a pair yet.
func bare(w *world) {
	fresh(w)
	conv := w.db.current()
	for i := 1; i <= segments; i++ {
		w.db.free |= 1 << (conv.pair[i] - 1)
		conv.pair[i] = 0
	}
}

type scripts = [tabs]func(rules) []program

var scenarios = []scenario{
	{name: "whole, page", deaths: 2, fails: 1, scripts: scripts{
		script(deletesWhole(a|b), reclaims, receives(c)),
		script(ingests(a|b), folds(c), reclaims),
	}},
	{name: "whole, live message", first: tailed, deaths: 2, fails: 1, scripts: scripts{
		script(deletesWhole(a|b), reclaims, folds(c)),
		script(receives(c), reclaims),
	}},
	{name: "whole, pairs used again", first: tight, deaths: 2, fails: 1, scripts: scripts{
		script(deletesWhole(a|b), reclaims),
		script(reclaims, receives(c), folds(c)),
	}},
	{name: "whole, stays in the list", first: tailed, deaths: 2, fails: 1, scripts: scripts{
		script(clears(a|b), reclaims, folds(c)),
		script(receives(c), deletesWhole(c), reclaims),
	}},
	{name: "parts, fold", first: tailed, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(b), reclaims),
		script(folds(b), receives(c), reclaims),
	}},
	{name: "parts, page", first: settled, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "parts, parts", first: settled, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletes(b), reclaims, receives(c)),
	}},
	{name: "parts, whole", first: settled, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletesWhole(a|b), receives(c), reclaims),
	}},
	{name: "parts, boundary", first: cutInTwo, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(a|b|c), reclaims),
		script(ingests(a|b), folds(c), reclaims),
	}},
	{name: "parts, first screen", first: shown, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(b), reclaims, shows),
		script(shows, receives(c), shows),
	}},
	{name: "whole, first screen", first: shown, deaths: 1, fails: 1, scripts: scripts{
		script(deletesWhole(a|b), receives(c), shows, reclaims),
		script(receives(d), shows, reclaims),
	}},
	{name: "parts, only in a failed commit", first: fresh, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "parts, only in a failed commit, no pairs", first: bare, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "parts, another conversation", first: bare, deaths: 2, fails: 1, scripts: scripts{
		script(others, deletes(c), reclaims),
		script(ingests(c|d), reclaims),
	}},
	{name: "whole, free pairs below the reserve", first: high, deaths: 1, fails: 1, scripts: scripts{
		script(deletesWhole(a|b), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "power cut, fold", first: tailed, cuts: 1, scripts: scripts{
		script(folds(b), ingests(a|b), receives(c), folds(c)),
		script(deletes(b), reclaims),
	}},
	{name: "power cut, parts", first: settled, cuts: 1, deaths: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletes(b), reclaims, receives(c)),
	}},
	{name: "power cut, whole", first: tailed, cuts: 1, deaths: 1, scripts: scripts{
		script(deletesWhole(a|b), reclaims, receives(c), folds(c)),
		script(ingests(a|b), reclaims),
	}},
	{name: "power cut, pairs used again", first: tight, cuts: 1, deaths: 1, scripts: scripts{
		script(deletesWhole(a|b), reclaims),
		script(reclaims, receives(c), folds(c)),
	}},
	{name: "power cut, whole afterwards", cuts: 1, scripts: scripts{
		script(ingests(a | b)),
		script(receives(c)),
	}, after: []task{deletesWhole(a | b), reclaims}},
	{name: "power cut, parts afterwards", first: bare, cuts: 1, scripts: scripts{
		script(ingests(c | d)),
		script(receives(a)),
	}, after: []task{deletes(c), reclaims}},
	{name: "power cut, reserve lost", cuts: 1, scripts: scripts{
		script(others, ingests(a|b)),
		script(),
	}, after: []task{deletesWhole(a | b), reclaims}},
	{name: "starting tab writes first", first: tight, deaths: 2, scripts: scripts{
		script(deletesWhole(a|b), reclaims),
		script(receives(c), reclaims),
	}, before: []task{receives(d), folds(d)}},
}
