package e2e

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
)

// client is a real client, with what its user was promised. It goes on through all kills, with or without a connection.
type client struct {
	*device
	random  *rand.Rand
	sent    map[string]bool // texts
	deleted map[string]bool // of messages that it had
	failed  error
}

func (k *killed) newClients(w *world, seed uint64) (all []*client) {
	for i, user := range []string{"dora", "dora", "emil"} {
		all = append(all, &client{
			device: w.device(user).login(), random: rand.New(rand.NewPCG(seed, uint64(100+i))),
			sent: map[string]bool{}, deleted: map[string]bool{},
		})
	}
	return all
}

// run sends and deletes until stop is closed.
func (c *client) run(stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(10+c.random.IntN(20)) * time.Millisecond):
		}
		var err error
		if c.random.IntN(3) > 0 {
			text := fmt.Sprintf("%s %p %d", c.user, c, n)
			c.sent[text] = true
			_, err = c.SendMessage(c.w.ctx, &sdk.SendMessageRequest{ConversationType: "GROUP", To: "g", Type: "TIMTextElem", Payload: payload(text)})
		} else {
			err = c.deleteOne()
		}
		if err != nil {
			c.failed = err
			return
		}
	}
}

// deleteOne deletes one of the newest messages of others: its own are looked for by the witness.
func (c *client) deleteOne() error {
	r, err := c.GetMessageList(c.w.ctx, &sdk.MessageListRequest{ConversationID: "GROUPg", Count: 30})
	if err != nil || len(r.MessageList) == 0 {
		return err
	}
	m := r.MessageList[c.random.IntN(len(r.MessageList))]
	if m.Status != "success" || m.Type != "TIMTextElem" {
		return nil
	}
	if _, err := c.DeleteMessages(c.w.ctx, &sdk.DeleteMessagesRequest{Messages: []sdk.MessageKey{{ID: m.ID}}}); err != nil {
		return err
	}
	c.deleted[m.ID] = true
	return nil
}

// requireConverged waits until the clients owe nothing and show what the server shows; then everything that was sent is there
// once, and everything that was deleted is on none of the user's devices.
func (k *killed) requireConverged(w *world, clients []*client) {
	k.Helper()
	for _, c := range clients {
		require.NoError(k, c.failed, c.user)
		c.setOnline(true)
	}
	ids := func(list []sdk.Message) []string {
		out := []string{}
		for _, m := range list {
			out = append(out, m.ID)
		}
		return out
	}
	l := k.dial(w, witness, "witness-0")
	defer l.close()
	for _, c := range clients {
		var amiss []string
		require.Eventually(k, func() bool {
			amiss = nil
			seen := k.witnessed(l)
			for text := range c.sent {
				if seen[text] != 1 {
					amiss = append(amiss, fmt.Sprintf("%q: %d times", text, seen[text]))
				}
			}
			return len(amiss) == 0
		}, time.Minute, 100*time.Millisecond, "what %s sent: %v", c.user, &amiss)
		require.Eventually(k, func() bool {
			return fmt.Sprint(ids(c.page("GROUPg"))) == fmt.Sprint(ids(c.remote("GROUPg")))
		}, time.Minute, 100*time.Millisecond, "%s shows something else than the server", c.user)
	}
	for _, c := range clients {
		for _, other := range clients {
			if other.user != c.user {
				continue
			}
			for _, id := range ids(other.page("GROUPg")) {
				require.False(k, c.deleted[id], "%s came back", id)
			}
		}
	}
}

// witnessed counts the texts that the witness sees.
func (k *killed) witnessed(l *bare) map[string]int {
	all, _ := l.page(k.T, "GROUPg")
	seen := map[string]int{}
	for _, m := range all {
		for _, text := range texts([]sdk.Message{{Payload: m.Payload}}) {
			seen[text]++
		}
	}
	return seen
}
