package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
)

func TestANewDeviceReadsWhatAnotherHasHidden(t *testing.T) {
	w := newWorld(t)
	a, b := w.device("userA").login(), w.device("userB").login()
	a.send("C2C", "userB", "one")
	w.soon("b has it", func() bool { return len(b.list()) == 1 })
	keep := false
	_, err := b.DeleteConversation(w.ctx, &sdk.DeleteConversationRequest{ConversationIDList: []string{"C2CuserA"}, ClearHistoryMessage: &keep})
	require.NoError(t, err)
	w.soon("the server has hidden it", func() bool { return len(w.device("userB").login().list()) == 0 })

	fresh := w.device("userB").login()
	require.Equal(t, []string{"one"}, texts(fresh.page("C2CuserA")))
	require.Empty(t, fresh.list(), "reading does not bring it back")
	a.send("C2C", "userB", "two")
	w.soon("a newer message does", func() bool { return len(fresh.list()) == 1 })
	require.Equal(t, []string{"one", "two"}, texts(fresh.page("C2CuserA")))
}
