package sdk

import (
	"time"

	"github.com/lethe-im/lethe/sdk/vault"
)

// inFlight is how many operations are under way at once: enough to hide the round trip, few enough to stay polite.
const inFlight = 16

// retryAfter is how long a refusal that may pass keeps an entry waiting.
const retryAfter = 2 * time.Second

// outbox decides which of the things owed to the server goes out next. Sends are first in, first out per conversation;
// deletions, cancels and reads may overtake them. It does no I/O: the entries themselves stand in the vault.
type outbox struct {
	entries []vault.Entry // by rising N
	flying  map[uint64]bool
	later   map[uint64]int64 // refused for now: not before this time, ms
}

func newOutbox(entries []vault.Entry) *outbox {
	return &outbox{entries: entries, flying: map[uint64]bool{}, later: map[uint64]int64{}}
}

// add queues entries that have just been stored.
func (o *outbox) add(entries ...vault.Entry) { o.entries = append(o.entries, entries...) }

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
	for i, e := range o.entries {
		if e.N == n {
			o.entries = append(o.entries[:i:i], o.entries[i+1:]...)
			break
		}
	}
	delete(o.flying, n)
	delete(o.later, n)
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
	kept := o.entries[:0:0]
	for _, e := range o.entries {
		if gone(e) {
			delete(o.flying, e.N)
			delete(o.later, e.N)
			continue
		}
		kept = append(kept, e)
	}
	o.entries = kept
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
