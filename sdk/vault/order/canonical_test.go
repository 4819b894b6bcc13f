package order

// settle makes a state canonical.
func (e *search) settle(w *world) {
	if w.cuts == 0 {
		w.flush()
		w.past, w.pastN = [pasts]base{}, 0
	}
	w.recount()
	for i := range w.tab {
		w.tab[i].prune(&w.db)
	}
	w.rename()
}

// recount counts commits from the database's on: only which is the greater number matters.
func (w *world) recount() {
	by := w.db.commit
	w.db.commit = 0
	if w.txOf != 0 {
		w.tx.commit -= by
	}
	for i := range w.pastN {
		w.past[i].commit -= by
	}
	for i := range w.intent {
		if n := &w.intent[i]; n.slots == 0 {
			*n = intent{}
		} else {
			n.commit -= by
		}
	}
}

// prune forgets what a tab remembers of notes that are gone.
func (t *tab) prune(db *base) {
	var kept [notes]note
	for i, n := range db.notes { // in the order of the notes
		for _, c := range t.carried {
			if c.kind != none && c.is(n) {
				kept[i] = c
			}
		}
	}
	t.carried = kept
}

// rename gives keys the numbers in which they are met, and forgets those that stand in no file and no memory: nothing brings
// them back. Two states that differ in names alone are one.
func (w *world) rename() {
	var name [256]key
	n := key(0)
	var sealed [keys]mask
	meet := func(k *key) {
		if *k == 0 || *k == lost {
			return
		}
		if name[*k] == 0 {
			n++
			name[*k] = n
			sealed[n] = w.sealed[*k]
		}
		*k = name[*k]
	}
	for i := range w.file {
		meet(&w.file[i].now)
		meet(&w.file[i].flushed)
	}
	for i := range w.tab {
		t := &w.tab[i]
		meet(&t.cached)
		for j := range t.made {
			meet(&t.made[j])
		}
	}
	known := func(k *key) {
		if *k == 0 || *k == lost {
			return
		}
		if *k = name[*k]; *k == 0 {
			*k = lost
		}
	}
	within := func(b *base) {
		known(&b.ledgerKey)
		for i := range b.conv {
			c := &b.conv[i]
			known(&c.record.key)
			for j := range c.tail {
				known(&c.tail[j])
			}
			for j := range c.seg {
				known(&c.seg[j].key)
			}
		}
	}
	within(&w.db)
	if w.txOf != 0 {
		within(&w.tx)
	}
	for i := range w.pastN {
		within(&w.past[i])
	}
	w.sealed = sealed
}
