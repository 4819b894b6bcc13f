package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

func (d *device) join(room string) {
	d.w.t.Helper()
	_, err := d.JoinRoom(d.w.ctx, &sdk.RoomRequest{RoomID: room})
	require.NoError(d.w.t, err)
}

func TestRoomsAreOfTheMoment(t *testing.T) {
	w := newWorld(t)
	w.admin("/v1/rooms", map[string]any{"roomID": "lobby", "name": "Lobby"})
	a, b := w.device("userA").login(), w.device("userB").login()
	_, err := a.JoinRoom(w.ctx, &sdk.RoomRequest{RoomID: "nowhere"})
	require.Equal(t, wire.RoomNotFound, wire.CodeOf(err))
	_, err = a.SendMessage(w.ctx, &sdk.SendMessageRequest{ConversationType: "ROOM", To: "lobby", Type: wire.TypeText, Payload: payload("hi")})
	require.Equal(t, wire.NotInRoom, wire.CodeOf(err))

	a.join("lobby")
	b.join("lobby")
	a.send("ROOM", "lobby", "hello")
	w.soon("b hears it", func() bool { return len(b.page("ROOMlobby")) == 1 })
	m := b.page("ROOMlobby")[0]

	for name, call := range map[string]func() error{
		"deleteConversation": func() error {
			_, err := b.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"ROOMlobby"}})
			return err
		},
		"clearHistoryMessage": func() error {
			_, err := b.ClearHistoryMessage(w.ctx, &sdk.ClearHistoryRequest{ConversationID: "ROOMlobby"})
			return err
		},
		"by id": func() error {
			_, err := b.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: m.ID}}})
			return err
		},
		"by conversation": func() error {
			_, err := b.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{ConversationID: "ROOMlobby", Scope: "local"})
			return err
		},
	} {
		require.Equal(t, wire.RoomNotDeletable, wire.CodeOf(call()), name)
	}
	require.Equal(t, 1, len(b.page("ROOMlobby")))

	_, err = b.QuitRoom(w.ctx, &sdk.RoomRequest{RoomID: "lobby"})
	require.NoError(t, err)
	require.Empty(t, b.list())
	_, err = b.QuitRoom(w.ctx, &sdk.RoomRequest{RoomID: "lobby"})
	require.Equal(t, wire.NotInRoom, wire.CodeOf(err))
	a.send("ROOM", "lobby", "b is gone")
	b.join("lobby")
	a.send("ROOM", "lobby", "welcome back")
	w.soon("only what came since", func() bool { return len(texts(b.page("ROOMlobby"))) == 1 })
	require.Equal(t, []string{"welcome back"}, texts(b.page("ROOMlobby")))
}

func TestARoomThatATabDiedInIsLeftAtTheNextStart(t *testing.T) {
	w := newWorld(t)
	w.admin("/v1/rooms", map[string]any{"roomID": "lobby"})
	a, b := w.device("userA").login(), w.device("userB").login()
	a.join("lobby")
	b.join("lobby")
	a.send("ROOM", "lobby", "hello")
	w.soon("b hears it", func() bool { return len(b.page("ROOMlobby")) == 1 })
	dead := b.store // the tab dies: nothing of it runs any more, its database stays
	b.setOnline(false)
	b.store = dead
	b.boot()
	b.login()
	require.Empty(t, b.list())
	_, err := b.SendMessage(w.ctx, &sdk.SendMessageRequest{ConversationType: "ROOM", To: "lobby", Type: wire.TypeText, Payload: payload("hi")})
	require.Equal(t, wire.NotInRoom, wire.CodeOf(err))
}

func TestGroupsAfterLeaving(t *testing.T) {
	w := newWorld(t)
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userB"}, "open": true})
	w.admin("/v1/groups", map[string]any{"groupID": "closed", "members": []string{"userB"}})
	a, b := w.device("userA").login(), w.device("userB").login()
	_, err := a.JoinGroup(w.ctx, &sdk.GroupRequest{GroupID: "closed"})
	require.Equal(t, wire.GroupNotFound, wire.CodeOf(err))
	b.send("GROUP", "g", "before a")
	_, err = a.JoinGroup(w.ctx, &sdk.GroupRequest{GroupID: "g"})
	require.NoError(t, err)
	b.send("GROUP", "g", "with a")
	w.soon("a reads along", func() bool { return len(a.page("GROUPg")) == 1 })
	_, err = a.QuitGroup(w.ctx, &sdk.GroupRequest{GroupID: "g"})
	require.NoError(t, err)
	require.Equal(t, []string{"GROUPg"}, a.list(), "it stays listed")
	require.False(t, a.conversation("GROUPg").CanSend)
	_, err = a.SendMessage(w.ctx, &sdk.SendMessageRequest{ConversationType: "GROUP", To: "g", Type: wire.TypeText, Payload: payload("hi")})
	require.Equal(t, wire.PermissionDenied, wire.CodeOf(err))
	b.send("GROUP", "g", "without a")
	_, err = a.JoinGroup(w.ctx, &sdk.GroupRequest{GroupID: "g"})
	require.NoError(t, err)
	b.send("GROUP", "g", "with a again")
	w.soon("the history is that of the stays", func() bool { return len(texts(a.page("GROUPg"))) == 2 })
	require.Equal(t, []string{"with a", "with a again"}, texts(a.page("GROUPg")))
	require.Equal(t, []string{"with a", "with a again"}, texts(w.device("userA").login().page("GROUPg")))

	_, err = a.QuitGroup(w.ctx, &sdk.GroupRequest{GroupID: "g"})
	require.NoError(t, err)
	_, err = a.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"GROUPg"}})
	require.NoError(t, err, "deletable after leaving")
	require.Empty(t, a.list())
	w.soon("on the server too", func() bool { return len(a.remote("GROUPg")) == 0 })
	require.Equal(t, 4, len(b.page("GROUPg")))
}
