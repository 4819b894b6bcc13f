package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

// set changes the app's settings on the running server.
func (w *world) set(settings map[string]any) {
	w.t.Helper()
	b, err := json.Marshal(settings)
	require.NoError(w.t, err)
	r, err := http.NewRequest(http.MethodPut, w.url+"/v1/settings", bytes.NewReader(b))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+w.token("admin", "admin"))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	require.Equal(w.t, http.StatusOK, answer.StatusCode, string(text))
}

// fillGroup imports n messages, a second apart, the last one now.
func (w *world) fillGroup(id string, n int, members ...string) (start int64) {
	w.t.Helper()
	start = time.Now().UnixMilli() - int64(n)*1000
	w.admin("/v1/groups", map[string]any{"groupID": id, "members": members})
	var messages []map[string]any
	for i := 0; i < n; i++ {
		messages = append(messages, map[string]any{"from": "userB", "time": start + int64(i)*1000, "payload": map[string]any{"text": fmt.Sprintf("m%d", i)}})
	}
	w.admin("/v1/import", map[string]any{"conversationID": "GROUP" + id, "messages": messages})
	return start
}

// held is what the device shows without asking the server.
func (d *device) held(id string) []string {
	d.w.t.Helper()
	d.setOnline(false)
	defer d.setOnline(true)
	return texts(d.page(id))
}

// stored is how many messages the device has, which it tells without asking the server for any.
func (d *device) stored(id string) int {
	d.w.t.Helper()
	h, err := d.InspectConversation(d.w.ctx, &sdk.ConversationRequest{ConversationID: id})
	require.NoError(d.w.t, err)
	return int(h.Messages)
}

// The three cases of compensation that RongCloud's document describes.
func TestCompensation(t *testing.T) {
	for name, x := range map[string]struct {
		clearedByTime bool
		byObjects     bool
		left          int
	}{
		"by time, not cleared": {false, false, 300},
		"by time, cleared":     {true, false, 200},
		"by message objects":   {false, true, 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.set(map[string]any{"compensation.days": 7, "compensation.clearedByTime": x.clearedByTime})
			start := w.fillGroup("g", 300, "userA", "userB")
			a := w.device("userA").login()
			w.soon("a new device is given the recent messages unasked", func() bool { return a.stored("GROUPg") == 300 })
			r := &sdk.DeleteMessagesRequest{Scope: "remote"}
			if x.byObjects {
				for _, m := range a.page("GROUPg")[:100] {
					r.Messages = append(r.Messages, sdk.MessageKey{ID: m.ID})
				}
			} else {
				before := sdk.Number(start + 100*1000)
				r.ConversationID, r.Before = "GROUPg", &before
			}
			w.soon("connected again", func() bool {
				out, err := a.DeleteMessages(w.ctx, r)
				return err == nil && out.Server == "acknowledged"
			})
			require.Equal(t, 200, len(a.remote("GROUPg")))
			second := w.device("userA").login()
			w.soon("the other new device", func() bool { return second.stored("GROUPg") == x.left })
			require.Len(t, second.held("GROUPg"), x.left)
			require.Equal(t, 300, len(a.page("GROUPg")), "scope remote leaves this device alone")
		})
	}
}

func TestWithoutCloudHistory(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]any{"profile": "rongcloud"})
	w.fillGroup("g", 20, "userA", "userB")
	a := w.device("userA").login()
	w.soon("what waits for delivery arrives", func() bool { return a.stored("GROUPg") == 20 })
	w.soon("refused at once", func() bool {
		_, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{ConversationID: "GROUPg", Scope: "remote"})
		return wire.CodeOf(err) == wire.StorageNotEnabled
	})
	require.Equal(t, 20, len(a.page("GROUPg")))
	_, err := a.ClearHistoryMessage(w.ctx, &sdk.ClearHistoryRequest{ConversationID: "GROUPg"})
	require.NoError(t, err)
	require.Empty(t, a.page("GROUPg"))
	require.Equal(t, []string{"GROUPg"}, a.list())
}

// With the switch off a deletion in both places stays on this device and on the server.
func TestWithoutSyncOfDeletions(t *testing.T) {
	w := newWorld(t)
	w.set(map[string]any{"sync.deletions": false})
	w.fillGroup("g", 20, "userA", "userB")
	a, second := w.device("userA").login(), w.device("userA").login()
	require.Equal(t, 20, len(second.page("GROUPg")))
	_, err := a.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"GROUPg"}})
	require.NoError(t, err)
	w.soon("gone from the server", func() bool { return len(a.remote("GROUPg")) == 0 })
	require.Empty(t, a.list())
	require.Equal(t, []string{"GROUPg"}, second.list())
	require.Equal(t, 20, len(second.page("GROUPg")))
	w.set(map[string]any{"sync.deletions": true})
	_, err = a.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"GROUPg"}})
	require.NoError(t, err)
	w.soon("with it on, the other device follows", func() bool { return len(second.list()) == 0 })
}
