package sdk

import (
	"context"
	"errors"
	"time"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// Of a user's tabs on a device one leads: it holds a lock, and alone delivers what all of them owe the server (ADR 7). Every tab
// has its own connection, by which it reads and hears, and commits its own deletions. A tab leads only while it is connected.

// leaderPatience is how long a tab that owes something waits for a sign of life of the one that leads, before it takes the
// lead. That one may be frozen, or stopped in a debugger; if it goes on after all, both deliver, which the identities
// of operations and sends make harmless.
const leaderPatience = 3 * time.Second

func (a *account) leadLock() string { return a.name + " outbox" }

// lease asks for the lead; nil if another tab has it, or ctx ended.
func (a *account) lease(ctx context.Context, mode tabs.Mode) *tabs.Lease {
	lease, err := a.tabs.Lock(ctx, a.leadLock(), mode)
	if err == nil || errors.Is(err, tabs.ErrTaken) || ctx.Err() != nil {
		return lease
	}
	a.report(err)
	lease, _ = tabs.Alone{}.Lock(ctx, "", mode) // a browser that refuses: rather two that deliver than none
	return lease
}

// lead delivers while this tab leads, and follows while another does, until the connection ends.
func (a *account) lead(c *connection, lease *tabs.Lease) {
	for {
		if lease == nil {
			if lease = a.follow(c); lease == nil {
				return
			}
			if err := a.lookAround(); err != nil {
				a.failed(c, err)
			}
			a.poke(tabs.Outbox) // whoever led before may have died before it could tell what it did
		}
		a.setLeading(true)
		a.deliverLoop(c, lease)
		a.setLeading(false)
		lease.Release()
		lease = nil
	}
}

func (a *account) setLeading(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leading = on
}

// follow waits for the lead, nil when the connection has ended. While something is owed it asks now and then whether anybody
// leads; who gives no answer loses the lead.
func (a *account) follow(c *connection) *tabs.Lease {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	var lease *tabs.Lease
	granted := make(chan struct{})
	a.run(func() {
		lease = a.lease(ctx, tabs.Wait)
		close(granted)
	})
	giveUp := func() {
		cancel()
		if <-granted; lease != nil {
			lease.Release()
		}
	}
	var silent <-chan time.Time
	for {
		// Several may have come while this tab looked, and select would draw lots: an end goes before the lead.
		switch {
		case isOver(c.ended), isOver(a.ctx.Done()):
			giveUp()
			return nil
		case isOver(granted):
			return lease
		}
		if silent == nil && a.ask() {
			silent = time.After(leaderPatience)
		}
		select {
		case <-c.ended:
		case <-a.ctx.Done():
		case <-granted:
		case <-a.queued:
		case <-silent:
			silent = nil
			if err := a.look(false); err != nil { // in case it was settled, and nobody could tell
				a.report(err)
			}
			if !isOver(c.ended) && a.unanswered() {
				giveUp()
				return a.lease(a.ctx, tabs.Steal)
			}
		}
	}
}

// ask asks who leads, if anything is owed.
func (a *account) ask() bool {
	a.mu.Lock()
	owes := len(a.outbox.entries) > 0
	a.answered = false
	a.mu.Unlock()
	if owes {
		a.poke(tabs.Outbox)
	}
	return owes
}

func (a *account) unanswered() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.answered && len(a.outbox.entries) > 0
}

// heard takes another tab's poke. It does not wait.
func (a *account) heard(p tabs.Poke) {
	a.mu.Lock()
	a.changedElsewhere = a.changedElsewhere || p == tabs.Changed
	a.answered = a.answered || p == tabs.Here
	here := a.leading && p == tabs.Outbox
	a.mu.Unlock()
	if here {
		a.poke(tabs.Here)
	}
	if p != tabs.Here {
		signal(a.poked)
	}
}

// listen looks into the database when other tabs have changed it; pokes that come together are one.
func (a *account) listen() {
	for {
		select {
		case <-a.poked:
		case <-a.ctx.Done():
			return
		}
		a.mu.Lock()
		all := a.changedElsewhere
		a.changedElsewhere = false
		a.mu.Unlock()
		if err := a.look(all); err != nil {
			a.report(err)
		}
	}
}

// look takes over what other tabs have done to the outbox, and with all to the rest of the database, and tells the app.
func (a *account) look(all bool) error {
	owed, err := a.vault.Owed(a.ctx, all)
	if err != nil {
		return err
	}
	return a.takeOver(&owed, all)
}

// lookAround is look for what nobody has told of: a tab that dies between its commit and its poke tells nobody, and may leave keys
// to destroy.
func (a *account) lookAround() error {
	owed, err := a.vault.Owed(a.ctx, false)
	if err != nil {
		return err
	}
	if owed.Behind {
		signal(a.sweep)
		return a.look(true)
	}
	return a.takeOver(&owed, false)
}

// takeOver ends look. all: the rest of the database has been read, too.
func (a *account) takeOver(owed *vault.Owed, all bool) error {
	a.mu.Lock()
	gone := a.outbox.reconcile(owed)
	a.mu.Unlock()
	signal(a.queued)
	if !all && len(gone) > 0 {
		now, err := a.vault.Owed(a.ctx, true)
		if err != nil {
			return err
		}
		all = now.Behind // nothing says any more that it is untold
	}
	for _, e := range gone {
		a.settledElsewhere(e, owed.Refused[e.N])
	}
	if all {
		a.tellAll()
	}
	return nil
}

// tellAll tells the app of everything that has been read again.
func (a *account) tellAll() {
	for _, id := range a.known() {
		a.settle(id, &vault.Settled{})
	}
	a.listChanged(a.listed()...)
}

// settledElsewhere tells app and caller how an entry ended that another tab has settled. The vault has been read again since.
func (a *account) settledElsewhere(e vault.Entry, code wire.Code) {
	switch e.Kind {
	case vault.SendEntry:
		if failure := a.tellSend(e, code); failure != nil {
			a.report(failure)
		}
	case vault.DeleteEntry:
		a.tellDeletion(e, code)
	case vault.CancelEntry:
		if code != wire.OK {
			a.tellDeletion(e, code)
		}
	}
	a.answer(e.N, refusedElsewhere(code))
}

// refusedElsewhere is a refusal of which only the code is known here.
func refusedElsewhere(code wire.Code) error {
	if code == wire.OK {
		return nil
	}
	return wire.Errorf(code, "refused; another tab was told why")
}

// tellSend tells what became of a send that another tab has settled.
func (a *account) tellSend(e vault.Entry, code wire.Code) error {
	switch code {
	case wire.OK:
		row, ordinal, ok, err := a.vault.FindSent(a.ctx, e.ConversationID, e.Ordinal, e.Slot)
		switch {
		case err != nil:
			return err
		case ok:
			a.messageSent(e, &vault.Sending{Ordinal: ordinal, Row: row})
		default: // deleted since; this tab's app knows it by no other name
			a.sendDeleted(e)
		}
		return nil
	case wire.SendCancelled: // with what was deleted: books tell nothing of unsent messages
		a.sendDeleted(e)
		return nil
	}
	row, ok, err := a.vault.Pending(a.ctx, e)
	if err == nil && ok {
		a.messageFailed(e, row, code)
	}
	return err
}

// answer lets the caller go that waits for an entry.
func (a *account) answer(n uint64, err error) {
	a.mu.Lock()
	answer := a.waiting[n]
	delete(a.waiting, n)
	a.mu.Unlock()
	if answer != nil {
		answer <- err
	}
}
