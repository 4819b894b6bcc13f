package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/server/pgtest"
)

// aStore is a store for a cluster.
func aStore(t *testing.T) shared {
	return shared{environment: []string{"LETHE_STORE=" + pgtest.Database(t)}}
}

// kills is how often nodes are killed: 10 times, or as LETHE_KILLS says (make soak-nodes).
func kills(t *testing.T) int {
	said := os.Getenv("LETHE_KILLS")
	if said == "" {
		return 10
	}
	n, err := strconv.Atoi(said)
	require.NoError(t, err)
	return n
}

// Devices of one user on different nodes. Pings come each 25 s: what is faster came over NATS.
func TestDevicesOnTwoNodes(t *testing.T) {
	c := newCluster(t, aStore(t), 2)
	first, second := c.on(c.nodes[0], "ann"), c.on(c.nodes[1], "ann")
	bob := c.on(c.nodes[1], "bob")
	for i := range 4 {
		first.send("C2C", "bob", fmt.Sprint("a", i))
		bob.send("C2C", "ann", fmt.Sprint("b", i))
	}
	for _, d := range []*device{first, second} {
		c.soon("each has all", func() bool { return len(d.page("C2Cbob")) == 8 })
	}
	c.soon("bob too", func() bool { return len(bob.page("C2Cann")) == 8 })

	remove := func(at *device, i int) {
		t.Helper()
		_, err := at.DeleteMessages(c.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: at.page("C2Cbob")[i].ID}}})
		require.NoError(t, err)
	}
	begin := time.Now()
	remove(first, 0)
	c.soon("the other device follows", func() bool { return len(second.page("C2Cbob")) == 7 })
	t.Logf("a deletion is on the other node's device after %v", time.Since(begin).Round(time.Millisecond))
	remove(second, 0)
	c.soon("and back", func() bool { return len(first.page("C2Cbob")) == 6 })
	require.Len(t, bob.page("C2Cann"), 8)

	c.admin("/v1/groups", map[string]any{"groupID": "g", "members": []string{"ann", "bob"}})
	c.soon("groups", func() bool {
		return strings.Contains(fmt.Sprint(second.list()), "GROUPg") && strings.Contains(fmt.Sprint(bob.list()), "GROUPg")
	})
	first.send("GROUP", "g", "to all")
	c.soon("messages in groups", func() bool { return len(second.page("GROUPg")) == 1 && len(bob.page("GROUPg")) == 1 })
	_, err := first.RevokeMessage(c.ctx, &sdk.RevokeMessageRequest{ID: first.page("GROUPg")[0].ID})
	require.NoError(t, err)
	c.soon("recalls", func() bool { return bob.page("GROUPg")[0].IsRevoked && second.page("GROUPg")[0].IsRevoked })

	// NATS goes. Deleting waits for nothing, and the others learn it by being looked up.
	c.nats.Stop()
	for _, n := range c.nodes {
		c.soon("it is noticed", func() bool { return strings.Contains(n.log.String(), "NATS is gone") })
	}
	begin = time.Now()
	remove(first, 0)
	require.Less(t, time.Since(begin), time.Second)
	c.soon("the server has acknowledged it", func() bool { return len(first.remote("C2Cbob")) == 5 })
	bob.send("C2C", "ann", "while NATS is away")
	require.True(t, soonWithin(15*time.Second, func() bool { return len(second.page("C2Cbob")) == 6 && len(first.page("C2Cbob")) == 6 }))
	t.Logf("without NATS after %v", time.Since(begin).Round(time.Millisecond))

	c.nats.Start()
	for _, n := range c.nodes {
		c.soon("it is back", func() bool { return strings.Contains(n.log.String(), "NATS is back") })
	}
	remove(second, 0)
	c.soon("at once again", func() bool { return len(first.page("C2Cbob")) == 5 })
	require.Equal(t, texts(first.page("C2Cbob")), texts(second.page("C2Cbob")))
}

// A backend that gets no answer in time asks another node, while the first is still at it. Under one key it is one call.
func TestOneCallToTwoNodes(t *testing.T) {
	c := newCluster(t, aStore(t), 2)
	ann := c.on(c.nodes[0], "ann")
	const calls, each = 20, 4
	answers := make([][each]string, calls)
	var all sync.WaitGroup
	for i := range calls {
		for j := range each {
			all.Go(func() {
				body := fmt.Sprintf(`{"to":"ann","from":"shop","payload":{"text":"notice %d"}}`, i)
				r, err := http.NewRequest(http.MethodPost, c.nodes[j%2].url()+"/v1/notices", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Authorization", "Bearer "+c.token("admin", "admin"))
				r.Header.Set("Idempotency-Key", fmt.Sprint("call ", i))
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				text, err := io.ReadAll(answer.Body)
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Error(answer.Status, string(text), err)
				}
				answers[i][j] = string(text)
			})
		}
	}
	all.Wait()
	for _, same := range answers {
		require.NotEmpty(t, same[0])
		require.Equal(t, [each]string{same[0], same[0], same[0], same[0]}, same)
	}
	const shop = "@TIM#SYSTEMshop"
	c.soon("all have come", func() bool { return len(ann.page(shop)) >= calls })
	require.Len(t, ann.remote(shop), calls, "each once")
}

// Nodes die one after the other, in the middle of everything. What was acknowledged is there, once.
func TestNodesAreKilled(t *testing.T) {
	c := newCluster(t, aStore(t), 2)
	p := c.people()
	load := c.crowd(40, 200)
	for i := range kills(t) {
		n := c.nodes[i%2]
		p.work(t, i, 3)
		require.True(t, soonWithin(20*time.Second, func() bool { return c.balancer.Lines()[n.address] > 0 }), "somebody is on it")
		n.kill()
		n.nobodyListens()
		p.work(t, i, 3)
		n.start()
	}
	load.check()
	require.Greater(t, load.reconnects, kills(t), "the kills have bitten")
	p.converge()
}

// work lets ann write some messages and delete one, whether or not there is a connection.
func (p *people) work(t *testing.T, round, messages int) {
	t.Helper()
	for i := range messages {
		p.say(fmt.Sprintf("%d.%d.%d", round, len(p.sent), i))
		time.Sleep(50 * time.Millisecond)
	}
	p.erase()
}

// erase lets ann delete a message. One that has arrived: whether others get a message that is deleted before that is left to chance.
func (p *people) erase() {
	t := p.c.t
	t.Helper()
	var arrived []sdk.Message
	for _, m := range p.ann[0].page("C2Cbob") {
		if m.Status == "success" {
			arrived = append(arrived, m)
		}
	}
	if len(arrived) == 0 {
		return
	}
	gone := arrived[len(arrived)/2]
	_, err := p.ann[0].DeleteMessages(p.c.ctx, &sdk.DeleteMessagesRequest{IDs: []sdk.MessageRef{{ID: gone.ID}}})
	require.NoError(t, err)
	p.deleted[texts([]sdk.Message{gone})[0]] = true
}

// A rolling restart: each node is drained and comes back, one after the other. Clients are told to move, and wait with jitter.
func TestRollingRestart(t *testing.T) {
	c := newCluster(t, aStore(t), 3)
	p := c.people()
	load := c.crowd(60, 200)
	for i, n := range c.nodes {
		p.work(t, i, 3)
		require.NotZero(t, c.balancer.Lines()[n.address], "somebody is on it")
		n.drain()
		n.nobodyListens()
		p.work(t, i, 3)
		n.start()
	}
	load.check()
	require.NotZero(t, load.errors["closed 3000"], "who is sent away is told so")
	require.Zero(t, load.errors["the connection was lost"], "and nobody is cut off")
	require.Less(t, load.longest, 5000.0, "the wait is a short one: others are there")
	p.converge()
}

// The network breaks between clients and nodes: connections are reset, and then fall silent for a while.
func TestPartitions(t *testing.T) {
	c := newCluster(t, aStore(t), 2)
	p := c.people()
	load := c.crowd(40, 200)
	for round := range 3 {
		p.work(t, round, 2)
		require.Positive(t, c.balancer.Cut(c.nodes[round%2].address), "somebody is on it")
		c.balancer.To(c.nodes[(round+1)%2].address) // the node is not reached any more
		p.work(t, round, 2)
		require.Zero(t, c.balancer.Lines()[c.nodes[round%2].address])
		c.balancer.Silence(true)
		begin := time.Now()
		p.erase() // deleting waits for nobody
		require.Less(t, time.Since(begin), time.Second)
		time.Sleep(time.Second)
		c.balancer.Silence(false)
		c.balancer.To(c.addresses()...)
	}
	load.check()
	require.Positive(t, load.reconnects)
	p.converge()
}

// NATS comes and goes under load, and with a node that starts without it.
func TestNATSComesAndGoes(t *testing.T) {
	c := newCluster(t, aStore(t), 2)
	p := c.people()
	load := c.crowd(40, 200)
	for round := range 2 {
		p.work(t, round, 2)
		c.nats.Stop()
		for _, n := range c.nodes {
			c.soon("it is noticed", func() bool { return strings.Count(n.log.String(), "NATS is gone") == round+1 })
		}
		p.work(t, round, 2)
		if round == 1 {
			n := c.nodes[0]
			n.kill()
			n.start()
			c.soon("it says so", func() bool { return strings.Contains(n.log.String(), "NATS does not answer") })
		}
		p.work(t, round, 2)
		c.nats.Start()
		for _, n := range c.nodes {
			said := "NATS is back"
			if round == 1 && n == c.nodes[0] {
				said = "NATS is there" // for the first time
			}
			c.soon("it is back", func() bool { return strings.Contains(n.log.String(), said) })
		}
	}
	load.check()
	p.converge()
}

// PostgreSQL dies and comes back under load. It syncs what it commits, so what was acknowledged is there.
func TestPostgresIsKilled(t *testing.T) {
	postgres, err := pgtest.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, postgres.Stop()) })
	address, err := postgres.Database(t.Context())
	require.NoError(t, err)
	c := newCluster(t, shared{environment: []string{"LETHE_STORE=" + address}}, 2)
	p := c.people()
	load := c.crowd(40, 200)
	p.work(t, 0, 2)
	postgres.Kill()
	begin := time.Now()
	p.erase() // the device deletes without it
	require.Less(t, time.Since(begin), time.Second)
	require.NoError(t, postgres.Launch())
	p.work(t, 1, 2)
	load.check()
	require.NotZero(t, load.errors["INTERNAL: internal error"]+load.errors["closed 3002"], "it has bitten")
	p.converge()
}
