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
	return func(r rules) program { return named("delete "+m.String(), deleteMessages(r, m, false)) }
}

func deletesUpTo(m mask) task {
	return func(r rules) program { return named("delete up to "+m.String(), deleteMessages(r, 2*m-1, true)) }
}

func others(r rules) program { return named("another conversation", other(r)) }

func reclaims(r rules) program { return named("reclaim", reclaim(r)) }

// owned gives a first world a conversation under ordinal 0 with all its pairs.
func owned(w *world) *conversation {
	w.db.live, w.db.next = 1, 1
	conv := w.db.current()
	for i := range conv.pair {
		conv.pair[i] = uint8(i) + 1
		w.db.free &^= 1 << i
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
	w.db.other, w.db.free = w.db.free, 0
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

// long has a and b in the tail, in a segment that an upper bound may hide whole, and c and d in the next one.
func long(w *world) {
	conv := owned(w)
	w.place(conv.slot(0, 1), a)
	k := w.place(conv.slot(0, 0), a|b|c)
	conv.record = row{has: d, key: k}
	conv.tail[0], conv.tail[1], conv.tail[2] = k, k, k
	conv.seg[1] = row{has: d, key: w.place(conv.slot(2, 0), d)}
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
	{name: "whole, again", first: tailed, deaths: 2, fails: 2, scripts: scripts{
		script(deletesWhole(a|b), reclaims),
		script(deletesWhole(a|b), reclaims),
	}},
	{name: "parts, fold", first: tailed, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(b), reclaims),
		script(folds(b), receives(c), reclaims),
	}},
	{name: "parts, page", first: settled, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "parts, parts", first: settled, deaths: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletes(b), reclaims, receives(c)),
	}},
	{name: "parts, again", first: settled, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletes(a), reclaims),
	}},
	{name: "parts, whole", first: settled, deaths: 2, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletesWhole(a|b), receives(c), reclaims),
	}},
	{name: "parts, boundary", first: cutInTwo, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(a|b|c), reclaims),
		script(ingests(a|b), folds(c), reclaims),
	}},
	{name: "parts, slices", first: cutInTwo, deaths: 1, scripts: scripts{
		script(deletes(a|c), reclaims),
		script(reclaims, receives(b)),
	}},
	{name: "parts, up to the boundary", first: long, deaths: 1, fails: 1, scripts: scripts{
		script(deletesUpTo(b), reclaims),
		script(ingests(a|b), folds(c), reclaims),
	}},
	{name: "parts, up to the middle", first: long, deaths: 1, fails: 1, scripts: scripts{
		script(deletesUpTo(c), reclaims),
		script(reclaims),
	}},
	{name: "parts, only in a failed commit", first: fresh, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "parts, only in a failed commit, no pairs", first: bare, deaths: 1, fails: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(ingests(a|b), reclaims),
	}},
	{name: "parts, another conversation", first: bare, deaths: 1, fails: 1, scripts: scripts{
		script(others, deletes(c), reclaims),
		script(ingests(c|d), reclaims),
	}},
	{name: "power cut, fold", first: tailed, cuts: 1, scripts: scripts{
		script(folds(b), ingests(a|b), receives(c), folds(c)),
		script(deletes(b), reclaims),
	}},
	{name: "power cut, parts", first: settled, cuts: 1, scripts: scripts{
		script(deletes(a), reclaims),
		script(deletes(b), reclaims, receives(c)),
	}},
	{name: "power cut, parts of what was lost", first: fresh, cuts: 1, scripts: scripts{
		script(ingests(a | b)),
		script(),
	}, after: []task{deletes(a), reclaims}},
	{name: "power cut, nothing stored", cuts: 1, deaths: 1, scripts: scripts{
		script(ingests(a|b), reclaims),
		script(deletesWhole(a|b), reclaims),
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
	{name: "power cut, another conversation", cuts: 1, deaths: 1, scripts: scripts{
		script(others, ingests(a|b)),
		script(),
	}, after: []task{deletesWhole(a | b), reclaims}},
}
