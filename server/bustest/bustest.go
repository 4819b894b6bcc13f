// Package bustest is the contract of server.Bus as a test suite. Every implementation runs it.
package bustest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
)

// Nodes are two ends of one Bus, as two nodes of a cluster have them. Where a process is all there is, they are the same.
type Nodes struct {
	A, B server.Bus
}

// Run holds a Bus to the contract. Each case has nodes of its own; open closes them at the end of t.
func Run(t *testing.T, open func(t *testing.T) Nodes) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Nodes)
	}{
		{"every field arrives, on both nodes", everyField},
		{"only the topic's subscribers are poked", onlyTheTopic},
		{"any name is a topic of its own", anyName},
		{"those in the process are poked before Publish returns", atOnce},
		{"cancelling one leaves the others", cancelling},
		{"none is called after cancel", afterCancel},
		{"what is published after Subscribe leads to a poke", afterSubscribe},
		{"subscribing, publishing and cancelling at the same time", together},
		{"nobody listens", nobody},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

const app = "lethe"

func user(name string) server.Topic { return server.Topic{App: app, User: name} }

// Patience is how long is waited for what must come.
const Patience = 20 * time.Second

// Heard keeps the pokes that one subscriber got.
type Heard struct {
	mu     sync.Mutex
	pokes  []server.Poke
	Cancel func()
}

// Listen subscribes to a topic.
func Listen(b server.Bus, t server.Topic) *Heard {
	h := &Heard{}
	h.Cancel = b.Subscribe(t, func(p server.Poke) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.pokes = append(h.pokes, p)
	})
	return h
}

// Count is how many pokes came.
func (h *Heard) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.pokes)
}

// Has tells whether this poke came.
func (h *Heard) Has(p server.Poke) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, heard := range h.pokes {
		if heard == p {
			return true
		}
	}
	return false
}

// said are the pokes that say something.
func (h *Heard) said() (said []server.Poke) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.pokes {
		if p != (server.Poke{}) {
			said = append(said, p)
		}
	}
	return said
}

// Soon waits until a condition holds.
func Soon(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, Patience, 2*time.Millisecond, what)
}

// Tell publishes on one node until a listener on the other one has heard just that: pokes may be lost.
func Tell(t *testing.T, from server.Bus, topic server.Topic, h *Heard, p server.Poke) {
	t.Helper()
	last := time.Time{}
	Soon(t, "the poke arrives", func() bool {
		if time.Since(last) > time.Second {
			last = time.Now()
			from.Publish(topic, p)
		}
		return h.Has(p)
	})
}

func everyField(t *testing.T, n Nodes) {
	log := server.Topic{App: app, Log: 1 << 63}
	for _, topic := range []server.Topic{user("a"), log} {
		onA, onB := Listen(n.A, topic), Listen(n.B, topic)
		for _, p := range []server.Poke{
			{N: 1<<64 - 1}, {From: 1, To: 1<<63 + 7}, {Recall: 1 << 40}, {Closed: true}, {Except: 1<<64 - 3, From: 1},
			{N: 1, From: 2, To: 3, Recall: 4, Closed: true, Except: 5},
		} {
			Tell(t, n.A, topic, onB, p)
			require.True(t, onA.Has(p))
			Tell(t, n.B, topic, onA, p)
			require.True(t, onB.Has(p))
		}
		onA.Cancel()
		onB.Cancel()
	}
}

func onlyTheTopic(t *testing.T, n Nodes) {
	mine := server.Topic{App: app, User: "a"}
	others := []server.Topic{
		{App: "other", User: "a"}, {App: app, User: "b"}, {App: app, User: "aa"}, {App: app, User: "A"}, {App: app, User: "*"}, {App: app, User: ">"},
		{App: app + "a", User: "a"}, {App: "leth", User: "ea"}, {App: app, Log: 1}, {App: app, Log: 10}, {App: app, Log: 97},
	}
	heard := make([]*Heard, len(others))
	for i, o := range others {
		heard[i] = Listen(n.B, o)
	}
	h := Listen(n.B, mine)
	Tell(t, n.A, mine, h, server.Poke{N: 7})
	for i, o := range others { // what overtakes nothing: a poke of each comes after what was published before
		Tell(t, n.A, o, heard[i], server.Poke{N: 8})
		require.NotContains(t, heard[i].said(), server.Poke{N: 7}, "%+v", o)
	}
	require.NotContains(t, h.said(), server.Poke{N: 8})
}

func anyName(t *testing.T, n Nodes) {
	var topics []server.Topic
	for _, name := range []string{
		"a.b", "a b", "a", "a.", ".", "..", "*", ">", "a.*", "a.>", "\x00", "a\x00", "\t\r\n", "用户", "é", "e\u0301", "\xff\xfe", "_INBOX.x", "$SYS",
		strings.Repeat("x", 128), strings.Repeat("x", 127), strings.Repeat("漢", 42),
	} {
		topics = append(topics, server.Topic{App: app, User: name}, server.Topic{App: name, User: "u"}, server.Topic{App: name, Log: 5})
	}
	heard := make([]*Heard, len(topics))
	for i, topic := range topics {
		heard[i] = Listen(n.B, topic)
	}
	for i, topic := range topics {
		Tell(t, n.A, topic, heard[i], server.Poke{N: uint64(i) + 1})
	}
	for i, h := range heard {
		for _, p := range h.said() {
			require.EqualValues(t, i+1, p.N, "%+v heard another's", topics[i])
		}
	}
}

func atOnce(t *testing.T, n Nodes) {
	h := Listen(n.A, user("a"))
	n.A.Publish(user("a"), server.Poke{N: 3})
	require.True(t, h.Has(server.Poke{N: 3}))
}

func cancelling(t *testing.T, n Nodes) {
	first, second := Listen(n.B, user("a")), Listen(n.B, user("a"))
	Tell(t, n.A, user("a"), second, server.Poke{N: 1})
	first.Cancel()
	first.Cancel()
	before := first.Count()
	Tell(t, n.A, user("a"), second, server.Poke{N: 2})
	require.Equal(t, before, first.Count())
	second.Cancel()
	third := Listen(n.B, user("a"))
	Tell(t, n.A, user("a"), third, server.Poke{N: 3})
	require.False(t, second.Has(server.Poke{N: 3}))
}

func afterCancel(t *testing.T, n Nodes) {
	for range 200 {
		var cancelled, late atomic.Bool
		cancel := n.B.Subscribe(user("a"), func(server.Poke) {
			if cancelled.Load() {
				late.Store(true)
			}
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range uint64(20) {
				n.A.Publish(user("a"), server.Poke{N: i + 1})
				n.B.Publish(user("a"), server.Poke{N: i + 1})
			}
		}()
		cancel()
		cancelled.Store(true)
		<-done
		require.False(t, late.Load())
	}
}

// afterSubscribe publishes on the other node as soon as Subscribe has returned: the poke itself may be lost, but then another
// one comes.
func afterSubscribe(t *testing.T, n Nodes) {
	heard := make([]*Heard, 300)
	before := make([]int, len(heard))
	for i := range heard {
		topic := user(fmt.Sprint("new", i))
		heard[i] = Listen(n.B, topic)
		before[i] = heard[i].Count()
		n.A.Publish(topic, server.Poke{N: 1})
	}
	Soon(t, "each is poked", func() bool {
		for i, h := range heard {
			if h.Count() == before[i] {
				return false
			}
		}
		return true
	})
}

func together(t *testing.T, n Nodes) {
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 200 {
				topic := user(fmt.Sprint("u", (w+i)%5))
				bus := n.A
				if i%2 == 0 {
					bus = n.B
				}
				h := Listen(bus, topic)
				bus.Publish(topic, server.Poke{N: uint64(i + 1)})
				if !h.Has(server.Poke{N: uint64(i + 1)}) {
					t.Errorf("the poke %d is missing", i)
				}
				h.Cancel()
			}
		})
	}
	all.Wait()
	for i := range 5 { // and all is as before
		topic := user(fmt.Sprint("u", i))
		h := Listen(n.B, topic)
		Tell(t, n.A, topic, h, server.Poke{N: 1000})
		h.Cancel()
	}
}

func nobody(t *testing.T, n Nodes) {
	n.A.Publish(user("nobody"), server.Poke{N: 1})
	h := Listen(n.B, user("somebody"))
	Tell(t, n.A, user("somebody"), h, server.Poke{N: 2})
	h.Cancel()
	n.A.Publish(user("somebody"), server.Poke{N: 3})
	require.False(t, h.Has(server.Poke{N: 3}))
}
