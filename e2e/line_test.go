package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

func TestTwoUsersChatAndOneDeletes(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	for i := 0; i < 5; i++ {
		a.send("C2C", "userB", fmt.Sprintf("a%d", i))
		b.send("C2C", "userA", fmt.Sprintf("b%d", i))
	}
	w.soon("both see ten", func() bool { return len(a.page("C2CuserB")) == 10 && len(b.page("C2CuserA")) == 10 })
	require.Equal(t, texts(a.page("C2CuserB")), texts(b.page("C2CuserA")))
	w.soon("five are unread", func() bool { return b.conversation("C2CuserA").UnreadCount == 5 })
	require.Equal(t, "b4", a.conversation("C2CuserB").LastMessage.MessageForShow)

	r, err := a.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2CuserB"}})
	require.NoError(t, err)
	require.Equal(t, []string{"C2CuserB"}, r.ConversationIDList)
	require.Empty(t, a.list())
	require.Empty(t, a.page("C2CuserB"))
	w.soon("the server's history of a is empty", func() bool { return len(a.remote("C2CuserB")) == 0 })
	require.Equal(t, 10, len(b.page("C2CuserA")))
	require.Equal(t, 10, len(b.remote("C2CuserA")))

	b.send("C2C", "userA", "again")
	w.soon("a newer message brings it back", func() bool { return len(a.list()) == 1 })
	require.Equal(t, []string{"again"}, texts(a.page("C2CuserB")))
}

func TestOfflineDeletionIsSentByALaterPageLoad(t *testing.T) {
	w := newWorld(t)
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userA", "userB"}})
	a, b := w.device("userA").login(), w.device("userB").login()
	for i := 0; i < 700; i++ {
		b.send("GROUP", "g", fmt.Sprintf("m%d", i))
	}
	w.soon("a has all", func() bool { return len(a.page("GROUPg")) == 700 })
	a.setOnline(false)
	all := a.page("GROUPg")
	r, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: all[3].ID}, {MessageID: sdk.Number(all[699].MessageID)}}})
	require.NoError(t, err)
	require.Equal(t, "pending", r.Server)
	require.Equal(t, 698, len(a.page("GROUPg")))
	require.Equal(t, "m698", a.conversation("GROUPg").LastMessage.MessageForShow)
	a.leave()
	a.boot()
	a.login()
	w.soon("the server knows", func() bool { return len(a.remote("GROUPg")) == 698 })
	require.Equal(t, 698, len(a.page("GROUPg")))
	require.Equal(t, 700, len(b.remote("GROUPg")))
}

func TestEveryScope(t *testing.T) {
	w := newWorld(t)
	start := time.Now().UnixMilli() - 1_000_000
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userA", "userB"}})
	var messages []map[string]any
	for i := 0; i < 1000; i++ {
		messages = append(messages, map[string]any{"from": "userB", "time": start + int64(i)*1000, "payload": map[string]any{"text": fmt.Sprintf("m%d", i)}})
	}
	w.admin("/v1/import", map[string]any{"conversationID": "GROUPg", "messages": messages})
	a, b := w.device("userA").login(), w.device("userB").login()
	require.Equal(t, 1000, len(a.page("GROUPg")))
	second := w.device("userA").login()

	ids := func(list []sdk.Message, from, to int) (out []sdk.MessageRef) {
		for _, m := range list[from:to] {
			out = append(out, sdk.MessageRef{ID: m.ID})
		}
		return out
	}
	all := a.page("GROUPg")
	_, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: ids(all, 900, 1000), Scope: "local"})
	require.NoError(t, err)
	require.Equal(t, 900, len(a.page("GROUPg")))
	require.Equal(t, 1000, len(a.remote("GROUPg")))

	r, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: ids(all, 0, 100), Scope: "remote"})
	require.NoError(t, err)
	require.Equal(t, "acknowledged", r.Server)
	require.Equal(t, 900, len(a.page("GROUPg")), "remote leaves the device alone")
	require.Equal(t, 900, len(a.remote("GROUPg")))
	w.soon("so it does the other one, which was given all of them", func() bool { return len(second.page("GROUPg")) == 1000 })

	before := sdk.Number(start + 500*1000)
	_, err = a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{ConversationID: "GROUPg", Before: &before})
	require.NoError(t, err)
	require.Equal(t, 400, len(a.page("GROUPg")))
	w.soon("the server follows", func() bool { return len(a.remote("GROUPg")) == 500 })
	w.soon("the other device follows", func() bool { return len(second.page("GROUPg")) == 500 })
	require.Equal(t, 1000, len(b.page("GROUPg")))

	third := w.device("userA").login()
	require.Equal(t, 500, len(third.page("GROUPg")))
	require.Equal(t, "m500", texts(third.page("GROUPg"))[0])
	w.soon("reclaimed", func() bool {
		h, err := a.InspectConversation(w.ctx, &sdk.ConversationRequest{ConversationID: "GROUPg"})
		require.NoError(t, err)
		return h.Messages == 400 && *h.Server == 500
	})
}

func TestByTimeBeforeTheMessagesAreHeld(t *testing.T) {
	w := newWorld(t)
	start := time.Now().UnixMilli() - 1_000_000
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"userA"}})
	var messages []map[string]any
	for i := 0; i < 900; i++ {
		messages = append(messages, map[string]any{"from": "x", "time": start + int64(i)*1000, "payload": map[string]any{"text": fmt.Sprintf("m%d", i)}})
	}
	w.admin("/v1/import", map[string]any{"conversationID": "GROUPg", "messages": messages})
	for _, scope := range []string{"local", "both"} {
		a := w.device("userA").login()
		before := sdk.Number(start + 300*1000)
		_, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{ConversationID: "GROUPg", Before: &before, Scope: scope})
		require.NoError(t, err)
		page := a.page("GROUPg")
		require.Len(t, page, 600, scope)
		require.Equal(t, "m300", texts(page)[0])
		a.leave()
	}
}

func TestHideKeepsTheHistory(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	a.send("C2C", "userB", "one")
	w.soon("b has it", func() bool { return len(b.list()) == 1 })
	keep := false
	_, err := b.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2CuserA"}, ClearHistoryMessage: &keep})
	require.NoError(t, err)
	require.Empty(t, b.list())
	require.Equal(t, 1, len(b.page("C2CuserA")), "hidden conversations exist for every call")
	a.send("C2C", "userB", "two")
	w.soon("back with all of it", func() bool { return len(b.list()) == 1 && len(b.page("C2CuserA")) == 2 })
}

func TestSendOfflineThenDeleteBeforeItLeaves(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	a.send("C2C", "userB", "first")
	w.soon("b has it", func() bool { return len(b.list()) == 1 })
	a.setOnline(false)
	m := a.send("C2C", "userB", "never")
	kept := a.send("C2C", "userB", "kept")
	require.Equal(t, "unSend", m.Status)
	_, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{Messages: []sdk.MessageKey{{ID: m.ID}}})
	require.NoError(t, err)
	require.Equal(t, []string{"first", "kept"}, texts(a.page("C2CuserB")))
	a.setOnline(true)
	w.soon("the kept one arrives", func() bool { return len(b.page("C2CuserA")) == 2 })
	require.Equal(t, []string{"first", "kept"}, texts(b.page("C2CuserA")))
	w.soon("it has its lasting name", func() bool { return a.page("C2CuserB")[1].Status == "success" })
	_, err = a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{MessageID: sdk.Number(kept.MessageID)}}})
	require.NoError(t, err, "the provisional name stays valid")
	require.Equal(t, []string{"first"}, texts(a.page("C2CuserB")))
	w.soon("nothing is owed", func() bool { return len(a.remote("C2CuserB")) == 1 })
}

func TestUnknownAndForeign(t *testing.T) {
	w := newWorld(t)
	a := w.device("userA").login()
	_, err := a.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2Cnobody"}})
	require.Equal(t, wire.ConversationNotFound, wire.CodeOf(err))
	a.setOnline(false)
	_, err = a.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2Cnobody"}})
	require.Equal(t, wire.Offline, wire.CodeOf(err))
}

func TestLogoutWipe(t *testing.T) {
	w := newWorld(t)
	a := w.device("userA").login()
	w.device("userB").login()
	a.send("C2C", "userB", "one")
	a.setOnline(false)
	_, err := a.ClearHistoryMessage(w.ctx, &sdk.ClearHistoryRequest{ConversationID: "C2CuserB"})
	require.NoError(t, err)
	_, err = a.Logout(w.ctx, &sdk.LogoutRequest{Wipe: sdk.WipeSend})
	require.Equal(t, wire.OutboxNotEmpty, wire.CodeOf(err))
	r, err := a.Logout(w.ctx, &sdk.LogoutRequest{Wipe: sdk.WipeForce})
	require.NoError(t, err)
	require.EqualValues(t, 1, r.Lost)
	_, err = a.GetConversationList(w.ctx, &sdk.Nothing{})
	require.Equal(t, wire.NotReady, wire.CodeOf(err))
}

func TestARefusedTokenIsRenewedByLogin(t *testing.T) {
	w := newWorld(t)
	a := w.device("userA")
	_, err := a.Login(w.ctx, &sdk.LoginRequest{UserID: "userA", Token: w.token("userB", "")})
	require.Equal(t, wire.TokenOtherUser, wire.CodeOf(err))
	require.ErrorIs(t, a.store.View(w.ctx, vault.Tables, func(kv.Tx) error { return nil }), kv.ErrClosed, "the database it made is gone")

	short, err := server.SignToken(key, "lethe", "userA", "", time.Now(), time.Now().Add(1500*time.Millisecond))
	require.NoError(t, err)
	a = w.device("userA")
	_, err = a.Login(w.ctx, &sdk.LoginRequest{UserID: "userA", Token: short})
	require.NoError(t, err)
	w.soon("the token expires", func() bool { return a.states()["refused"] > 0 })
	r, err := a.Login(w.ctx, &sdk.LoginRequest{UserID: "userA", Token: w.token("userA", "")})
	require.NoError(t, err)
	require.True(t, r.Connected)
}

// Under a name from before its conversation was emptied nothing tells where the server has a message.
func TestNamesFromBeforeAConversationWasEmptied(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	b.send("C2C", "userA", "one")
	w.soon("it has come", func() bool { return len(a.page("C2CuserB")) == 1 })
	a.setOnline(false)
	m := a.send("C2C", "userB", "two")
	a.setOnline(true)
	w.soon("it is sent", func() bool { return a.count(sdk.EventMessageSent) == 1 })
	_, err := a.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{ConversationID: "C2CuserB", Scope: "local"})
	require.NoError(t, err)
	require.NoError(t, a.deleteIDs("local", m.ID), "here it is gone")
	require.Equal(t, wire.MessageNotFound, wire.CodeOf(a.deleteIDs("remote", m.ID)))
	require.Len(t, a.remote("C2CuserB"), 2)
}
