package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/failpoint"
	"github.com/lethe-im/lethe/wire"
)

var serverKills = flag.Int("kills", 40, "how many times TestServerKills kills the server")

// rounds is how many kills one data folder sees.
const rounds = 10

// mercy is how long a failpoint may take to be reached under load.
const mercy = 30 * time.Second

// points are the failpoints that load comes to, with the most passings until one strikes.
var points = []struct {
	at   failpoint.Point
	most int
}{
	{failpoint.Begin, 300},
	{failpoint.Statement, 3000},
	{failpoint.Commit, 300},
	{failpoint.Committed, 300},
	{failpoint.Answer, 1000},
	{failpoint.Answered, 1000},
	{failpoint.Statement, 500},
	{failpoint.Purge, 1},
	{failpoint.Scrub, 1},
	{failpoint.Erase, 1},
}

// TestServerKills kills the real server while real clients and bare connections send and delete: every other time at a
// failpoint, else at random. After each kill the files are looked at, and in the end everybody's view: what was acknowledged
// is there, nothing is there by half, who asks again is answered the same, and the clients come back and agree.
func TestServerKills(t *testing.T) {
	plain, failpoints := build(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	struck := map[string]int{}
	start := time.Now()
	for done := 0; done < *serverKills; done += rounds {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			seed := seed + uint64(done)
			random := rand.New(rand.NewPCG(seed, 0))
			k := newKilled(t)
			require.True(t, k.start(plain, ""))
			w := k.world()
			k.prepare(w)
			workers, clients := newWorkers(k, w, seed), k.newClients(w, seed)
			stop := make(chan struct{})
			var all sync.WaitGroup
			for _, c := range clients {
				all.Go(func() { c.run(stop) })
			}
			for round := range min(rounds, *serverKills-done) {
				at := k.round(random, round, done/2+round/2, plain, failpoints, workers, clients)
				struck[at]++
				k.requireFiles(workers)
			}
			require.True(t, k.start(plain, ""))
			close(stop)
			all.Wait()
			k.requireViews(w, workers)
			k.requireConverged(w, clients)
			asked := 0
			for _, r := range workers {
				asked += len(r.asked)
			}
			t.Logf("%d requests asked", asked)
			require.Greater(t, asked, 5*min(rounds, *serverKills-done), "it was hardly under load")
			for _, c := range clients {
				c.leave()
			}
			k.end()
			k.requireFiles(workers)
		})
	}
	t.Logf("%d kills in %v: %v", *serverKills, time.Since(start).Round(time.Second), struck)
}

// round lets the server die once and tells where.
func (k *killed) round(random *rand.Rand, round, turn int, plain, failpoints string, workers []*worker, clients []*client) string {
	k.Helper()
	end := make(chan struct{})
	if round%2 == 0 {
		if round > 0 {
			require.True(k, k.start(plain, ""))
			comeBack(clients)
		}
		time.AfterFunc(time.Duration(100+random.IntN(500))*time.Millisecond, func() { _ = k.cmd.Process.Kill() })
		loadAll(workers, end)
		k.requireKilled("")
		return "random"
	}
	p := points[turn%len(points)]
	name := fmt.Sprintf("%s:%d", p.at, 1+random.IntN(p.most))
	if k.start(failpoints, name) {
		comeBack(clients)
		give := time.AfterFunc(mercy, func() { close(end) })
		loadAll(workers, end)
		give.Stop()
	}
	k.requireKilled(name)
	return string(p.at)
}

func comeBack(clients []*client) {
	for _, c := range clients {
		go c.setOnline(true)
	}
}

// An upgrade of the schema that is killed after any of its statements (each fifth, from a random one on) leaves the older database, whole.
func TestServerKilledWhileItUpgrades(t *testing.T) {
	_, failpoints := build(t)
	for n := 1 + rand.IntN(5); ; n += 5 {
		k := newKilled(t)
		require.NoError(t, os.Mkdir(k.data, 0o700))
		older(t, filepath.Join(k.data, "lethe.db"))
		name := fmt.Sprintf("%s:%d", failpoint.Migrate, n)
		listened := k.start(failpoints, name)
		if !listened {
			k.requireKilled(name)
			require.True(t, k.start(failpoints, ""))
		}
		l := k.dial(k.world(), "a", "1")
		page, head := l.page(t, "C2Cb")
		require.Equal(t, []int{2, 3}, []int{len(page), int(head)})
		require.NoError(t, l.ask(wire.OpSend, &wire.Send{SendID: newID(t), ConversationID: "C2Cb", Type: wire.TypeText, Payload: payload("x")}, &wire.SendAck{}))
		l.close()
		k.end()
		if listened {
			require.Greater(t, n, 20, "the injector did not bite")
			return
		}
	}
}

// A server that is killed while it makes its key makes another at the next start, rather than refusing half of one.
func TestServerKilledWhileItMakesItsKey(t *testing.T) {
	_, failpoints := build(t)
	k := newKilled(t)
	k.keyFile = ""
	require.False(t, k.start(failpoints, "key:1"))
	k.requireKilled("key:1")
	require.True(t, k.start(failpoints, ""))
	k.end()
	made, err := os.ReadFile(filepath.Join(k.data, "key"))
	require.NoError(t, err)
	require.Greater(t, len(made), 40)
}
