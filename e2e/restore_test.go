package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/server/sqlstore"
)

func (w *world) backup() (file string) {
	w.t.Helper()
	file = filepath.Join(w.t.TempDir(), "backup.db")
	require.NoError(w.t, sqlstore.Backup(w.ctx, w.file, file))
	return file
}

// restore loses the store and goes on from a backup. Devices are away meanwhile.
func (w *world) restore(from string, o sqlstore.Restoring) sqlstore.Restored {
	w.t.Helper()
	w.down()
	o.Now = time.Now()
	r, err := sqlstore.Restore(w.ctx, from, w.file, o)
	require.NoError(w.t, err)
	w.up()
	return r
}

func (d *device) deleteMessages(scope string, id string, indexes ...int) {
	d.w.t.Helper()
	page := d.page(id)
	r := &sdk.DeleteMessagesRequest{Scope: scope}
	for _, i := range indexes {
		r.IDs = append(r.IDs, sdk.MessageRef{ID: page[i].ID})
	}
	_, err := d.DeleteMessages(d.w.ctx, r)
	require.NoError(d.w.t, err)
}

func (d *device) deleteConversation(id string) {
	d.w.t.Helper()
	_, err := d.DeleteConversation(d.w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{id}})
	require.NoError(d.w.t, err)
}

// away and back are a connection that is lost while the server is.
func away(devices ...*device) {
	for _, d := range devices {
		d.setOnline(false)
	}
}

func back(devices ...*device) {
	for _, d := range devices {
		d.setOnline(true)
	}
	for _, d := range devices {
		d.w.soon("it is back", func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			nets := d.said[sdk.EventNetState]
			last := nets[len(nets)-1]
			return strings.Contains(last, "connected") && !strings.Contains(last, "disconnected")
		})
	}
}

// A backup from before a deletion is restored: the device that deleted says it again, so that nothing comes back, there or
// anywhere else. The conversation's name was forgotten with it.
func TestDeletionsOutliveAnOlderBackup(t *testing.T) {
	w := newWorld(t)
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userA", "userB"}})
	first, b := w.device("userA").login(), w.device("userB").login()
	for _, text := range []string{"one", "two", "three", "four", "five"} {
		b.send("C2C", "userA", text)
	}
	b.send("GROUP", "g", "alpha")
	b.send("C2C", "userC", "elsewhere")
	second := w.device("userA").login()
	for _, d := range []*device{first, second} {
		w.soon("both have all", func() bool { return len(d.page("C2CuserB")) == 5 && len(d.page("GROUPg")) == 1 })
	}
	second.leave()
	backup := w.backup()

	first.deleteMessages("both", "C2CuserB", 0)
	first.deleteMessages("remote", "C2CuserB", 0) // "two": gone from the server, kept here
	first.deleteMessages("local", "C2CuserB", 1)  // "three": nobody else's business
	first.deleteConversation("GROUPg")
	_, err := first.SetMessageRead(w.ctx, &sdk.ConversationRequest{ConversationID: "C2CuserB"})
	require.NoError(t, err)
	lost := b.send("C2C", "userA", "after the backup")
	w.soon("the server has all of it", func() bool {
		return len(first.remote("C2CuserB")) == 4 && len(first.remote("GROUPg")) == 0 && len(first.page("C2CuserB")) == 4
	})
	away(first, b)
	w.restore(backup, sqlstore.Restoring{Replace: true})

	// Another device comes first, and sees for now what the server has forgotten to be deleted.
	second.boot()
	second.login()
	require.Equal(t, []string{"one", "two", "three", "four", "five"}, texts(second.page("C2CuserB")))
	require.Len(t, second.list(), 2)

	back(first)
	w.soon("what was deleted on all devices is deleted on the other one again", func() bool {
		return len(second.page("C2CuserB")) == 4 && len(second.page("GROUPg")) == 0
	})
	require.Equal(t, []string{"two", "three", "four", "five"}, texts(second.page("C2CuserB")))
	require.Equal(t, []string{"C2CuserB"}, second.list())
	require.Equal(t, []string{"three", "four", "five"}, texts(second.remote("C2CuserB")), "and on the server, as it was")
	require.Empty(t, second.remote("GROUPg"))
	require.Equal(t, []string{"two", "four", "five", "after the backup"}, texts(first.page("C2CuserB")), "what a device holds it keeps")
	w.soon("the read mark, too", func() bool { return second.conversation("C2CuserB").UnreadCount == 0 })
	third := w.device("userA").login()
	require.Equal(t, []string{"C2CuserB"}, third.list())
	require.Equal(t, []string{"three", "four", "five"}, texts(third.page("C2CuserB")))

	// They go on, above everything that was ever given out.
	back(b)
	next := b.send("C2C", "userA", "six")
	require.Greater(t, next.Seq, lost.Seq)
	for _, d := range []*device{first, second, third} {
		w.soon("it arrives", func() bool { p := texts(d.page("C2CuserB")); return p[len(p)-1] == "six" })
	}
	require.Equal(t, []string{"two", "four", "five", "after the backup", "six"}, texts(first.page("C2CuserB")))
	first.deleteConversation("C2CuserB")
	w.soon("a deletion after that is like any other", func() bool { return len(second.list()) == 0 && len(third.list()) == 0 })
	fresh := b.send("GROUP", "g", "beta")
	require.Greater(t, fresh.Seq, uint64(1))
	w.soon("a new message brings the conversation back, alone", func() bool { return len(second.list()) == 1 })
	require.Equal(t, []string{"beta"}, texts(second.page("GROUPg")))
	require.Equal(t, []string{"alpha", "beta"}, texts(b.page("GROUPg")))
}

// A conversation that was made after the backup is made again: its seqs go on above those of the lost one, on which devices'
// ledgers are.
func TestALogThatWasLostGoesOnAbove(t *testing.T) {
	w := newWorld(t)
	backup := w.backup()
	a, b := w.device("userA").login(), w.device("userB").login()
	for _, text := range []string{"one", "two"} {
		b.send("C2C", "userA", text)
	}
	w.soon("they arrive", func() bool { return len(a.page("C2CuserB")) == 2 })
	a.deleteConversation("C2CuserB")
	w.soon("it is known", func() bool { return len(a.remote("C2CuserB")) == 0 })
	seen := map[uint64]bool{1: true, 2: true}
	for round := range 3 { // the same backup again, and the store that it replaces is not there to be read
		away(a, b)
		w.down()
		require.NoError(t, sqlstore.Remove(w.file))
		_, err := sqlstore.Restore(w.ctx, backup, w.file, sqlstore.Restoring{Now: time.Now(), Gap: uint64(round+1) * sqlstore.RestoreGap})
		require.NoError(t, err)
		w.up()
		back(a, b)
		sent := b.send("C2C", "userA", "again")
		require.False(t, seen[sent.Seq], "seq %d", sent.Seq)
		seen[sent.Seq] = true
		w.soon("it is not mistaken for one that was deleted", func() bool { return len(a.page("C2CuserB")) == round+1 })
	}
}

// Recalls are numbered by log: a restored server gives numbers out again that devices have heard of.
func TestRecallsAfterARestore(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	var sent []sdk.Message
	for _, text := range []string{"one", "two", "three"} {
		sent = append(sent, b.send("C2C", "userA", text))
	}
	w.soon("they arrive", func() bool { return len(a.page("C2CuserB")) == 3 })
	backup := w.backup()
	recall := func(m sdk.Message, want int) {
		_, err := b.RevokeMessage(w.ctx, &sdk.RevokeMessageRequest{ID: m.ID})
		require.NoError(t, err)
		w.soon("it is recalled", func() bool {
			n := 0
			for _, m := range a.page("C2CuserB") {
				if m.IsRevoked {
					n++
				}
			}
			return n == want
		})
	}
	recall(sent[0], 1)
	away(a, b)
	w.restore(backup, sqlstore.Restoring{Replace: true})
	back(a, b)
	recall(sent[1], 2)
	w.soon("it is told", func() bool { return a.count(sdk.EventMessageRevoked) >= 2 }) // a page shows it before that
	require.Equal(t, 2, a.count(sdk.EventMessageRevoked))
}
