package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// Two tabs of one device and the server's pushes to both race for the same database. Whoever stores first, each tab tells
// its app of each change once; of how a deletion ended one that did not make it only if it knew of it before.
func TestEachTabTellsEachChangeOnce(t *testing.T) {
	const n = 20
	w := newWorld(t)
	b := w.device("userB").login()
	one := w.device("userA").login()
	two := one.another().login()
	var sent []sdk.Message
	for i := 0; i < 2*n; i++ {
		sent = append(sent, b.send("C2C", "userA", fmt.Sprintf("m%d", i)))
	}
	both := func(what, event string, times int) {
		t.Helper()
		for _, tab := range []*device{one, two} {
			w.soon(what, func() bool { return tab.count(event) >= times })
		}
		time.Sleep(50 * time.Millisecond) // a second telling would come now
		require.Equal(t, times, one.count(event), what)
		require.Equal(t, times, two.count(event), what)
	}
	both("messages", sdk.EventMessageReceived, 2*n)
	for _, m := range sent[:n] {
		_, err := b.revoke(m.ID)
		require.NoError(t, err)
	}
	both("recalls", sdk.EventMessageRevoked, n)
	for i, m := range sent[n:] {
		tab, scope := one, "both"
		if i%2 == 0 {
			tab, scope = two, "local"
		}
		release := one.lines.hold(wire.OpDelete) // which leads, and sends for both
		require.NoError(t, tab.deleteIDs(scope, m.ID))
		// Pokes that come together are heard as one, and tell of several messages at once: one by one they can be counted.
		w.soon("the other tab hears of it", func() bool {
			return one.count(sdk.EventMessageDeleted) == i+1 && two.count(sdk.EventMessageDeleted) == i+1
		})
		if scope == "both" {
			w.soon("it has not left", func() bool { return one.lines.holds(wire.OpDelete) == 1 })
		}
		release()
	}
	both("deletions", sdk.EventMessageDeleted, n)
	both("acknowledgements", sdk.EventDeletionAcknowledged, n/2)
	_, err := one.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2CuserB"}})
	require.NoError(t, err)
	both("the conversation", sdk.EventConversationDeleted, 1)
}

func (d *device) deleteIDs(scope string, ids ...string) error {
	r := &sdk.DeleteMessagesRequest{Scope: scope}
	for _, id := range ids {
		r.IDs = append(r.IDs, sdk.MessageRef{ID: id})
	}
	out, err := d.DeleteMessages(d.w.ctx, r)
	if err == nil && scope == "remote" && out.Server != "acknowledged" {
		err = fmt.Errorf("it is %s", out.Server)
	}
	return err
}

// threeTabs are three tabs of one device, the first of which leads, in a conversation of n messages with userB.
func threeTabs(t *testing.T, n int) (w *world, b *device, tabs [3]*device, sent []sdk.Message) {
	w = newWorld(t)
	b = w.device("userB").login()
	tabs[0] = w.device("userA").login()
	tabs[1] = tabs[0].another().login()
	tabs[2] = tabs[0].another().login()
	for i := range n {
		sent = append(sent, b.send("C2C", "userA", fmt.Sprintf("m%d", i)))
	}
	for _, tab := range tabs {
		w.soon("all are here", func() bool { return len(tab.page("C2CuserB")) == n })
	}
	return w, b, tabs, sent
}

func (w *world) each(tabs [3]*device, event string, times int, what string) {
	w.t.Helper()
	for i, tab := range tabs {
		w.soon(fmt.Sprintf("tab %d: %s %s", i, what, event), func() bool { return tab.count(event) >= times })
		require.Equal(w.t, times, tab.count(event), "tab %d: %s %s", i, what, event)
	}
}

func TestOneTabSendsForAll(t *testing.T) {
	w, b, tabs, sent := threeTabs(t, 9)
	for i, tab := range tabs {
		require.NoError(t, tab.deleteIDs("remote", sent[i].ID))
		require.NoError(t, tab.deleteIDs("both", sent[3+i].ID))
		m := tab.send("C2C", "userB", fmt.Sprintf("of tab %d", i))
		require.Equal(t, "success", m.Status)
		require.NotZero(t, m.Seq)
		_, err := tab.SetMessageRead(w.ctx, &sdk.ConversationRequest{ConversationID: "C2CuserB"})
		require.NoError(t, err)
	}
	w.soon("the other side has them", func() bool { return len(b.page("C2CuserA")) == 12 })
	for i, tab := range tabs {
		w.soon("it is told what became of its own", func() bool {
			return tab.count(sdk.EventDeletionAcknowledged) >= 2 && tab.count(sdk.EventMessageSent) >= 1
		})
		w.soon("the server knows", func() bool { return len(tab.remote("C2CuserB")) == 6 })
		require.Len(t, tab.page("C2CuserB"), 9)
		require.Equal(t, texts(tabs[0].page("C2CuserB")), texts(tab.page("C2CuserB")))
		require.Equal(t, 9+3, tab.count(sdk.EventMessageReceived)+tab.count(sdk.EventMessageSent),
			"tab %d is told of each message once, as received or as sent", i)
		for operation, times := range map[string]int{wire.OpDelete: 6, wire.OpSend: 3} {
			if i > 0 {
				times = 0
			}
			require.Equal(t, times, tab.lines.count(operation), "tab %d: %s", i, operation)
		}
	}
}

func TestRefusalsReachTheTabThatAsked(t *testing.T) {
	w, _, tabs, sent := threeTabs(t, 3)
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userA", "userB"}})
	for _, tab := range tabs {
		w.soon("the group is known", func() bool { return len(tab.list()) == 2 })
	}
	w.set(map[string]any{"cloudHistory.enabled": false})
	for i, tab := range tabs {
		require.Equal(t, wire.StorageNotEnabled, wire.CodeOf(tab.deleteIDs("remote", sent[i].ID)), "tab %d", i)
		w.soon("it is told, too", func() bool { return tab.count(sdk.EventDeletionRefused) >= 1 })
		for _, said := range tab.said[sdk.EventDeletionRefused] {
			require.Contains(t, said, fmt.Sprintf(`"code":%d`, wire.StorageNotEnabled))
		}
	}
	for _, tab := range tabs {
		tab.setOnline(false)
	}
	w.admin("/v1/groups/g/members", map[string]any{"remove": []string{"userA"}})
	m := tabs[1].send("GROUP", "g", "too late")
	require.Equal(t, "unSend", m.Status)
	for _, tab := range []int{2, 1, 0} { // who connects first leads
		tabs[tab].setOnline(true)
		w.soon("it is connected", func() bool { return tabs[tab].states()["connected"] == 2 })
	}
	w.each(tabs, sdk.EventMessageFailed, 1, "one failure")
	for i, tab := range tabs {
		require.Contains(t, tab.said[sdk.EventMessageFailed][0], fmt.Sprintf(`"code":%d`, wire.PermissionDenied), "tab %d", i)
		require.Equal(t, "fail", tab.page("GROUPg")[0].Status)
	}
	require.Zero(t, tabs[0].lines.count(wire.OpSend))
}

func TestSendsAreCancelledFromAnyTab(t *testing.T) {
	w, b, tabs, _ := threeTabs(t, 1)
	tabs[0].freeze() // it leads, and nothing leaves
	answer := make(chan error, 1)
	go func() {
		_, err := tabs[1].SendMessage(w.ctx, &sdk.SendMessageRequest{ConversationType: "C2C", To: "userB", Type: wire.TypeText, Payload: payload("never")})
		answer <- err
	}()
	var unsent string
	w.soon("the third tab shows it", func() bool {
		page := tabs[2].page("C2CuserB")
		unsent = page[len(page)-1].ID
		return len(page) == 2
	})
	require.NoError(t, tabs[2].deleteIDs("both", unsent))
	require.Equal(t, wire.SendCancelled, wire.CodeOf(<-answer))
	// A tab that was just about to look at what is owed may have taken the message up before it froze altogether. Then it leaves
	// before what takes it back: the other has it, and nobody here.
	left := tabs[0].lines.holds(wire.OpSend)
	w.soon("whose app is told that it has gone", func() bool { return tabs[1].count(sdk.EventMessageDeleted) == 1 })
	tabs[0].thaw()
	w.soon("nothing is owed", func() bool { return tabs[0].owes("C2CuserB") == 0 })
	require.Len(t, b.remote("C2CuserA"), 1+left)
	require.Len(t, tabs[0].remote("C2CuserB"), 1)
	require.Len(t, tabs[0].page("C2CuserB"), 1)
}

// What a page shows can be deleted, also by a tab that has not heard yet of the one that sent or received it.
func TestATabDeletesWhatItHasNotHeardOf(t *testing.T) {
	_, b, tabs, _ := threeTabs(t, 1)
	deaf := tabs[2]
	deaf.tab.Freeze() // it hears nothing of its neighbours
	defer deaf.tab.Thaw()
	sent := tabs[0].send("C2C", "userB", "sent")
	require.NotZero(t, sent.Seq)
	for _, tab := range tabs { // the deaf one too: else it leads, and may send what it is to delete
		tab.setOnline(false)
	}
	unsent := tabs[1].send("C2C", "userB", "unsent")
	require.Equal(t, "unSend", unsent.Status)
	require.Len(t, deaf.page("C2CuserB"), 3)
	for left, id := range []string{unsent.ID, sent.ID} {
		require.NoError(t, deaf.deleteIDs("both", id))
		require.Len(t, deaf.page("C2CuserB"), 2-left)
	}
	require.Equal(t, wire.MessageNotFound, wire.CodeOf(deaf.deleteIDs("both", sent.ID+"9")))
	require.Len(t, b.remote("C2CuserA"), 2)
}

func (d *device) owes(conversationID string) uint32 {
	d.w.t.Helper()
	r, err := d.InspectConversation(d.w.ctx, &sdk.ConversationRequest{ConversationID: conversationID})
	require.NoError(d.w.t, err)
	return r.Outbox
}

// The tab that leads goes away, with deletions of its own and of another one under way. The next one delivers them.
func TestTheLeaderGoes(t *testing.T) {
	for _, c := range []struct {
		name   string
		ends   func(leader *device)
		back   func(leader *device)
		stolen bool // the others must notice that it is silent; else its lock is free
	}{
		{"closed", func(l *device) { l.thaw(); l.leave() }, nil, false},
		{"killed", (*device).die, nil, false},
		{"frozen", func(*device) {}, (*device).thaw, true},
		{"off the network", func(l *device) { l.thaw(); l.setOnline(false) }, func(l *device) { l.setOnline(true) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, _, tabs, sent := threeTabs(t, 8)
			tabs[0].freeze()
			own, err := tabs[0].DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: sent[0].ID}, {ID: sent[1].ID}}})
			require.NoError(t, err)
			answers := make(chan error, 2)
			for i := 1; i <= 2; i++ {
				go func() { answers <- tabs[i].deleteIDs("remote", sent[1+i].ID) }()
			}
			c.ends(tabs[0])
			require.NoError(t, <-answers)
			require.NoError(t, <-answers)
			require.Equal(t, c.stolen, tabs[0].tabs.Steals() > 0)
			w.soon("the server has heard of all", func() bool { return len(tabs[1].remote("C2CuserB")) == 4 })
			w.soon("nothing is owed", func() bool { return tabs[1].owes("C2CuserB") == 0 })
			if c.back == nil {
				return
			}
			c.back(tabs[0])
			if c.name == "frozen" {
				// Of the others' it may hear, too: it looks into the database while it hears no pokes.
				w.soon("it hears what became of its own", func() bool { return tabs[0].acknowledged(own.OpID) > 0 })
			} else {
				w.soon("it is connected", func() bool { return tabs[0].states()["connected"] == 2 })
			}
			before := tabs[0].lines.count(wire.OpDelete)
			require.NoError(t, tabs[0].deleteIDs("remote", sent[7].ID))
			require.Equal(t, before, tabs[0].lines.count(wire.OpDelete), "another one leads now")
			require.Len(t, tabs[0].remote("C2CuserB"), 3)
			require.Equal(t, 1, tabs[0].acknowledged(own.OpID))
		})
	}
}

// acknowledged is how often the app was told that the server has an operation.
func (d *device) acknowledged(opID string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, said := range d.said[sdk.EventDeletionAcknowledged] {
		if strings.Contains(said, opID) {
			n++
		}
	}
	return n
}

// Whatever is lost of the pokes, nothing is lost of what they tell.
func TestPokesGetLost(t *testing.T) {
	t.Parallel()
	w, _, tabs, sent := threeTabs(t, 4)
	tabs[1].tab.Mute(true)
	require.NoError(t, tabs[1].deleteIDs("remote", sent[0].ID), "the one that leads does not hear of it")
	tabs[1].tab.Mute(false)
	for _, tab := range tabs {
		tab.tab.Mute(true)
	}
	require.NoError(t, tabs[2].deleteIDs("remote", sent[1].ID), "nobody hears anything")
	require.NoError(t, tabs[2].deleteIDs("both", sent[2].ID))
	w.soon("the server knows", func() bool { return len(tabs[2].remote("C2CuserB")) == 1 })
}

// A tab dies between its commit and its poke: the others show no longer what it has deleted.
func TestATabDiesBeforeItTells(t *testing.T) {
	t.Parallel()
	w, _, tabs, sent := threeTabs(t, 4)
	time.Sleep(50 * time.Millisecond) // a poke of the messages that came later would tell of the deletion too
	for _, tab := range tabs {        // the others too, of which each looks for itself
		tab.tab.Mute(true)
	}
	require.NoError(t, tabs[1].deleteIDs("local", sent[3].ID))
	tabs[1].die()
	for _, tab := range []*device{tabs[0], tabs[2]} {
		tab.setOnline(false)
		tab.setOnline(true)
		w.soon("it has looked for itself", func() bool {
			c := tab.conversation("C2CuserB")
			return c.UnreadCount == 3 && c.LastMessage.MessageForShow == "m2" && tab.count(sdk.EventMessageDeleted) == 1
		})
	}
}

func TestTwoTabsDeleteTheSame(t *testing.T) {
	w, b, tabs, sent := threeTabs(t, 20)
	ids := make([]string, len(sent))
	for i, m := range sent {
		ids[i] = m.ID
	}
	var calls sync.WaitGroup
	all := func(call func(tab *device) error) {
		for _, tab := range tabs {
			calls.Add(1)
			go func() {
				defer calls.Done()
				if err := call(tab); err != nil {
					t.Error(err)
				}
			}()
		}
		calls.Wait()
	}
	all(func(tab *device) error { return tab.deleteIDs("both", ids[15:]...) })
	for _, tab := range tabs {
		w.soon("both agree", func() bool {
			c := tab.conversation("C2CuserB")
			return len(tab.page("C2CuserB")) == 15 && c.UnreadCount == 15 && c.LastMessage.MessageForShow == "m14"
		})
		w.soon("the server agrees", func() bool { return len(tab.remote("C2CuserB")) == 15 })
		require.Equal(t, 1, tab.count(sdk.EventMessageDeleted))
	}
	all(func(tab *device) error {
		_, err := tab.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2CuserB"}})
		return err
	})
	for _, tab := range tabs {
		w.soon("it is gone", func() bool { return len(tab.list()) == 0 && len(tab.page("C2CuserB")) == 0 })
		w.soon("from the server too", func() bool { return len(tab.remote("C2CuserB")) == 0 })
	}
	b.send("C2C", "userA", "anew")
	for _, tab := range tabs {
		w.soon("a newer message is alone", func() bool {
			return len(tab.page("C2CuserB")) == 1 && tab.conversation("C2CuserB").UnreadCount == 1
		})
		require.Equal(t, 1, tab.count(sdk.EventConversationDeleted))
	}
}

// Somebody deletes the database under two tabs: both say so, every call has its end, and logging in again is a new device that
// shows nothing of what was deleted.
func TestTheDatabaseIsDeletedUnderTheTabs(t *testing.T) {
	w, _, tabs, sent := threeTabs(t, 10)
	require.NoError(t, tabs[1].deleteIDs("both", sent[0].ID, sent[5].ID))
	w.soon("the server knows", func() bool { return len(tabs[1].remote("C2CuserB")) == 8 })
	before := tabs[0].loggedIn()
	for _, tab := range tabs {
		tab.broken = true
	}
	tabs[0].freeze() // so that a call waits
	answer := make(chan error, 1)
	go func() { answer <- tabs[1].deleteIDs("remote", sent[1].ID) }()
	w.soon("it waits", func() bool { return tabs[1].owes("C2CuserB") == 1 })
	require.NoError(t, tabs[0].store.Reopen().Destroy(context.Background()))
	for _, tab := range tabs {
		tab.lost()
	}
	require.Equal(t, wire.StorageLost, wire.CodeOf(<-answer))
	for i, tab := range tabs {
		w.soon("it says so", func() bool { return tab.count(sdk.EventError) == 1 })
		require.Contains(t, tab.said[sdk.EventError][0], fmt.Sprintf(`"code":%d`, wire.StorageLost), "tab %d", i)
		_, err := tab.GetConversationList(w.ctx, &sdk.Nothing{})
		require.Equal(t, wire.StorageLost, wire.CodeOf(err))
		require.Equal(t, wire.StorageLost, wire.CodeOf(tab.deleteIDs("both", sent[2].ID)))
		_, err = tab.Logout(w.ctx, &sdk.LogoutRequest{Wipe: sdk.WipeSend})
		require.Equal(t, wire.StorageLost, wire.CodeOf(err))
	}
	tabs[0].thaw()
	fresh := tabs[1]
	r, err := fresh.Login(w.ctx, &sdk.LoginRequest{UserID: "userA", Token: w.token("userA", "")})
	require.NoError(t, err)
	require.NotEqual(t, before, r.DeviceID, "a new device")
	require.Len(t, fresh.page("C2CuserB"), 8)
	require.NoError(t, fresh.deleteIDs("remote", sent[2].ID))
	_, err = tabs[2].Logout(w.ctx, &sdk.LogoutRequest{})
	require.NoError(t, err)
}

func (d *device) loggedIn() string {
	d.w.t.Helper()
	r, err := d.Login(d.w.ctx, &sdk.LoginRequest{UserID: d.user, Token: d.w.token(d.user, "")})
	require.NoError(d.w.t, err)
	return r.DeviceID
}
