package sdk

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// inFlight is how many operations are under way at once: enough to hide the round trip, few enough to stay polite.
const inFlight = 16

// retryAfter is how long a refusal that may pass keeps an entry waiting.
const retryAfter = 2 * time.Second

// lately is how many entries back the outbox remembers whose end it knows.
const lately = 256

// outbox decides which of the things owed to the server goes out next. Sends are first in, first out per conversation;
// deletions, cancels and reads may overtake them. It does no I/O: the entries themselves stand in the vault, where other tabs
// add to them and settle them too.
type outbox struct {
	entries []vault.Entry // by rising N
	flying  map[uint64]bool
	later   map[uint64]int64 // refused for now: not before this time of the session, ms
	seen    uint64           // what is below this and not among entries has been settled
	told    map[uint64]bool  // entries whose end this tab knows, the latest

	sends map[wire.ID]uint64 // the latest sends that this tab knows of, by SendID: the numbers of their entries
}

func newOutbox() *outbox {
	return &outbox{flying: map[uint64]bool{}, later: map[uint64]int64{}, told: map[uint64]bool{}, sends: map[wire.ID]uint64{}}
}

// add queues an entry that has just been stored. It does not stand any more if another tab has been so fast as to settle it; known
// tells whether this tab knows of that.
func (o *outbox) add(e vault.Entry) (stands, known bool) {
	at := sort.Search(len(o.entries), func(i int) bool { return o.entries[i].N >= e.N })
	if at < len(o.entries) && o.entries[at].N == e.N {
		return true, true // found in the vault meanwhile
	}
	if e.N < o.seen || o.told[e.N] {
		return false, o.told[e.N]
	}
	o.entries = slices.Insert(o.entries, at, e)
	if e.Kind == vault.SendEntry {
		o.sends[e.SendID] = e.N
	}
	return true, false
}

// reconcile takes over what stands in the vault, and returns the entries that have gone from there: another tab has settled
// them. What is under way is left to its answer. The vault may have been read before what has been added or settled since.
func (o *outbox) reconcile(owed *vault.Owed) (gone []vault.Entry) {
	here := make(map[uint64]bool, len(owed.Entries))
	for _, e := range owed.Entries {
		here[e.N] = true
	}
	for _, e := range slices.Clone(o.entries) {
		if e.N < owed.Next && !here[e.N] && !o.flying[e.N] {
			gone = append(gone, e)
			o.settle(e.N)
		}
	}
	for _, e := range owed.Entries {
		o.add(e)
	}
	o.seen = max(o.seen, owed.Next)
	maps.DeleteFunc(o.told, func(n uint64, _ bool) bool { return n+lately < o.seen })
	maps.DeleteFunc(o.sends, func(_ wire.ID, n uint64) bool { return n+lately < o.seen })
	return gone
}

// take returns what may go out now and marks it as under way.
func (o *outbox) take(now int64) []vault.Entry {
	var out []vault.Entry
	busy := map[string]bool{} // conversations with an earlier send that is not settled
	for _, e := range o.entries {
		free := !o.flying[e.N] && o.later[e.N] <= now
		if e.Kind == vault.SendEntry {
			free = free && !busy[e.ConversationID]
			busy[e.ConversationID] = true
		}
		if free && len(o.flying) < inFlight {
			o.flying[e.N] = true
			out = append(out, e)
		}
	}
	return out
}

// settle removes an entry that needs nothing more.
func (o *outbox) settle(n uint64) {
	o.entries = slices.DeleteFunc(o.entries, func(e vault.Entry) bool { return e.N == n })
	delete(o.flying, n)
	delete(o.later, n)
	o.told[n] = true
}

// retry puts an entry back, not before a time.
func (o *outbox) retry(n uint64, at int64) {
	delete(o.flying, n)
	o.later[n] = at
}

// disconnected puts everything back that was under way: whether it arrived is not known, so it is sent again.
func (o *outbox) disconnected() {
	o.flying = map[uint64]bool{}
	o.later = map[uint64]int64{}
}

// drop forgets entries that the vault has removed.
func (o *outbox) drop(gone func(vault.Entry) bool) {
	for _, e := range slices.Clone(o.entries) {
		if gone(e) {
			o.settle(e.N)
		}
	}
}

// wake is the earliest time at which a refused entry may go again, 0 if none waits.
func (o *outbox) wake() (at int64) {
	for _, t := range o.later {
		if at == 0 || t < at {
			at = t
		}
	}
	return at
}
