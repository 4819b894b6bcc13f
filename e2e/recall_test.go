package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
)

func (d *device) revoke(id string) (sdk.Message, error) {
	r, err := d.RevokeMessage(d.w.ctx, &sdk.RevokeMessageRequest{ID: id})
	if err != nil {
		return sdk.Message{}, err
	}
	return r.Message, nil
}

func TestRecallReachesEverybody(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	away := w.device("userB").login()
	m := a.send("C2C", "userB", "a slip")
	w.soon("everybody has it", func() bool { return len(b.page("C2CuserA")) == 1 && len(away.page("C2CuserA")) == 1 })
	away.leave()

	_, err := b.revoke(m.ID)
	require.Equal(t, wire.PermissionDenied, wire.CodeOf(err), "not one's own")
	got, err := a.revoke(m.ID)
	require.NoError(t, err)
	require.True(t, got.IsRevoked)
	require.Equal(t, "userA", got.Revoker)
	_, err = a.revoke(m.ID)
	require.NoError(t, err, "what is recalled already succeeds")
	for _, d := range []*device{a, b} {
		id := map[string]string{"userA": "C2CuserB", "userB": "C2CuserA"}[d.user]
		w.soon("the notice stands in its place", func() bool {
			page := d.page(id)
			return len(page) == 1 && page[0].IsRevoked && page[0].Revoker == "userA" && len(texts(page)) == 0
		})
		require.True(t, d.remote(id)[0].IsRevoked)
	}
	away.boot()
	away.login()
	w.soon("a device that was away learns it", func() bool { return away.page("C2CuserA")[0].IsRevoked })
	late := w.device("userB").login()
	require.True(t, late.page("C2CuserA")[0].IsRevoked, "a new device gets the notice")

	a.setOnline(false)
	_, err = a.revoke(m.ID)
	require.Equal(t, wire.Offline, wire.CodeOf(err), "it is never queued")
}

func TestNoNoticeWhereAUserDeleted(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	m := a.send("C2C", "userB", "a slip")
	a.send("C2C", "userB", "more")
	w.soon("b has both", func() bool { return len(b.page("C2CuserA")) == 2 })
	_, err := b.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: m.ID}}})
	require.NoError(t, err)
	_, err = a.revoke(m.ID)
	require.NoError(t, err)
	w.soon("a sees the notice", func() bool { return a.page("C2CuserB")[0].IsRevoked })
	require.Equal(t, []string{"more"}, texts(b.page("C2CuserA")))
	require.Equal(t, 1, len(b.page("C2CuserA")))
}

func TestQuotesFollowWhatTheyQuote(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	m := a.send("C2C", "userB", "the original")
	w.soon("b has it", func() bool { return len(b.page("C2CuserA")) == 1 })
	r, err := b.SendMessage(w.ctx, &sdk.SendMessageRequest{
		ConversationType: "C2C", To: "userA", Type: wire.TypeText, Payload: payload("I answer"), Quote: &sdk.MessageKey{ID: m.ID},
	})
	require.NoError(t, err)
	require.Equal(t, "normal", r.Message.Quote.Status)
	w.soon("a has the answer with its quote", func() bool {
		page := a.page("C2CuserB")
		return len(page) == 2 && page[1].Quote != nil && page[1].Quote.Status == "normal" && page[1].Quote.ID == m.ID
	})
	_, err = b.DeleteMessages(w.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: m.ID}}, Scope: "local"})
	require.NoError(t, err)
	require.Equal(t, "deleted", b.page("C2CuserA")[0].Quote.Status)
	require.Equal(t, "normal", a.page("C2CuserB")[1].Quote.Status, "another's view is another's")
	_, err = a.revoke(m.ID)
	require.NoError(t, err)
	require.Equal(t, "recalled", a.page("C2CuserB")[1].Quote.Status)
	_, err = a.SendMessage(w.ctx, &sdk.SendMessageRequest{
		ConversationType: "C2C", To: "userB", Type: wire.TypeText, Payload: payload("again"), Quote: &sdk.MessageKey{ID: m.ID},
	})
	require.Equal(t, wire.MessageNotFound, wire.CodeOf(err))
}
