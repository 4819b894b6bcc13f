package natsbus

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/bustest"
	"github.com/lethe-im/lethe/server/natsbus/natstest"
	"github.com/lethe-im/lethe/server/proxytest"
)

// cluster is two nodes, each with a line of its own to one NATS server.
type cluster struct {
	*testing.T
	nats         *natstest.Broker
	lineA, lineB *proxytest.Proxy
	a, b         *Bus
	logA, logB   *journal
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{T: t, nats: natstest.Start(t)}
	c.lineA, c.lineB = proxytest.Open(t, c.nats.Address()), proxytest.Open(t, c.nats.Address())
	c.a, c.logA = openBus(t, "nats://"+c.lineA.Address())
	c.b, c.logB = openBus(t, "nats://"+c.lineB.Address())
	connected(t, c.a, c.b)
	return c
}

// quick holds what an operation waits for to almost nothing.
func quick(t *testing.T, what string, fn func()) {
	t.Helper()
	begin := time.Now()
	fn()
	require.Less(t, time.Since(begin), writeWait/2, what)
}

func user(name string) server.Topic { return server.Topic{App: "lethe", User: name} }

// goesOn makes sure that a node does all that it does for itself, at once.
func (c *cluster) goesOn(b *Bus) {
	c.Helper()
	quick(c.T, "an operation waits for NATS", func() {
		for i := range uint64(2 * queueLimit) { // more than anything takes in
			b.Publish(user("busy"), server.Poke{N: i + 1})
		}
		for i := range 100 {
			h := bustest.Listen(b, user(fmt.Sprint("own", i)))
			b.Publish(user(fmt.Sprint("own", i)), server.Poke{N: 1})
			require.True(c, h.Has(server.Poke{N: 1}))
			h.Cancel()
		}
	})
}

// looked waits until each listener is poked without a new publication.
func (c *cluster) looked(what string, heard ...*bustest.Heard) {
	c.Helper()
	before := make([]int, len(heard))
	for i, h := range heard {
		before[i] = h.Count()
	}
	bustest.Soon(c.T, what, func() bool {
		for i, h := range heard {
			if h.Count() == before[i] {
				return false
			}
		}
		return true
	})
}

func TestNATSStopsAndComesBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	onB := bustest.Listen(c.b, user("u"))
	log := bustest.Listen(c.b, server.Topic{App: "lethe", Log: 7})
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 1})

	c.nats.Stop()
	bustest.Soon(t, "both notice", func() bool { return !c.a.Stats().Connected && !c.b.Stats().Connected })
	c.a.Publish(user("u"), server.Poke{N: 2})
	late := bustest.Listen(c.b, user("late"))
	c.a.Publish(user("late"), server.Poke{N: 2})
	c.goesOn(c.a)
	c.goesOn(c.b)
	c.looked("users are looked at while it is away", onB, late)
	require.False(t, onB.Has(server.Poke{N: 2}), "the cut has bitten")
	require.NotZero(t, c.a.Stats().Dropped)

	back := []int{onB.Count(), log.Count(), late.Count()}
	c.nats.Start()
	bustest.Soon(t, "all are poked, with nothing published", func() bool {
		return log.Count() > back[1] && onB.Count() > back[0] && late.Count() > back[2]
	})
	require.EqualValues(t, 1, c.b.Stats().Reconnects)
	for i, h := range []*bustest.Heard{onB, late} {
		bustest.Tell(t, c.a, []server.Topic{user("u"), user("late")}[i], h, server.Poke{N: 3})
	}
	for _, log := range []*journal{c.logA, c.logB} {
		require.Contains(t, log.String(), "NATS is gone")
		require.Contains(t, log.String(), "NATS is back")
	}
}

// Only one node is cut off: the other one does not notice, and both must learn that they missed something.
func TestOneNodeIsCutOff(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	onB := bustest.Listen(c.b, user("u"))
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 1})

	onA := bustest.Listen(c.a, server.Topic{App: "lethe", Log: 7})
	bustest.Tell(t, c.b, server.Topic{App: "lethe", Log: 7}, onA, server.Poke{To: 1})

	c.lineA.Refuse(true)
	require.Equal(t, 1, c.lineA.Cut(""))
	bustest.Soon(t, "a notices", func() bool { return !c.a.Stats().Connected })
	c.b.Publish(server.Topic{App: "lethe", Log: 7}, server.Poke{To: 2})
	c.a.Publish(user("u"), server.Poke{N: 2})
	bustest.Soon(t, "a has given it up", func() bool { return c.a.Stats().Dropped > 0 })
	require.True(t, c.b.Stats().Connected)
	require.False(t, onB.Has(server.Poke{N: 2}))

	before, beforeA := onB.Count(), onA.Count()
	c.lineA.Refuse(false)
	bustest.Soon(t, "the other node is told to look", func() bool { return onB.Count() > before })
	bustest.Soon(t, "and this one looks", func() bool { return onA.Count() > beforeA })
	require.False(t, onA.Has(server.Poke{To: 2}))
	require.False(t, onB.Has(server.Poke{N: 2}))
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 3})
}

// The network swallows everything and tells nobody.
func TestSilentNetwork(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	onB := bustest.Listen(c.b, user("u"))
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 1})

	c.lineA.Silence(true)
	c.a.Publish(user("u"), server.Poke{N: 2})
	require.True(t, c.a.Stats().Connected, "nobody was told")
	c.goesOn(c.a)
	require.False(t, onB.Has(server.Poke{N: 2}), "the silence has bitten")
	bustest.Soon(t, "it is taken for dead", func() bool { return !c.a.Stats().Connected })
	c.goesOn(c.a)

	before := onB.Count()
	c.lineA.Silence(false)
	bustest.Soon(t, "it is back", func() bool { return c.a.Stats().Connected })
	bustest.Soon(t, "the other node looks", func() bool { return onB.Count() > before })
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 3})
}

// A poke was handed over, and lost on the way: nobody has dropped it knowingly.
func TestPokeIsLostOnTheWay(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	onB := bustest.Listen(c.b, user("u"))
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 1})
	sent := c.a.Stats().Published
	c.lineA.Silence(true)
	c.a.Publish(user("u"), server.Poke{N: 2})
	bustest.Soon(t, "it is handed over", func() bool { return c.a.Stats().Published > sent })
	c.lineA.Refuse(true)
	require.Equal(t, 1, c.lineA.Cut(""))
	c.lineA.Silence(false)
	bustest.Soon(t, "a notices", func() bool { return !c.a.Stats().Connected })
	require.Zero(t, c.a.Stats().Dropped)
	require.False(t, onB.Has(server.Poke{N: 2}))

	before := onB.Count()
	c.lineA.Refuse(false)
	bustest.Soon(t, "the other node is told to look", func() bool { return onB.Count() > before })
	require.False(t, onB.Has(server.Poke{N: 2}))
}

// A node cannot take the pokes as fast as they come. (A subscriber that blocks breaks the contract: here it stands for that.)
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	defer open() // else the bus waits for it without end where the test fails before
	slow := c.b.Subscribe(user("slow"), func(p server.Poke) {
		if p.N > 0 {
			<-gate
		}
	})
	onB := bustest.Listen(c.b, user("u"))
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 1})

	filler := bustest.Listen(c.b, user("filler"))
	bustest.Tell(t, c.a, user("filler"), filler, server.Poke{N: 1})
	c.a.Publish(user("slow"), server.Poke{N: 1})
	for begun := c.b.nats.Stats().InMsgs; c.b.nats.Stats().InMsgs < begun+2*queueLimit; time.Sleep(time.Millisecond) {
		for range 256 {
			c.a.Publish(user("filler"), server.Poke{N: 1})
		}
	}
	bustest.Soon(t, "a's own queue has room again", func() bool {
		c.a.mu.Lock()
		defer c.a.mu.Unlock()
		return len(c.a.queue) == 0
	})
	c.a.Publish(user("u"), server.Poke{N: 2})
	c.dropped("u")
	before := onB.Count()
	open()
	bustest.Soon(t, "who has lost a poke is told to look", func() bool { return onB.Count() > before })
	require.NotZero(t, c.b.Stats().Overflows)
	require.False(t, onB.Has(server.Poke{N: 2}))
	require.Contains(t, c.logB.String(), "slow consumer")
	slow()
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 3})
}

// dropped waits until b's library has dropped a poke of a user.
func (c *cluster) dropped(name string) {
	c.Helper()
	c.b.mu.Lock()
	s := c.b.topics[user(name)].subscription
	c.b.mu.Unlock()
	bustest.Soon(c.T, "the overflow has bitten", func() bool {
		n, err := s.Dropped()
		require.NoError(c, err)
		return n > 0
	})
}

// A node starts while NATS is down.
func TestStartsWithoutNATS(t *testing.T) {
	t.Parallel()
	nats := natstest.Start(t)
	nats.Stop()
	var a, b *Bus
	var log *journal
	quick(t, "Open waits for NATS", func() {
		a, log = openBus(t, "nats://"+nats.Address())
		b, _ = openBus(t, "nats://"+nats.Address())
	})
	bustest.Soon(t, "it says so", func() bool { return strings.Contains(log.String(), "NATS does not answer") })
	onA, onB := bustest.Listen(a, user("u")), bustest.Listen(b, user("u"))
	a.Publish(user("u"), server.Poke{N: 1})
	require.True(t, onA.Has(server.Poke{N: 1}))
	require.False(t, onB.Has(server.Poke{N: 1}))
	nats.Start()
	bustest.Soon(t, "it is found", func() bool { return a.Stats().Connected && b.Stats().Connected && onB.Count() > 0 })
	bustest.Tell(t, a, user("u"), onB, server.Poke{N: 2})
	require.Contains(t, log.String(), "NATS is there")
}

// A node that goes leaves with its last pokes sent, and goes also when NATS is away.
func TestClose(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	onB := bustest.Listen(c.b, user("u"))
	bustest.Tell(t, c.a, user("u"), onB, server.Poke{N: 1})
	for i := range uint64(1000) {
		c.a.Publish(user("u"), server.Poke{N: i + 2})
	}
	require.NoError(t, c.a.Close())
	require.NoError(t, c.a.Close(), "twice is once")
	bustest.Soon(t, "the last poke arrives", func() bool { return onB.Has(server.Poke{N: 1001}) })
	onA := bustest.Listen(c.a, user("u"))
	c.a.Publish(user("u"), server.Poke{N: 2000})
	require.True(t, onA.Has(server.Poke{N: 2000}), "this node is poked on")

	c.nats.Stop()
	bustest.Soon(t, "it is noticed", func() bool { return !c.b.Stats().Connected })
	begin := time.Now()
	require.NoError(t, c.b.Close())
	require.Less(t, time.Since(begin), 2*closeWait)
}

// Topics that nobody listens to any more are given back.
func TestTopicsAreGivenBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	before := c.nats.Subscriptions()
	for range 3 {
		for i := range 200 {
			bustest.Listen(c.b, user(fmt.Sprint(i))).Cancel()
		}
	}
	bustest.Soon(t, "nothing is kept", func() bool {
		c.b.mu.Lock()
		defer c.b.mu.Unlock()
		return len(c.b.topics) == 0 && len(c.b.subscribed) == 0
	})
	bustest.Soon(t, "nor by NATS", func() bool { return c.nats.Subscriptions() == before })
}
