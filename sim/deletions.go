package sim

import (
	"slices"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

var scopes = []string{"both", "local", "remote", "both"}

func (c *call) inScope() string {
	c.scope = scopes[(c.step.B>>4)%len(scopes)]
	return c.scope
}

// aim notes what a deletion names. It is all that the device has shown, for sure: its head is there.
func (c *call) aim(want func(seq uint64, at int64) bool) []string {
	c.targets = c.known(want)
	for _, text := range c.targets {
		if c.d.sent[text] {
			c.placed = append(c.placed, text)
		}
	}
	c.onServer = len(c.placed) > 0
	return c.targets
}

// deleted notes that a deletion has resolved.
func (c *call) deleted(opIDs []string) {
	if c.t.dead.Load() || c.life != c.d.life {
		return
	}
	c.opIDs = opIDs
	if c.scope == "remote" {
		return
	}
	for _, text := range c.targets {
		if _, before := c.d.gone[text]; !before {
			c.d.gone[text], c.d.by[text] = c.w.step(), c.t
		}
	}
}

// outcome notes what a deletion has done besides what it named for sure: what came to the device while it was under way, and,
// if nobody knows its outcome, all of it.
func (c *call) outcome() {
	d, v := c.d, c.w.model.view(c.d.user, c.conversation)
	if c.life != d.life || c.scope == "" || c.scope == "remote" {
		return
	}
	l := c.w.model.logs[v.log]
	if l == nil {
		l = &modelLog{}
	}
	if c.hides {
		d.hiddenAt[c.conversation] = max(d.hiddenAt[c.conversation], l.head()+1)
	}
	if c.lost {
		c.perhaps = append(c.perhaps, c.targets...)
	}
	if c.whole {
		for i := range l.messages {
			m := &l.messages[i]
			if seq := uint64(i + 1); (c.before == 0 || m.time < c.before) && (c.upTo == 0 || seq <= c.upTo) {
				c.perhaps = append(c.perhaps, m.text)
				d.readMost[c.conversation] = max(d.readMost[c.conversation], seq)
				if slices.Contains(c.placed, m.text) && !c.lost {
					d.readLeast[c.conversation] = max(d.readLeast[c.conversation], seq)
				}
			}
		}
		for _, o := range c.w.calls {
			if o.text != "" && o.d == d && o.conversation == c.conversation && c.before == 0 && c.upTo == 0 {
				c.perhaps = append(c.perhaps, o.text)
			}
		}
	}
	for _, text := range c.perhaps {
		d.perhaps[text] = true
	}
}

func deleteIDs(c *call) error {
	c.where(c.step.A)
	c.inScope()
	known := c.known(func(seq uint64, _ int64) bool { return true })
	if len(known) == 0 {
		return wire.Errorf(wire.MessageNotFound, "nothing to delete")
	}
	r := &sdk.DeleteMessagesRequest{Scope: c.scope, AwaitErasure: c.step.A%5 == 0}
	begin := c.step.A / 8
	if c.step.B%2 == 0 {
		begin = len(known) - 1 // the newest, which others may not have yet
	}
	for i := range 1 + c.step.B%3 {
		text := known[(begin+i*7)%len(known)]
		if slices.Contains(c.targets, text) {
			continue
		}
		sent := c.d.sent[text]
		number := c.t.numbers[text]
		switch {
		case !sent && (number == 0 || c.scope != "local"):
			continue
		case !sent || number != 0 && (c.step.B+i)%2 == 0:
			r.IDs = append(r.IDs, sdk.MessageRef{MessageID: sdk.Number(number)})
		default:
			r.IDs = append(r.IDs, sdk.MessageRef{ID: c.idOf(text)})
		}
		c.onServer = c.onServer || sent
		c.targets = append(c.targets, text)
	}
	if len(r.IDs) == 0 {
		return wire.Errorf(wire.MessageNotFound, "nothing to delete")
	}
	named := slices.Clone(c.targets)
	out, err := asking(c, c.t.client.DeleteMessages, r)
	if err != nil {
		return err
	}
	c.targets = nil
	for i, ref := range r.IDs {
		if slices.Contains(out.Deleted, ref) {
			c.targets = append(c.targets, named[i])
		}
	}
	c.deleted(out.OpIDs)
	return nil
}

func deleteAll(c *call) error {
	id := c.where(c.step.A)
	c.inScope()
	c.whole = true
	c.aim(func(uint64, int64) bool { return true })
	out, err := asking(c, c.t.client.DeleteMessages, &sdk.DeleteMessagesRequest{
		ConversationID: id, Scope: c.scope, AwaitErasure: c.step.A%5 == 0,
	})
	if err != nil {
		return err
	}
	c.deleted(out.OpIDs)
	return nil
}

func deleteTime(c *call) error {
	id := c.where(c.step.A)
	c.inScope()
	before := c.w.nodeTime(0).UnixMilli() + 1
	if known := c.known(func(seq uint64, _ int64) bool { return seq > 0 }); len(known) > 0 && c.step.B%8 > 0 {
		before = c.w.model.places[known[c.step.B%len(known)]].time + int64(c.step.B%2)
	}
	c.whole, c.before = true, before
	c.aim(func(seq uint64, at int64) bool { return seq > 0 && at < before })
	n := sdk.Number(before)
	out, err := asking(c, c.t.client.DeleteMessages, &sdk.DeleteMessagesRequest{ConversationID: id, Scope: c.scope, Before: &n})
	if err != nil {
		return err
	}
	c.deleted(out.OpIDs)
	return nil
}

func deleteUpTo(c *call) error {
	id := c.where(c.step.A)
	c.inScope()
	known := c.known(func(seq uint64, _ int64) bool { return seq > 0 })
	if len(known) == 0 {
		return wire.Errorf(wire.MessageNotFound, "nothing to delete")
	}
	upTo := c.w.model.places[known[c.step.B%len(known)]].seq
	c.whole, c.upTo = true, upTo
	c.aim(func(seq uint64, _ int64) bool { return seq > 0 && seq <= upTo })
	n := sdk.Number(upTo)
	out, err := asking(c, c.t.client.DeleteMessages, &sdk.DeleteMessagesRequest{ConversationID: id, Scope: c.scope, UpTo: &n})
	if err != nil {
		return err
	}
	c.deleted(out.OpIDs)
	return nil
}

func clearHistory(c *call) error {
	id := c.where(c.step.A)
	c.scope, c.whole = "both", true
	c.aim(func(uint64, int64) bool { return true })
	_, err := asking(c, c.t.client.ClearHistoryMessage, &sdk.ClearHistoryRequest{ConversationID: id, AwaitErasure: c.step.A%5 == 0})
	if err != nil {
		return err
	}
	c.deleted(nil)
	return nil
}

func deleteConversations(c *call) error {
	id := c.where(c.step.A)
	c.scope, c.whole, c.hides = "both", true, true
	c.aim(func(uint64, int64) bool { return true })
	_, err := asking(c, c.t.client.DeleteConversation, &sdk.DeleteConversationRequest{ConversationIDList: []string{id}})
	if err != nil {
		return err
	}
	c.deleted(nil)
	return nil
}

func hideConversation(c *call) error {
	id := c.where(c.step.A)
	c.scope, c.hides = "both", true
	no := false
	_, err := asking(c, c.t.client.DeleteConversation, &sdk.DeleteConversationRequest{
		ConversationIDList: []string{id}, ClearHistoryMessage: &no,
	})
	return err
}
