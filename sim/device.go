package sim

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/tabs"
)

// device is one browser profile of a user: a database and a keyring, which outlive its tabs.
type device struct {
	w       *world
	name    string
	user    string
	disk    *disk
	ring    *ring
	keyless bool // the platform has no keyring
	speaks  age
	skew    skew // of its clock
	cutOff  bool // partitioned from the server
	tabs    []*tab
	tabN    int
	locks   *tabs.Memory

	life int             // rises when the storage is lost: a new device
	seen map[string]bool // texts that the device has shown, and has in its database
	sent map[string]bool // … and has shown with their place in the log
	gone map[string]int  // texts that a call has deleted here, and since when
	by   map[string]*tab // … and which tab's call it was
	// perhaps are texts that a call with an unknown outcome, or with an unknown anchor, may have deleted here.
	perhaps map[string]bool
	// By conversation: the seq below which a call may have hidden it; and through which calls have read it by deleting, at least
	// and at most.
	hiddenAt, readLeast, readMost map[string]uint64
}

func newDevice(w *world, user string, n int) *device {
	d := &device{w: w, name: fmt.Sprintf("%s%d", user, n), user: user, disk: newDisk(w), ring: newRing(w), locks: tabs.NewMemory()}
	d.forget()
	return d
}

// forget is what a device that has lost its storage knows. Whoever calls it holds the books.
func (d *device) forget() {
	d.life++
	d.seen, d.sent = map[string]bool{}, map[string]bool{}
	d.by = map[string]*tab{}
	d.gone, d.perhaps = map[string]int{}, map[string]bool{}
	for _, t := range d.tabs {
		t.told, t.numbers = map[string]int{}, map[string]uint64{} // a new device numbers anew
	}
	d.hiddenAt, d.readLeast, d.readMost = map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
}

// tab is one page that the device has open.
type tab struct {
	process
	device    *device
	client    *sdk.Client
	numbers   map[string]uint64 // messageIDs by text
	order     []string          // texts sent, in the order of the calls
	*tabs.Tab                   // its end of the device's locks
	heard     func(tabs.Poke)   // what a neighbour's poke calls
	told      map[string]int    // texts of which the tab was told that they have left the view, and since when
	life      int               // the device's when the tab was opened
	on        string            // the node that it was connected to last
}

// openTab opens a page; login is a call of its own.
func (d *device) openTab() *tab {
	d.tabN++
	t := &tab{process: process{w: d.w, name: fmt.Sprintf("%s.%d", d.name, d.tabN)}, device: d, Tab: d.locks.Tab(), numbers: map[string]uint64{}, told: map[string]int{}, life: d.life}
	d.tabs = append(d.tabs, t)
	options := sdk.Options{
		OpenStore: func(context.Context, string, func()) (kv.Store, string, error) {
			return d.disk.open(&t.process), "indexeddb", nil
		},
		Dial:   t.dial,
		Emit:   t.emit,
		Tabs:   t,
		Now:    func() time.Time { return time.Now().Add(d.skew.now()) },
		Random: func() float64 { return 0.5 },
	}
	if !d.keyless {
		options.OpenKeyring = func(context.Context, string) (keyring.File, error) { return d.ring.open(&t.process), nil }
	}
	t.client = sdk.New(options)
	if _, err := t.client.Open(context.Background(), &sdk.OpenRequest{URL: "ws://sim", AppID: app}); err != nil {
		d.w.fail("open: %v", err)
	}
	return t
}

// Join is the BroadcastChannel: pokes reach the other tabs some time later.
func (t *tab) Join(_ string, heard func(tabs.Poke)) (poke func(tabs.Poke), leave func()) {
	t.hear(heard)
	return func(p tabs.Poke) {
		for _, o := range t.device.tabs {
			if o == t || o.hears() == nil || t.dead.Load() {
				continue
			}
			o.w.later(o.name+" poke", nil, func() {
				if heard := o.hears(); heard != nil && !o.dead.Load() {
					heard(p)
				}
			})
		}
	}, func() { t.hear(nil) }
}

func (t *tab) hear(heard func(tabs.Poke)) {
	t.w.books.Lock()
	defer t.w.books.Unlock()
	t.heard = heard
}

func (t *tab) hears() func(tabs.Poke) {
	t.w.books.Lock()
	defer t.w.books.Unlock()
	return t.heard
}

// broken tells whether the tab's database was taken away under it: a page is loaded again then.
func (t *tab) broken() bool {
	return t.life != t.device.life
}

// die ends a tab, as closing or crashing it does: the server hears of it, or not.
func (t *tab) die(told bool) {
	w := t.w
	w.kill(&t.process)
	t.device.tabs = slices.DeleteFunc(t.device.tabs, func(o *tab) bool { return o == t })
	t.Kill() // which lets others go on
	for _, l := range w.links {
		if l.tab != t {
			continue
		}
		if told {
			l.up.put(parcel{end: true, code: abnormal})
		} else {
			l.up.lose()
		}
		l.down.end(abnormal)
	}
	w.bury(t.client)
	w.tell("%s is gone", t.name)
}

// bury ends the goroutines of a client that is dead: it can do nothing any more, but it does not know.
func (w *world) bury(c *sdk.Client) {
	for range 1000 {
		over := make(chan error, 1)
		go func() {
			_, err := c.Logout(context.Background(), &sdk.LogoutRequest{})
			over <- err
		}()
		if err := <-over; err == nil || codeOf(err) == "NOT_READY" && !isBusy(err) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.fail("I8: a dead client does not end")
}

// powerCut ends all tabs of a device and takes what had not reached the disk.
func (d *device) powerCut(kept int) {
	for len(d.tabs) > 0 {
		d.tabs[0].die(false)
	}
	d.disk.cut(kept)
	d.ring.cut(func() bool { return d.w.rng.IntN(2) == 0 })
	d.seen, d.sent = map[string]bool{}, map[string]bool{} // what is shown again is there
}

var (
	texts     = regexp.MustCompile(`«[^»]*»`)
	operation = regexp.MustCompile(`[0-9a-f]{32}`)
)

// emit takes an event from the client.
func (t *tab) emit(event string, data []byte) {
	if t.dead.Load() {
		return
	}
	d := t.device
	d.w.books.Lock()
	defer d.w.books.Unlock()
	switch event {
	case sdk.EventMessageReceived, sdk.EventMessageSent, sdk.EventMessageRevoked:
		for _, text := range texts.FindAll(data, -1) {
			t.shows(string(text), d.w.step(), event)
			d.seen[string(text)], d.sent[string(text)] = true, true
		}
	case sdk.EventMessageFailed:
		for _, text := range texts.FindAll(data, -1) {
			d.w.model.refused[string(text)] = true
		}
	case sdk.EventMessageDeleted, sdk.EventHistoryCleared:
		t.left(data)
	case sdk.EventDeletionRefused:
		d.w.model.deletionsRefused[string(operation.Find(data))] = true
	case sdk.EventError:
		t.w.tell("%s reports %q", t.name, data)
	}
	if t.w.telling {
		t.w.tell("%s: %s %s", t.name, event, texts.FindAll(data, -1))
	}
}

// left notes what the tab is told to have left its view.
func (t *tab) left(data []byte) {
	event, _, err := msgp.ReadMapStrIntfBytes(data, nil)
	if err != nil {
		t.w.fail("I8: %s is told something that cannot be read: %v", t.name, err)
		return
	}
	id, _ := event["conversationID"].(string)
	l := t.w.model.logs[t.w.model.view(t.device.user, id).log]
	if l == nil {
		return
	}
	through := whole(event["through"])
	seqs, _ := event["seqs"].([]any)
	for i := range l.messages {
		seq := uint64(i + 1)
		if seq <= through || slices.ContainsFunc(seqs, func(x any) bool { return whole(x) == seq }) {
			t.told[l.messages[i].text] = t.w.step()
		}
	}
}

// whole is a number as MessagePack gives it.
func whole(x any) uint64 {
	switch n := x.(type) {
	case int64:
		return uint64(n)
	case uint64:
		return n
	}
	return 0
}

// shows checks that what is shown was not deleted before.
func (t *tab) shows(text string, since int, where string) {
	if at, gone := t.told[text]; gone && at < since {
		t.w.fail("I3: %s shows %s again, said to be gone at step %d: %s", t.name, text, at, where)
	}
	if at, gone := t.device.gone[text]; gone && at < since {
		t.w.fail("I3: %s shows %s again, deleted at step %d: %s", t.name, text, at, where)
	}
}
