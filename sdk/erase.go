package sdk

import (
	"context"

	"github.com/lethe-im/lethe/sdk/vault"
)

// How far a deletion has got on this device, as results and events say it.
const (
	erasureNone    = "none"    // nothing was to be done here
	erasureHidden  = "hidden"  // no view shows it
	erasureErased  = "erased"  // its keys are destroyed: what the browser's files still hold cannot be read
	erasureRemoved = "removed" // its rows are gone, where there is no keyring; their bytes are at the browser's mercy
)

// erasing is a deletion that is not done on this device yet.
type erasing struct {
	conversationID string
	as             string        // how far it got
	over           chan struct{} // closed when it is done, or cannot be done for now
}

// end lets those go who wait. A deletion that could not be done for now has let them go already when it is done after all.
// Only reclaim calls it.
func (e *erasing) end() {
	if !isOver(e.over) {
		close(e.over)
	}
}

// erasure is how far deletions get on this device.
func (a *account) erasure() string {
	if a.vault.Erases() {
		return erasureErased
	}
	return erasureRemoved
}

// beginErasing remembers what Reclaim has to do for a deletion, or tells the app that its keys are destroyed already.
func (a *account) beginErasing(conversationID string, s *vault.Settled) {
	if !s.Garbage {
		return
	}
	a.mu.Lock()
	if s.Erased {
		a.erased[s.Note] = true // only rows are left, of which nobody needs to hear
	} else if a.erasing[s.Note] == nil {
		a.erasing[s.Note] = &erasing{conversationID: conversationID, over: make(chan struct{})}
	}
	a.mu.Unlock()
	if s.Erased {
		a.tellErased(conversationID, erasureErased)
	}
	signal(a.sweep)
}

func (a *account) tellErased(conversationID, as string) {
	a.client.emit(EventErased, (&ErasedEvent{ConversationID: conversationID, Erasure: as}).MarshalMsg)
}

// reclaim does in the background what deletions have left to do, also those of an earlier page load.
func (a *account) reclaim() {
	for {
		step, err := a.vault.Reclaim(a.ctx)
		for _, done := range step.Done {
			a.finishErasing(done)
		}
		if step.Changed != "" {
			a.changed(step.Changed)
			a.freshenSoon(step.Changed)
		}
		switch {
		case err != nil:
			a.report(err)
			a.endErasing(false)
		case step.Left && a.ctx.Err() == nil:
			continue
		default:
			a.endErasing(true) // another tab has done the rest
			a.holdReserve()
		}
		select {
		case <-a.sweep:
			a.client.options.Yield()
		case <-a.ctx.Done():
			a.endErasing(false)
			return
		}
	}
}

// finishErasing tells of a note that is done.
func (a *account) finishErasing(done vault.Done) {
	a.mu.Lock()
	e, told := a.erasing[done.Note], a.erased[done.Note]
	delete(a.erasing, done.Note)
	delete(a.erased, done.Note)
	a.mu.Unlock()
	id, as := done.ConversationID, a.erasure()
	if done.Plain {
		as = erasureRemoved
	}
	if e != nil {
		id, e.as = e.conversationID, as
		defer e.end()
	}
	if !told && !done.Quiet {
		a.tellErased(id, as)
	}
}

// endErasing lets everybody go who waits: nothing is left to do, or it cannot be done now.
func (a *account) endErasing(done bool) {
	a.mu.Lock()
	all := a.erasing
	if done {
		a.erasing = map[uint64]*erasing{}
	}
	a.mu.Unlock()
	for _, e := range all {
		if done {
			e.as = a.erasure()
			a.tellErased(e.conversationID, e.as)
		}
		e.end()
	}
}

// awaitErasing waits until the deletions are done on this device, and says how far they got, all of them.
func (a *account) awaitErasing(ctx context.Context, done []vault.Deleted) string {
	least := a.erasure()
	for i := range done {
		s := &done[i].Settled
		a.mu.Lock()
		e := a.erasing[s.Note]
		a.mu.Unlock()
		if !s.Garbage || s.Erased || e == nil {
			continue
		}
		select {
		case <-e.over:
		case <-a.ctx.Done(): // nobody reclaims any more: the next login does
			return erasureHidden
		case <-ctx.Done():
			return erasureHidden
		}
		a.mu.Lock()
		_, left := a.erasing[s.Note]
		a.mu.Unlock()
		if left {
			return erasureHidden
		}
		if e.as == erasureRemoved {
			least = erasureRemoved
		}
	}
	return least
}
