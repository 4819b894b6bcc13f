package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
)

// Two tabs of one device and the server's pushes to both race for the same database. Whoever stores first, each tab tells
// its app of each change once.
func TestEachTabTellsEachChangeOnce(t *testing.T) {
	const n = 20
	w := newWorld(t)
	b := w.device("userB").login()
	one := w.device("userA")
	one.tabs = &neighbours{tabs: map[int]func(){}}
	one.boot()
	one.login()
	two := one.tab().login()
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
		_, err := tab.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: m.ID}}, Scope: scope})
		require.NoError(t, err)
		// Pokes that come together are heard as one, and tell of several messages at once: one by one they can be counted.
		w.soon("the other tab hears of it", func() bool {
			return one.count(sdk.EventMessageDeleted) == i+1 && two.count(sdk.EventMessageDeleted) == i+1
		})
	}
	both("deletions", sdk.EventMessageDeleted, n)
	_, err := one.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2CuserB"}})
	require.NoError(t, err)
	both("the conversation", sdk.EventConversationDeleted, 1)
}
