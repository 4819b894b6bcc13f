package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/server"
)

// check holds what is left after everything has come to rest against the model: I1 to I8.
func (w *world) check() {
	w.checkSettled()
	w.checkServer()
	for _, d := range w.devices {
		for _, t := range d.tabs {
			w.checkTab(t)
		}
	}
	for _, d := range w.devices { // and after everything was loaded again
		for len(d.tabs) > 0 {
			d.tabs[0].die(true)
		}
		w.begin(d.openTab(), Step{Do: "login"})
	}
	w.elapse(settling)
	for _, d := range w.devices {
		w.checkTab(d.tabs[0])
	}
	for _, d := range w.devices {
		w.checkResidue(d)
	}
	w.checkDeletions()
	w.checkSends()
}

// checkSettled is I8 for calls.
func (w *world) checkSettled() {
	for _, c := range w.calls {
		if !c.done {
			w.fail("I8: %s %s never settles", c.t.name, c.step.Do)
		}
	}
}

// settling is how long what is asked after everything has come to rest may take.
const settling = 10 * time.Second

// ask runs a call outside the plan, for which everything is let happen.
func (w *world) ask(what string, do func() error) {
	over := make(chan error, 1)
	go func() { over <- do() }()
	for range 100 {
		w.elapse(settling / 100)
		select {
		case err := <-over:
			if err != nil {
				w.fail("I8: %s: %v", what, err)
			}
			return
		default:
		}
	}
	w.fail("I8: %s never settles", what)
}

// shownHere is a conversation as a tab shows it, by seq, and what it has that was not sent.
type shownHere struct {
	seqs   []uint64
	texts  map[uint64]string
	unsent []string
}

// read pages through a conversation.
func (t *tab) read(conversation string, page func(next string) (*sdk.MessageListResult, error)) (*shownHere, error) {
	out := &shownHere{texts: map[uint64]string{}}
	next := ""
	for {
		r, err := page(next)
		if err != nil {
			return nil, err
		}
		var seqs []uint64
		for i := range r.MessageList {
			m := &r.MessageList[i]
			if m.Seq == 0 {
				out.unsent = append(out.unsent, textOf(m.Payload))
				continue
			}
			seqs = append(seqs, m.Seq)
			out.texts[m.Seq] = textOf(m.Payload)
		}
		out.seqs = append(seqs, out.seqs...)
		if next = r.NextReqMessageID; next == "" {
			break
		}
	}
	if !slices.IsSorted(out.seqs) || len(out.texts) != len(out.seqs) {
		return out, fmt.Errorf("%s: pages do not fit together: %v", conversation, out.seqs)
	}
	return out, nil
}

// here reads what the device shows.
func (t *tab) here(conversation string) (out *shownHere) {
	t.w.ask(t.name+" reading "+conversation, func() (err error) {
		out, err = t.read(conversation, func(next string) (*sdk.MessageListResult, error) {
			return t.client.GetMessageList(ctx, &sdk.MessageListRequest{ConversationID: conversation, Count: 100, NextReqMessageID: next})
		})
		return err
	})
	return out
}

// there reads what the user's history on the server has.
func (t *tab) there(conversation string) (out *shownHere) {
	t.w.ask(t.name+" reading the history of "+conversation, func() (err error) {
		out, err = t.read(conversation, func(next string) (*sdk.MessageListResult, error) {
			return t.client.FetchRemoteHistory(ctx, &sdk.MessageListRequest{ConversationID: conversation, Count: 100, NextReqMessageID: next})
		})
		return err
	})
	return out
}

// conversations are those that the user has a view of.
func (m *model) conversations(user string) (ids []string) {
	for id, v := range m.users[user] {
		if len(v.stays) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// checkTab is I1, I3, I4, I6 and I7 for what a tab shows.
func (w *world) checkTab(t *tab) {
	d := t.device
	listed := map[string]*sdk.Conversation{}
	read := map[string]*shownHere{}
	for _, id := range w.model.conversations(d.user) {
		here := t.here(id)
		if here == nil {
			return
		}
		read[id] = here
		w.checkView(t, id, here)
		w.checkHalves(t, id, here)
	}
	w.ask(t.name+" listing", func() error {
		r, err := t.client.GetConversationList(ctx, nil)
		if err != nil {
			return err
		}
		for i := range r.ConversationList {
			listed[r.ConversationList[i].ConversationID] = &r.ConversationList[i]
		}
		return nil
	})
	for _, id := range w.model.conversations(d.user) {
		w.checkListed(t, id, read[id], listed[id])
	}
}

// checkView holds what a device shows of a conversation against the log, the stays and the deletions.
func (w *world) checkView(t *tab, id string, here *shownHere) {
	d, v := t.device, w.model.view(t.device.user, id)
	l := w.model.logs[v.log]
	for seq := range here.texts {
		if seq > l.head() || !v.inStay(seq) {
			w.fail("I7: %s shows %d of %s, which is not the user's (%v)", t.name, seq, id, v.stays)
		}
	}
	for i := range l.messages {
		seq, m := uint64(i+1), &l.messages[i]
		text, shown := here.texts[seq]
		_, local := d.gone[m.text]
		switch {
		case !v.inStay(seq):
		case shown && m.recalled && text != "" && !v.left(seq): // who has left hears of recalls when connecting next
			w.fail("I4: %s shows the recalled %s", t.name, m.text)
		case shown && !m.recalled && text != m.text:
			w.fail("I3: %s shows %q in place of %s at %d", t.name, text, m.text, seq)
		case shown && local:
			w.fail("I3: %s shows %s, deleted here at step %d", t.name, m.text, d.gone[m.text])
		case shown && v.devices[seq]:
			w.fail("I4: %s shows %s (%s %d), which the user has deleted from all devices", t.name, m.text, id, seq)
		case !shown && !local && !d.perhaps[m.text] && !v.devices[seq] && !v.history[seq]:
			w.fail("I3: %s does not show %s (%s %d), which nobody deleted", t.name, m.text, id, seq)
		}
	}
}

// checkListed is I6: preview and unread are what the view says.
func (w *world) checkListed(t *tab, id string, here *shownHere, c *sdk.Conversation) {
	d, v := t.device, w.model.view(t.device.user, id)
	l := w.model.logs[v.log]
	if c == nil {
		newest := uint64(0)
		if len(here.seqs) > 0 {
			newest = here.seqs[len(here.seqs)-1]
		}
		if newest > 0 && newest >= max(v.hiddenDevices, v.hiddenHistory, d.hiddenAt[id]) {
			w.fail("I6: %s shows %d of %s and does not list it", t.name, newest, id)
		}
		return
	}
	wantText := ""
	if n := len(here.unsent); n > 0 {
		wantText = here.unsent[n-1]
	} else if n := len(here.seqs); n > 0 {
		wantText = here.texts[here.seqs[n-1]]
	}
	gotText := ""
	if c.LastMessage != nil {
		gotText = textOf(c.LastMessage.Payload)
	}
	if gotText != wantText {
		w.fail("I6: %s has the preview %q of %s, and shows %q last of %v %v", t.name, gotText, id, wantText, here.texts, here.unsent)
	}
	// The history on the server may have less than this device holds: it is then counted with either.
	least, most := uint32(0), uint32(0)
	mark := max(w.model.reads[d.user][id], v.readByDeleting)
	for _, seq := range here.seqs {
		if l.messages[seq-1].from == d.user || seq <= mark {
			continue
		}
		if seq > d.readLeast[id] {
			most++
		}
		if seq > d.readMost[id] && !v.history[seq] {
			least++
		}
	}
	if c.UnreadCount < least || c.UnreadCount > most {
		w.fail("I6: %s counts %d unread in %s, and shows %d to %d", t.name, c.UnreadCount, id, least, most)
	}
}

// checkServer is I2, I5 and I7 for what the server has.
func (w *world) checkServer() {
	for _, user := range w.userNames() {
		n, _, err := w.store.Number(ctx, server.Who{App: app, User: user})
		if err != nil || n < w.model.numbers[user] {
			w.fail("I2: %s's number is %d, and was %d (%v)", user, n, w.model.numbers[user], err)
		}
	}
	for _, d := range w.devices {
		if len(d.tabs) == 0 || d.name != d.user+"0" {
			continue
		}
		for _, id := range w.model.conversations(d.user) {
			there := d.tabs[0].there(id)
			if there == nil {
				return
			}
			w.checkHistory(d.user, id, there)
		}
	}
}

func (w *world) checkHistory(user, id string, there *shownHere) {
	v := w.model.view(user, id)
	l := w.model.logs[v.log]
	for i := range l.messages {
		seq, m := uint64(i+1), &l.messages[i]
		text, shown := there.texts[seq]
		want := v.inStay(seq) && !v.history[seq]
		switch {
		case shown != want:
			w.fail("I2: %s's history of %s has %d: %v, want %v", user, id, seq, shown, want)
		case shown && !m.recalled && text != m.text:
			w.fail("I2: %s's history of %s has %q in place of %s", user, id, text, m.text)
		}
		delete(there.texts, seq)
	}
	if len(there.texts) > 0 {
		w.fail("I2: %s's history of %s has what nobody sent: %v", user, id, there.texts)
	}
}

// checkDeletions is I1 for calls that died, and I2 for those that resolved.
func (w *world) checkDeletions() {
	for _, c := range w.calls {
		if c.scope == "" || c.scope == "local" || c.life != c.d.life {
			continue
		}
		for _, op := range c.opIDs {
			if c.resolved() && c.onServer && !w.model.accepted[op] && !w.model.deletionsRefused[op] {
				w.fail("I2: the server never heard of %s's deletion %s in %s", c.t.name, op, c.conversation)
			}
		}
	}
}

// checkHalves is I1 for a deletion whose tab died: all that it named for sure is gone from the device, or none, and what it
// took from here and not from there the server was never owed.
func (w *world) checkHalves(t *tab, id string, here *shownHere) {
	d, v := t.device, w.model.view(t.device.user, id)
	for _, c := range w.calls {
		if c.d != d || c.life != d.life || c.conversation != id || c.scope == "" || c.scope == "remote" || c.done && !c.lost {
			continue
		}
		shown, gone := 0, 0
		for _, text := range c.targets {
			p, ok := w.model.places[text]
			_, local := d.gone[text]
			if !ok || local || v.history[p.seq] || v.devices[p.seq] || !v.inStay(p.seq) || w.model.logs[p.log].messages[p.seq-1].recalled ||
				w.alsoNamed(c, text) {
				continue
			}
			if _, there := here.texts[p.seq]; there {
				shown++
			} else {
				gone++
			}
		}
		if shown > 0 && gone > 0 {
			w.fail("I1: %s %s died in %s and left %d of what it named, and took %d", c.t.name, c.step.Do, id, shown, gone)
		}
		if gone > 0 && c.scope == "both" {
			w.fail("I1: %s %s died in %s, took %d from here, and the server never heard of it", c.t.name, c.step.Do, id, gone)
		}
	}
}

// alsoNamed tells whether another deletion on the device may have taken a text.
func (w *world) alsoNamed(c *call, text string) bool {
	for _, o := range w.calls {
		if o != c && o.d == c.d && o.scope != "" && o.scope != "remote" && (slices.Contains(o.targets, text) || slices.Contains(o.perhaps, text)) {
			return true
		}
	}
	return false
}

// checkSends is I8 for messages: each is there once, or was taken back, or refused with an event; and in order.
func (w *world) checkSends() {
	last := map[string]*call{}
	for _, c := range w.calls {
		if c.text == "" {
			continue
		}
		p, there := w.model.places[c.text]
		_, gone := c.d.gone[c.text]
		switch {
		case there || !c.resolved():
		case !c.pending:
			w.fail("I2: %s's %s is said to be sent, and is not there", c.t.name, c.text)
		case c.life == c.d.life && !gone && !c.d.perhaps[c.text] && !w.model.refused[c.text]:
			w.fail("I8: %s's %s was never sent, and nobody was told", c.t.name, c.text)
		}
		// A device that was wiped is another one: what it had sent may still be on its way.
		key := fmt.Sprint(c.t.name, " ", c.life, " ", c.conversation)
		if before := last[key]; there && before != nil && before.ended < c.started && w.model.places[before.text].seq > p.seq {
			w.fail("I8: %s's %s was overtaken by %s", c.t.name, before.text, c.text)
		}
		if there && c.resolved() {
			last[key] = c
		}
	}
}
