package sdk

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// maxInbox is how many pushed frames may wait to be taken in. A device that falls behind further reconnects and catches up.
const maxInbox = 4096

// foldAfter is how long nothing must come before the tail is folded. It begins with the connection, as leaderPatience may, and ends
// hardly ever with it: of timers that end at one moment nobody knows the order, and a history of the simulation could not be replayed.
const foldAfter = 1999 * time.Millisecond

// pushed queues what the server pushes; it is taken in, in order, once rows and heads are in.
func (a *account) pushed(f wire.Frame) {
	a.mu.Lock()
	full := len(a.inbox) >= maxInbox
	if !full {
		a.inbox = append(a.inbox, f)
	}
	c := a.conn
	a.mu.Unlock()
	if full && c != nil {
		c.close(wire.CloseTimeout, "too far behind")
		return
	}
	signal(a.arrived)
}

// takeIn stores pushes as they come, until the connection ends.
func (a *account) takeIn(c *connection) {
	for {
		a.mu.Lock()
		inbox := a.inbox
		a.inbox = nil
		a.mu.Unlock()
		for i := range inbox {
			if err := a.takeOne(c, &inbox[i]); err != nil {
				a.failed(c, err)
				return
			}
		}
		if len(inbox) > 0 {
			continue
		}
		idle := time.NewTimer(foldAfter)
		select {
		case <-a.arrived:
			idle.Stop()
		case <-idle.C:
			a.idle(c)
		case <-c.ended:
			return
		case <-a.ctx.Done():
			return
		}
	}
}

// idle folds what came one by one into its segments, where it takes a tenth of the room, and where the server keeps no history
// tells it what has arrived.
func (a *account) idle(c *connection) {
	a.mu.Lock()
	tails := a.tails
	a.tails = map[string]bool{}
	deliveryOnly := a.welcome.DeliveryOnly
	a.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(tails)) {
		if deliveryOnly {
			if err := a.takeDelivery(c, id); err != nil {
				a.failed(c, err)
				return
			}
		}
		if err := a.fold(id); err != nil {
			a.report(err)
		}
	}
}

func (a *account) fold(conversationID string) error {
	return a.watching(conversationID, func() error { return a.vault.Fold(a.ctx, conversationID) })
}

// watching runs what stores rows, and tells the app and the other tabs if preview or count came out otherwise by that.
func (a *account) watching(conversationID string, store func() error) error {
	before, _ := a.vault.Find(conversationID)
	if err := store(); err != nil {
		return err
	}
	if now, _ := a.vault.Find(conversationID); vault.ListedOtherwise(before.Record, now.Record) {
		a.changed(conversationID)
	}
	return nil
}

// inTail remembers that a conversation has new rows in the tail.
func (a *account) inTail(conversationID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tails[conversationID] = true
}

func (a *account) takeOne(c *connection, f *wire.Frame) error {
	switch f.Type {
	case wire.EventMessages:
		var e wire.MessagesEvent
		if err := wire.DecodeBody(f.Body, e.UnmarshalMsg); err != nil {
			return err
		}
		return a.receive(c, &e)
	case wire.EventRows:
		var rows wire.Rows
		if err := wire.DecodeBody(f.Body, rows.UnmarshalMsg); err != nil {
			return err
		}
		device := a.vault.Device()
		if rows.Epoch != device.Epoch || rows.After > device.N || rows.More {
			return a.syncRows(c) // something between was lost
		}
		if rows.N <= device.N {
			return nil
		}
		if err := a.applyRows(&rows); err != nil {
			return err
		}
		return a.refreshStale(c)
	case wire.EventRecalls:
		var e wire.RecallsEvent
		if err := wire.DecodeBody(f.Body, e.UnmarshalMsg); err != nil {
			return err
		}
		return a.recalled(c, e.ConversationID, e.Recalls)
	case wire.EventClosed:
		var e wire.ClosedEvent
		if err := wire.DecodeBody(f.Body, e.UnmarshalMsg); err != nil {
			return err
		}
		return a.roomGone(e.ConversationID)
	default:
		return a.syncRows(c) // an event of a newer server: what it meant shows in the state
	}
}

// receive stores new messages and tells the app.
func (a *account) receive(c *connection, e *wire.MessagesEvent) error {
	got, err := a.vault.Receive(a.ctx, e)
	if err != nil {
		return err
	}
	if err := a.tellArrived(); err != nil {
		return err
	}
	conv, ok := a.vault.Find(e.ConversationID)
	if !ok {
		return nil
	}
	rows, err := a.notSentHere(got.Rows)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		out := &MessageReceivedEvent{ConversationID: e.ConversationID}
		for _, row := range rows {
			out.MessageList = append(out.MessageList, a.message(&conv, got.Ordinal, row))
		}
		if err := a.withQuotes(a.ctx, &conv, rows, out.MessageList); err != nil {
			return err
		}
		now, ok := a.vault.Find(e.ConversationID)
		if !ok {
			return nil // left meanwhile
		}
		out.MessageList = slices.DeleteFunc(out.MessageList, func(m Message) bool { // the app was told already that it is gone
			return now.Ledger.Book.HidesSeq(m.Seq)
		})
		if len(out.MessageList) > 0 {
			a.client.emit(EventMessageReceived, out.MarshalMsg)
		}
	}
	if len(got.Rows) > 0 {
		a.inTail(e.ConversationID)
	}
	a.changed(e.ConversationID)
	if got.Fold {
		if err := a.fold(e.ConversationID); err != nil {
			return err
		}
	}
	if conv.Record != nil && conv.Record.Stale {
		return a.refresh(c, e.ConversationID)
	}
	return nil
}

// tellArrived tells of sends that got their places otherwise than by their answers, as if another tab had settled them.
func (a *account) tellArrived() error {
	if !a.vault.Arrived() {
		return nil
	}
	signal(a.sweep) // what was deleted already goes
	a.poke(tabs.Changed)
	return a.look(false)
}

// notSentHere leaves out what a tab of this device has sent, where this one knows of it: MESSAGE_SENT tells of that. To a tab that
// does not, it is a message like that of another device.
func (a *account) notSentHere(rows []vault.Row) (others []vault.Row, err error) {
	known := func(row vault.Row) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		_, ok := a.outbox.sends[row.Message.SendID]
		return ok
	}
	looked := false
	for _, row := range rows {
		if row.Message.From == a.user && !looked && !known(row) {
			looked = true
			if err := a.look(false); err != nil { // its push may be faster than a poke
				return nil, err
			}
		}
		if row.Message.From != a.user || !known(row) {
			others = append(others, row)
		}
	}
	return others, nil
}

// applyRows joins the user's rows, another device's deletions among them, and tells the app what they did.
func (a *account) applyRows(rows *wire.Rows) error {
	changes, err := a.vault.ApplyRows(a.ctx, rows)
	if err != nil {
		return err
	}
	ids := make([]string, len(changes))
	for i := range changes {
		ids[i] = changes[i].ConversationID
		a.settle(ids[i], &changes[i].Settled)
	}
	a.changed(ids...)
	return nil
}

// applyHeads takes over heads, and asks for the recalls that they tell of.
func (a *account) applyHeads(c *connection, h *wire.Heads, asked ...wire.Head) error {
	ids, err := a.vault.ApplyHeads(a.ctx, h.States, asked...)
	if err != nil {
		return err
	}
	if err := a.tellArrived(); err != nil {
		return err
	}
	for i := range h.States {
		if err := a.syncRecalls(c, &h.States[i]); err != nil {
			return err
		}
	}
	for _, id := range h.Unknown {
		if err := a.roomGone(id); err != nil {
			return err
		}
	}
	a.changed(ids...)
	return nil
}

// refreshStale asks the server for previews and counts that this device could not work out by itself.
func (a *account) refreshStale(c *connection) error {
	for _, conv := range a.vault.All() {
		if err := a.freshen(c, conv.ID); err != nil {
			return err
		}
	}
	return nil
}

// refresh asks for one conversation's head and, if its preview is still missing, for its newest page.
func (a *account) refresh(c *connection, conversationID string) error {
	conv, ok := a.vault.Find(conversationID)
	if !ok {
		return nil
	}
	head := wire.Head{ConversationID: conversationID, ReadUpTo: conv.Ledger.Book.ReadUpTo()}
	var heads wire.Heads
	if err := c.request(a.ctx, wire.OpHeads, (&wire.HeadsRequest{Heads: []wire.Head{head}}).MarshalMsg, heads.UnmarshalMsg); err != nil {
		return err
	}
	if err := a.applyHeads(c, &heads, head); err != nil {
		return err
	}
	conv, ok = a.vault.Find(conversationID)
	if !ok || conv.Record == nil {
		return nil
	}
	if conv.Record.Last != nil {
		return a.fillUnread(c, conversationID)
	}
	view, err := a.vault.Page(a.ctx, vault.Query{ConversationID: conversationID, Count: 1})
	if err != nil || view.Gap == nil {
		return err
	}
	if err := a.fetch(c, conversationID, *view.Gap, 1); err != nil {
		return err
	}
	a.changed(conversationID)
	return a.fillUnread(c, conversationID)
}

// fillUnread fetches what is above the read mark where the server's count is not this device's: it hides some of that alone, and
// who wrote it only the messages say.
func (a *account) fillUnread(c *connection, conversationID string) error {
	for range fetches {
		gap, missing := a.vault.Uncounted(conversationID)
		if !missing {
			return nil
		}
		err := a.fetch(c, conversationID, gap, int(gap.To-gap.From)+1)
		var refusal *wire.Error
		if errors.As(err, &refusal) {
			return nil // the least that it can be stays; the connection's end is told elsewhere
		}
		if err != nil {
			return err
		}
	}
	return nil
}
