package vault

import (
	"errors"
	"slices"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/wire"
)

// What a database that was damaged still says. Rows are gaps, which the server fills again. The small records are looked
// through when the database is opened, and what cannot be read is made again from what can, so that nothing that was deleted
// is shown: where it is not known any more what a ledger hid, the rows that waited to be rewritten go whole.

// Damage is what was found unreadable when the database was opened.
type Damage struct {
	Anew          bool // nothing could be read: this is a new device
	Device        bool // its own record was made again from its copy
	Conversations int  // their rows go; the server gives them again
	Ledgers       int  // made again from what else is known: what was deleted here alone may come back from the server
	Notes         int  // of what was to be reclaimed: all is looked through again
	Operations    int  // the server will never hear of them
}

func (d Damage) any() bool { return d != Damage{} && !d.Anew }

// Damage tells what could not be read when the vault was opened.
func (v *Vault) Damage() Damage { return v.damage }

// contents is what the small tables say.
type contents struct {
	records []*Record
	ledgers map[kv.Key]*Ledger
	entries []Entry
}

// each gives every record of a table; what cannot be read is noted as spoilt.
func (t *tx) each(table kv.Table, fn func(kv.Entry) error) error {
	entries, err := t.Scan(table, kv.All, 0, false)
	if err != nil {
		return err
	}
	values := make([][]byte, len(entries))
	for i, e := range entries {
		values[i] = e.Value
	}
	if err := t.wantAll(values); err != nil {
		return err
	}
	for _, e := range entries {
		switch err := fn(e); {
		case errors.Is(err, ErrUnreadable):
			t.spoilt[table] = append(t.spoilt[table], e.Key)
		case err != nil:
			return err
		}
	}
	return nil
}

// survey reads the small tables and counts what is damaged.
func (t *tx) survey() (*contents, error) {
	c := &contents{}
	var err error
	if c.records, err = t.allRecords(); err != nil {
		return nil, err
	}
	if c.ledgers, err = t.allLedgers(); err != nil {
		return nil, err
	}
	if c.entries, err = t.allEntries(); err != nil {
		return nil, err
	}
	if err = t.each(tableGarbage, func(e kv.Entry) error {
		_, err := t.decode(tableGarbage, e.Value, &Note{})
		return err
	}); err != nil {
		return nil, err
	}
	if err := t.orphans(c); err != nil {
		return nil, err
	}
	t.damage.Conversations, t.damage.Ledgers = len(t.spoilt[tableConversations]), t.damage.Ledgers+len(t.spoilt[tableLedgers])
	t.damage.Notes, t.damage.Operations = len(t.spoilt[tableGarbage]), len(t.spoilt[tableOutbox])
	return c, nil
}

// orphans finds records whose ledger is missing, and those that another record of the same conversation has replaced.
func (t *tx) orphans(c *contents) error {
	kept := c.records[:0]
	for _, r := range c.records {
		l := ledgerOf(c.ledgers, t.v, &t.dev, r.ConversationID)
		switch {
		case l == nil && len(t.spoilt[tableLedgers]) == 0:
			t.damage.Ledgers++ // it is not there at all
		case l != nil && l.Ordinal != r.Ordinal+1:
			t.spoilt[tableConversations] = append(t.spoilt[tableConversations], kv.Key(r.Ordinal))
			continue
		}
		kept = append(kept, r)
	}
	c.records = kept
	have := make(map[uint64]bool, len(kept))
	for _, r := range kept {
		have[r.Ordinal] = true
	}
	for _, l := range c.ledgers {
		if l.Ordinal > 0 && !have[l.Ordinal-1] && !slices.Contains(t.spoilt[tableConversations], kv.Key(l.Ordinal-1)) {
			t.spoilt[tableConversations] = append(t.spoilt[tableConversations], kv.Key(l.Ordinal-1))
		}
	}
	return nil
}

// mend makes the database whole again: what is left of it agrees, and the server is asked for everything it knows.
func (t *tx) mend(c *contents) error {
	for table, keys := range t.spoilt {
		for _, key := range keys {
			if err := t.Delete(table, kv.Span{From: key, To: key}); err != nil {
				return err
			}
		}
	}
	t.dev.Epoch, t.dev.N, t.devNew = 0, 0, true
	t.clearTo = max(t.dev.NextNote, 1) // the notes that stand are carried out by the sweep
	if err := t.mendLedgers(c); err != nil {
		return err
	}
	if err := t.dropStrays(c); err != nil {
		return err
	}
	if err := t.rejoin(c.entries); err != nil {
		return err
	}
	if err := t.mendSends(c); err != nil {
		return err
	}
	if t.damage.Notes == 0 {
		return nil
	}
	for _, r := range c.records { // what the notes said follows from the books
		cs, err := t.load(r.ConversationID)
		if err != nil {
			return err
		}
		if cs[0].Record == nil || cs[0].Record.Ordinal != r.Ordinal {
			continue // deleted just now
		}
		if err := t.noteHidden(cs[0], &ledger.Book{}, true, &Settled{}); err != nil {
			return err
		}
	}
	return nil
}

// mendLedgers gives records whose ledger is lost another one, and takes from ledgers the records that are lost.
func (t *tx) mendLedgers(c *contents) error {
	for key, l := range c.ledgers {
		if l.Ordinal > 0 && slices.Contains(t.spoilt[tableConversations], kv.Key(l.Ordinal-1)) {
			l.Ordinal = 0
			if err := t.put(tableLedgers, key, l); err != nil {
				return err
			}
		}
	}
	for _, r := range c.records {
		cs, err := t.load(r.ConversationID)
		if err != nil {
			return err
		}
		if c := cs[0]; !c.known {
			c.Record, c.Ledger.Ordinal = r, r.Ordinal+1
			if err := t.rebook(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// rebook makes a conversation's book again from its record. What was hidden and not yet rewritten goes: which rows those were,
// only the lost book knew. What is covered stays covered, so that none of it is asked for again.
func (t *tx) rebook(c *conv) error {
	r, book := c.Record, c.book()
	book.Log = r.Log
	for _, x := range r.Covered {
		book.Raise(x.To)
	}
	if r.Last != nil && r.LastSlot < FirstSlot {
		book.Raise(uint64(r.LastSlot))
	}
	entries, err := t.Scan(tableGarbage, kv.All, 0, false)
	if err != nil {
		return err
	}
	var gone []uint64
	for _, e := range entries {
		var n Note
		if _, err := t.decode(tableGarbage, e.Value, &n); err != nil {
			return err
		}
		if n.Ordinal != r.Ordinal || n.Whole || n.Quiet {
			continue
		}
		if n.Until > 0 {
			book.Local.Join(wire.Ledger{Through: min(book.Head, uint64(n.Until)*wire.SegmentSize-1)})
		}
		for _, s := range n.Segments {
			within := segmentInterval(s)
			for seq := max(within.From, 1); seq <= min(within.To, book.Head); seq++ {
				gone = append(gone, seq)
			}
		}
	}
	book.Local.Join(wire.Ledger{Ranges: wire.RangesOf(gone...)})
	c.changeBook()
	c.Record.Stale = true
	c.change()
	return t.settle(c, &ledger.Book{Head: book.Head}, &Settled{})
}

// dropStrays removes rows of which no record knows and no note, as those of lost records are. Their keys are swept.
func (t *tx) dropStrays(c *contents) error {
	known := map[uint64]bool{}
	for _, r := range c.records {
		known[r.Ordinal] = true
	}
	if err := t.each(tableGarbage, func(e kv.Entry) error {
		var n Note
		_, err := t.decode(tableGarbage, e.Value, &n)
		known[n.Ordinal] = known[n.Ordinal] || n.Whole
		return err
	}); err != nil {
		return err
	}
	for _, table := range []kv.Table{tableSegments, tableTail, tableSent} {
		for from := kv.Key(0); ; {
			entries, err := t.Scan(table, kv.Span{From: from, To: kv.MaxKey}, 1, false)
			if err != nil {
				return err
			}
			if len(entries) == 0 {
				break
			}
			ordinal := uint64(entries[0].Key) >> 32
			if !known[ordinal] {
				if err := t.Delete(table, spanOf(ordinal)); err != nil {
					return err
				}
			}
			if from = place(ordinal+1, 0); from > kv.MaxKey {
				break
			}
		}
	}
	return nil
}

// rejoin joins once more what the server is still owed: a lost ledger had it.
func (t *tx) rejoin(entries []Entry) error {
	for i := range entries {
		e := &entries[i]
		if e.Kind != DeleteEntry || !e.Scope.Local() {
			continue
		}
		cs, err := t.load(e.ConversationID)
		if err != nil {
			return err
		}
		c := cs[0]
		before := c.book().Clone()
		c.raise(e.Anchor)
		join, bounded := wire.Ledger{Ranges: e.Ranges}, false
		switch e.What {
		case wire.WhatConversation:
			join.Through = e.Anchor
		case wire.WhatTime:
			bounded = c.book().JoinBound(ledger.Bound{Before: e.Before, Anchor: e.Anchor})
		}
		if e.Hide {
			join.HiddenAt = e.Anchor + 1
		}
		if !c.book().Local.Join(join) && !bounded {
			continue
		}
		c.changeBook()
		if err := t.settle(c, &before, &Settled{}); err != nil {
			return err
		}
	}
	return nil
}

// mendSends counts the sends whose message is lost, and marks as failed the messages whose send is.
func (t *tx) mendSends(c *contents) error {
	owed := map[kv.Key]bool{}
	records := map[uint64]*Record{}
	for _, r := range c.records {
		records[r.Ordinal] = r
	}
	for i := range c.entries {
		e := &c.entries[i]
		if e.Kind != SendEntry {
			continue
		}
		owed[place(e.Ordinal, uint64(e.Slot))] = true
		if records[e.Ordinal] == nil {
			t.damage.Operations++
			if err := t.Delete(tableOutbox, kv.Span{From: kv.Key(e.N), To: kv.Key(e.N)}); err != nil {
				return err
			}
		}
	}
	if len(t.spoilt[tableOutbox]) == 0 {
		return nil
	}
	for _, r := range c.records {
		cs, err := t.load(r.ConversationID)
		if err != nil {
			return err
		}
		conv := cs[0]
		if conv.Record == nil || conv.Record.Ordinal != r.Ordinal {
			continue
		}
		rows, err := t.pending(conv.Record)
		if err != nil {
			return err
		}
		for i := range rows {
			at := place(r.Ordinal, uint64(rows[i].Slot))
			if rows[i].Status != Unsent || owed[at] {
				continue
			}
			rows[i].Status = Failed
			if err := t.putUnder(conv, tableTail, at, &rows[i]); err != nil {
				return err
			}
			if conv.Record.LastSlot == rows[i].Slot {
				conv.Record.Last = &rows[i]
			}
			conv.change()
		}
	}
	return nil
}

// restoreDevice makes the device's record again: identify has read its copy. Numbers begin above all that can be seen.
func (t *tx) restoreDevice() error {
	t.damage.Device, t.devNew = true, true
	above := func(table kv.Table, least uint64) (uint64, error) {
		err := t.each(table, func(e kv.Entry) error {
			// Foreign numbers may be as great as they like.
			if _, _, err := t.open(table, e.Value); err != nil {
				return err
			}
			least = max(least, uint64(e.Key)+1)
			return nil
		})
		delete(t.spoilt, table)
		return least, err
	}
	var err error
	if t.dev.NextOrdinal, err = above(tableConversations, t.dev.SealedFrom); err != nil {
		return err
	}
	if err := t.each(tableGarbage, func(e kv.Entry) error {
		var n Note
		_, err := t.decode(tableGarbage, e.Value, &n)
		t.dev.NextOrdinal = max(t.dev.NextOrdinal, n.Ordinal+1)
		return err
	}); err != nil {
		return err
	}
	delete(t.spoilt, tableGarbage)
	t.dev.NextOrdinal += ordinalSlack
	if t.dev.NextNote, err = above(tableGarbage, 0); err != nil {
		return err
	}
	if t.dev.NextEntry, err = above(tableOutbox, 0); err != nil || t.access == nil {
		return err
	}
	// Whether an intent's transaction came to its end is not known any more. The sweep finds the keys that nothing names.
	b, err := t.access.Read(keyringIntent)
	if err != nil {
		return err
	}
	t.dev.Commit, _, _ = decodeIntent(b)
	return nil
}

// ordinalSlack is for ordinals that were retired and have left nothing to be seen by.
const ordinalSlack = 1024

// copyDevice keeps a second time what no other record tells.
func (t *tx) copyDevice() error {
	return t.put(tableDevice, 3, &Device{ID: t.dev.ID, Secret: t.dev.Secret, SealedFrom: t.dev.SealedFrom, Compensated: true})
}
