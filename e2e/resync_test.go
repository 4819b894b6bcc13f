package e2e

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
)

// newEpoch makes the store one that was restored: what devices know of it counts no more, they ask for everything again.
func (w *world) newEpoch() {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.file)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, db.Close()) }()
	done, err := db.Exec(`UPDATE store SET epoch = epoch + 1`)
	require.NoError(w.t, err)
	n, err := done.RowsAffected()
	require.NoError(w.t, err)
	require.EqualValues(w.t, 1, n)
}

func TestDeletionsHoldAcrossAFullResync(t *testing.T) {
	w := newWorld(t)
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userA", "userB"}})
	first, second, b := w.device("userA").login(), w.device("userA").login(), w.device("userB").login()
	for _, text := range []string{"one", "two", "three", "four"} {
		b.send("C2C", "userA", text)
	}
	b.send("GROUP", "g", "alpha")
	for _, d := range []*device{first, second} {
		w.soon("both have all", func() bool { return len(d.page("C2CuserB")) == 4 && len(d.page("GROUPg")) == 1 })
	}
	remove := func(d *device, i int, scope string) {
		_, err := d.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: d.page("C2CuserB")[i].ID}}, Scope: scope})
		require.NoError(t, err)
	}
	remove(second, 0, "local")
	remove(second, 0, "both")
	w.soon("the other follows", func() bool { return len(first.page("C2CuserB")) == 3 })
	second.leave()
	remove(first, 1, "both")
	_, err := first.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"GROUPg"}})
	require.NoError(t, err)
	w.soon("the server knows", func() bool { return len(first.remote("C2CuserB")) == 2 && len(first.remote("GROUPg")) == 0 })

	w.newEpoch()
	first.setOnline(false)
	first.setOnline(true)
	second.boot()
	second.login()
	w.soon("the one that was away has caught up", func() bool { return len(second.page("C2CuserB")) == 1 })
	require.Equal(t, []string{"four"}, texts(second.page("C2CuserB")), "what it deleted here alone stays deleted, too")
	require.Empty(t, second.page("GROUPg"))
	require.Equal(t, []string{"C2CuserB"}, second.list())
	require.Equal(t, []string{"one", "four"}, texts(first.page("C2CuserB")))
	require.Equal(t, []string{"C2CuserB"}, first.list())
	require.Len(t, b.page("C2CuserA"), 4)

	b.send("C2C", "userA", "five")
	w.soon("they go on", func() bool { return len(first.page("C2CuserB")) == 3 && len(second.page("C2CuserB")) == 2 })
}
