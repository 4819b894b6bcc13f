package order

import (
	"math/bits"
	"strings"
)

// The sizes of the model. One conversation has two segments and four messages: a and b in the first, c and d in the second.
const (
	tabs     = 2
	segments = 2
	contents = 4
	ordinals = 3
	pairs    = 7 // pairs of slots in the file of keys: the two banks of a segment, or of the conversation's key
	slots    = 2 * pairs
	keys     = 40
	notes    = 4
	pasts    = 6
)

// mask is a set of messages.
type mask uint8

const (
	a mask = 1 << iota
	b
	c
	d
)

// in is what of the set stands in a segment.
func (m mask) in(segment int) mask { return m & ((a | b) << (2 * segment)) }

// newest is the newest message of the set, alone.
func (m mask) newest() mask {
	if m == 0 {
		return 0
	}
	return 1 << (bits.Len8(uint8(m)) - 1)
}

// segmentsOf has a bit for each segment that the set has messages in.
func (m mask) segmentsOf() (set uint8) {
	for s := range segments {
		if m.in(s) != 0 {
			set |= 1 << s
		}
	}
	return set
}

func (m mask) String() string {
	var s strings.Builder
	for i, name := range "abcd" {
		if m&(1<<i) != 0 {
			s.WriteRune(name)
		}
	}
	return "{" + s.String() + "}"
}

// key is the identity of a key; 0 is a slot that has none.
type key uint8

// lost is a key that nobody has any more.
const lost key = 255

// row is a sealed value.
type row struct {
	has  mask
	key  key // 0: there is no such row
	bank uint8
}

// conversation is what stands under one ordinal. pair[0] is the conversation's key, pair[1+s] that of segment s, each as its
// number + 1.
type conversation struct {
	pair   [1 + segments]uint8
	record row
	tail   [contents]key
	seg    [segments]row
}

// slot is where a bank of a pair stands in the file, -1 where the conversation does not have the pair.
func (c *conversation) slot(pair int, bank uint8) int {
	if c.pair[pair] == 0 {
		return -1
	}
	return 2*int(c.pair[pair]-1) + int(bank)
}

// held is what rows have, hidden or not.
func (c *conversation) held() (m mask) {
	for i, k := range c.tail {
		if k != 0 {
			m |= 1 << i
		}
	}
	for _, r := range c.seg {
		if r.key != 0 {
			m |= r.has
		}
	}
	return m
}

// note is what a deletion left to do.
type note struct {
	kind     noteKind
	ordinal  uint8
	what     mask  // what is told to be erased when it is done
	pairs    uint8 // whole: what to overwrite and free
	until    uint8 // parts: segments below are hidden whole
	segments uint8 // parts: what to reseal
	done     uint8 // parts: what the last step resealed
	rekey    bool  // parts: so are record and tail to be
	slots    uint16
}

type noteKind uint8

const (
	none noteKind = iota
	whole
	parts
)

// is says whether two are the same note, however far it has got.
func (n note) is(other note) bool {
	return n.kind == other.kind && n.ordinal == other.ordinal && n.what == other.what
}

// base is the database at one commit.
type base struct {
	commit    int8 // rises with every transaction that writes keys
	ledger    mask
	ledgerKey key   // only without ledgerApart
	live      uint8 // the conversation's ordinal + 1, 0 while it has none
	next      uint8
	conv      [ordinals]conversation
	free      uint8 // pairs, a bit each
	other     uint8 // pairs of another conversation
	notes     [notes]note
}

func (b *base) current() *conversation {
	if b.live == 0 {
		return nil
	}
	return &b.conv[b.live-1]
}

// putNote writes a note: over itself, or behind the others.
func (b *base) putNote(n note) {
	for i := range b.notes {
		if b.notes[i].kind == none || b.notes[i].is(n) {
			b.notes[i] = n
			return
		}
	}
	panic("too many notes")
}

// find returns the place of a note, -1 when it is gone.
func (b *base) find(n note) int {
	for i, other := range b.notes {
		if other.is(n) {
			return i
		}
	}
	return -1
}

func (b *base) dropNote(n note) {
	if i := b.find(n); i >= 0 {
		copy(b.notes[i:], b.notes[i+1:])
		b.notes[notes-1] = note{}
	}
}

// cell is a slot of the file: what stands in it, and what a power cut may bring back.
type cell struct{ now, flushed key }

// intent names the slots of a transaction under way, and the number that its commit would give the database.
type intent struct {
	commit int8
	slots  uint16 // none: there is no intent
}

// tab is one tab: where it is in its programs, and what it has in memory.
type tab struct {
	program, step uint8
	restarted     bool
	ledgerMoved   bool // the ledger's version is not the one read
	recordMoved   bool
	built         [segments]mask
	segs          uint8
	made          [1 + segments]key
	at            [1 + segments]uint8 // the slot + 1 that a made key belongs in
	attempt       bool                // made is of a failed attempt
	taken         uint8               // pairs that the transaction has taken
	strict        bool                // the commit to come
	doomed        uint16              // slots to be destroyed when it has come
	tells         mask                // what is told then
	drops         bool                // the transaction removes the note
	doing         doing
	note          note
	carried       [notes]note // whose keys this tab has destroyed, as they stood
	cached        key         // the conversation's key, as once read; only without keysRead
	cachedBank    uint8
	cachedLive    uint8
}

// world is one state.
type world struct {
	db      base
	tx      base
	txOf    uint8 // the tab + 1 that has a transaction open
	lock    uint8
	past    [pasts]base // what a power cut may bring the database back to
	pastN   uint8
	file    [slots]cell
	intent  [2]intent  // now, and flushed
	sealed  [keys]mask // what was ever handed to a transaction under a key
	tab     [tabs]tab
	deleted mask // a deletion of it was committed
	erased  mask // its erasure was told
	held    mask // it was stored
	deaths  uint8
	cuts    uint8
	fails   uint8
	bad     string
}

// at is the key in a slot.
func (w *world) at(slot int) key {
	if slot < 0 {
		return 0
	}
	return w.file[slot].now
}

// ledger is what a tab reads of it.
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

// visible is what views show.
func (w *world) visible() mask {
	conv := w.db.current()
	if conv == nil {
		return 0
	}
	return conv.held() &^ w.db.ledger
}

// makeKey makes a key that nobody had.
func (w *world) makeKey() key {
	used := key(0)
	for i := range w.sealed {
		if w.sealed[i] != 0 {
			used = max(used, key(i))
		}
	}
	for _, f := range w.file {
		used = max(used, f.now, f.flushed)
	}
	for _, t := range w.tab {
		used = max(used, t.cached, t.made[0], t.made[1], t.made[2])
	}
	return used + 1
}
