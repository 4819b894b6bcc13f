package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// call is one call of the API under way, and what became of it.
type call struct {
	w       *world
	t       *tab
	d       *device
	step    Step
	n       int
	started int // the world's step, as it was then
	ended   int // … and when it was over
	life    int // the device's
	done    bool
	lost    bool // the tab died first: nobody knows the outcome
	err     error

	conversation string
	text         string   // of a send
	pending      bool     // a send that resolved before it was sent
	scope        string   // of a deletion
	targets      []string // texts that a deletion names for sure
	placed       []string // those of all that there is whose seq the device knew: it deletes, and reads, through these at least
	perhaps      []string // and those that it may have named besides, or that it names if it has any effect
	whole        bool     // a deletion of all that there is
	before       int64    // … that was sent before
	upTo         uint64   // … up to a seq
	hides        bool
	opIDs        []string // operations that the server is owed
	onServer     bool     // some target was sent
}

// begin starts a call in a tab.
func (w *world) begin(t *tab, s Step) {
	w.books.Lock()
	defer w.books.Unlock()
	c := &call{w: w, t: t, d: t.device, step: s, n: len(w.calls) + 1, started: w.step(), life: t.device.life}
	w.calls = append(w.calls, c)
	go func() {
		w.books.Lock()
		defer w.books.Unlock()
		err := kinds[s.Do].call(c)
		c.err, c.done, c.lost, c.ended = err, true, t.dead.Load(), w.step()
		if c.lost || err == nil {
			c.outcome()
		}
		w.tell("%s %s is over: %v", t.name, s.Do, err)
		if err == nil && !c.lost {
			w.bite(s.Do)
		}
		if err != nil && !c.lost {
			var own *wire.Error
			if !errors.As(err, &own) {
				w.fail("I8: %s %s fails without a code: %v", t.name, s.Do, err)
			} else if own.Code == wire.Internal || own.Code == wire.StorageFailed {
				w.fail("I8: %s %s fails with %s: %v (%v)", t.name, s.Do, own.Code.Name(), err, own.Err)
			}
		}
	}()
}

// asking calls a method of the client. The books are let go meanwhile.
func asking[R, A any](c *call, method func(context.Context, R) (A, error), r R) (A, error) {
	c.w.books.Unlock()
	defer c.w.books.Lock()
	return method(ctx, r)
}

// resolved tells that the caller was told of success.
func (c *call) resolved() bool { return c.done && !c.lost && c.err == nil }

func codeOf(err error) string { return wire.CodeOf(err).Name() }

func isBusy(err error) bool { return strings.Contains(err.Error(), "under way") }

var ctx = context.Background()

func login(c *call) error {
	_, err := asking(c, c.t.client.Login, &sdk.LoginRequest{UserID: c.d.user, Token: c.w.token(c.d.user)})
	return err
}

func logout(c *call) error {
	_, err := asking(c, c.t.client.Logout, &sdk.LogoutRequest{})
	return err
}

func wipe(c *call) error { return c.wipe(sdk.WipeSend) }

func wipeForce(c *call) error { return c.wipe(sdk.WipeForce) }

func (c *call) wipe(how sdk.Wipe) error {
	keys := c.d.ring.life
	r, err := asking(c, c.t.client.Logout, &sdk.LogoutRequest{Wipe: how})
	wiped := err == nil && r.Wiped && !c.t.dead.Load()
	half := c.t.dead.Load() && keys != c.d.ring.life // the tab died when it had destroyed the keys: nothing can be read any more
	if half {
		c.w.bite("death while wiping")
	}
	if c.life == c.d.life && (wiped || half) {
		c.d.forget()
	}
	return err
}

// where picks one of the user's conversations.
func (c *call) where(n int) string {
	users := c.w.userNames()
	n %= len(users) + 3
	switch {
	case n < len(users):
		c.conversation = "C2C" + users[n]
	case n == len(users):
		c.conversation = "GROUPg1"
	default:
		c.conversation = "GROUPg0"
	}
	return c.conversation
}

func send(c *call) error {
	id := c.where(c.step.A)
	kind, to := "C2C", strings.TrimPrefix(id, "C2C")
	if g, ok := strings.CutPrefix(id, "GROUP"); ok {
		kind, to = "GROUP", g
	}
	c.text = fmt.Sprintf("«%s#%d»", c.t.name, c.n)
	r := &sdk.SendMessageRequest{ConversationType: kind, To: to, Type: wire.TypeText, Payload: payload(c.text)}
	if c.step.B%8 == 0 {
		if known := c.known(func(seq uint64, _ int64) bool { return seq > 0 }); len(known) > 0 {
			r.Quote = &sdk.MessageKey{ID: c.idOf(known[c.step.B%len(known)])}
		}
	}
	c.t.order = append(c.t.order, c.text)
	out, err := asking(c, c.t.client.SendMessage, r)
	if err != nil {
		return err
	}
	c.pending = out.Message.Status == "unSend"
	if c.life == c.d.life && !c.t.dead.Load() {
		c.d.seen[c.text], c.d.sent[c.text] = true, !c.pending
		c.t.numbers[c.text] = out.Message.MessageID
	}
	return nil
}

func page(c *call) error {
	id := c.where(c.step.A)
	next := ""
	for range 1 + c.step.B%3 {
		since := c.w.step()
		r, err := asking(c, c.t.client.GetMessageList, &sdk.MessageListRequest{
			ConversationID: id, Count: sdk.Number(1 + c.step.B%30), NextReqMessageID: next,
		})
		if err != nil {
			return err
		}
		c.shown(r.MessageList, since, true)
		if next = r.NextReqMessageID; next == "" {
			break
		}
	}
	return nil
}

// shown takes note of messages that a call has returned.
func (c *call) shown(list []sdk.Message, since int, here bool) {
	for i := range list {
		text := textOf(list[i].Payload)
		if text == "" || c.t.dead.Load() || c.life != c.d.life {
			continue
		}
		if here {
			c.t.shows(text, since, "getMessageList")
			c.d.seen[text], c.d.sent[text] = true, list[i].Seq > 0
			c.t.numbers[text] = list[i].MessageID
		}
	}
}

func remote(c *call) error {
	_, err := asking(c, c.t.client.FetchRemoteHistory, &sdk.MessageListRequest{ConversationID: c.where(c.step.A), Count: 20})
	return err
}

func list(c *call) error {
	since := c.w.step()
	r, err := asking(c, c.t.client.GetConversationList, nil)
	if err != nil || c.t.dead.Load() {
		return err
	}
	for _, x := range r.ConversationList {
		if x.LastMessage != nil {
			// Another tab's memory follows when it is poked.
			if text := textOf(x.LastMessage.Payload); c.d.by[text] == nil || c.d.by[text] == c.t {
				c.t.shows(text, since, "getConversationList")
			}
		}
	}
	return nil
}

func read(c *call) error {
	_, err := asking(c, c.t.client.SetMessageRead, &sdk.ConversationRequest{ConversationID: c.where(c.step.A)})
	return err
}

func draft(c *call) error {
	_, err := asking(c, c.t.client.SetDraft, &sdk.SetDraftRequest{ConversationID: c.where(c.step.A), Draft: "draft"})
	return err
}

func revoke(c *call) error {
	c.where(c.step.A)
	known := c.known(func(seq uint64, _ int64) bool { return seq > 0 })
	known = slices.DeleteFunc(known, func(text string) bool { return !strings.HasPrefix(text, "«"+c.d.user) })
	if len(known) == 0 {
		return wire.Errorf(wire.MessageNotFound, "nothing to revoke")
	}
	_, err := asking(c, c.t.client.RevokeMessage, &sdk.RevokeMessageRequest{ID: c.idOf(known[c.step.B%len(known)])})
	return err
}

func group(n int) string { return []string{"g0", "g1"}[n%2] }

func join(c *call) error {
	_, err := asking(c, c.t.client.JoinGroup, &sdk.GroupRequest{GroupID: group(c.step.A)})
	return err
}

func quit(c *call) error {
	_, err := asking(c, c.t.client.QuitGroup, &sdk.GroupRequest{GroupID: group(c.step.A)})
	return err
}

func offline(c *call) error {
	_, err := asking(c, c.t.client.SetOnline, &sdk.OnlineRequest{})
	return err
}

func online(c *call) error {
	_, err := asking(c, c.t.client.SetOnline, &sdk.OnlineRequest{Online: true})
	return err
}

// known are the texts of the call's conversation that the device has shown and the model finds there, oldest first; want is
// asked with seq 0 for those that were not sent.
func (c *call) known(want func(seq uint64, at int64) bool) (found []string) {
	for text := range c.d.seen {
		p, ok := c.w.model.places[text]
		switch {
		case ok && p.log == c.w.model.view(c.d.user, c.conversation).log:
			if c.d.sent[text] && want(p.seq, p.time) || !c.d.sent[text] && want(0, 0) {
				found = append(found, text)
			}
		case !ok && c.w.sentTo(text) == c.conversation && strings.HasPrefix(text, "«"+c.d.user) && want(0, 0):
			found = append(found, text)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		x, y := c.w.model.places[a].seq, c.w.model.places[b].seq
		if x != y {
			return int(int64(x) - int64(y))
		}
		return strings.Compare(a, b)
	})
	return found
}

// idOf is a sent message's ID.
func (c *call) idOf(text string) string {
	p := c.w.model.places[text]
	return fmt.Sprintf("%016x-%d", p.log, p.seq)
}

// sentTo is where a send of a text went.
func (w *world) sentTo(text string) string {
	for _, c := range w.calls {
		if c.text == text {
			return c.conversation
		}
	}
	return ""
}
