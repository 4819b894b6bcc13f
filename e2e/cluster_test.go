package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/cmd/lethe/load"
	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/natsbus/natstest"
	"github.com/lethe-im/lethe/server/proxytest"
)

// binary is lethe as users run it.
var binary = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs("../.cache/e2e/lethe")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", path, "../cmd/lethe").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, err
})

// cluster is several nodes on one store, a NATS server between them and a balancer before them. Its devices connect to the
// balancer unless they say otherwise.
type cluster struct {
	*world
	nats     *natstest.Broker
	balancer *proxytest.Proxy
	nodes    []*node
}

// shared is a store for several nodes: what each is told of it.
type shared struct {
	options, environment []string
}

func newCluster(t *testing.T, s shared, nodes int) *cluster {
	t.Helper()
	c := &cluster{world: &world{t: t, ctx: t.Context()}, nats: natstest.Start(t)}
	for i := range nodes {
		n := &node{
			T: t, name: fmt.Sprint("node ", i+1), address: "127.0.0.1:0", options: s.options,
			environment: append([]string{"LETHE_KEY=" + string(key), "LETHE_BUS=nats://" + c.nats.Address()}, s.environment...),
		}
		n.start()
		t.Cleanup(n.end)
		c.nodes = append(c.nodes, n)
	}
	c.balancer = proxytest.Open(t, c.addresses()...)
	c.url = "http://" + c.balancer.Address()
	return c
}

func (c *cluster) addresses() (all []string) {
	for _, n := range c.nodes {
		all = append(all, n.address)
	}
	return all
}

// device is one that connects to the balancer. The nodes behind that die: it may report failures.
func (c *cluster) device(user string) *device {
	d := c.world.device(user)
	d.broken = true
	return d
}

// on is a device that connects to one node, past the balancer.
func (c *cluster) on(n *node, user string) *device {
	c.t.Helper()
	d := (&world{t: c.t, ctx: c.ctx, url: n.url()}).device(user)
	d.broken = true
	return d.login()
}

// node is one process of lethe serve.
type node struct {
	*testing.T
	name                 string
	address              string
	program              string // what it runs; the server as it is if empty
	options, environment []string
	command              *exec.Cmd
	log                  *journal
}

func (n *node) url() string { return "http://" + n.address }

// start starts it, at its address if it has one, and waits until it listens.
func (n *node) start() {
	n.Helper()
	path, err := n.program, error(nil)
	if path == "" {
		path, err = binary()
	}
	require.NoError(n, err)
	n.command = exec.Command(path, append([]string{"serve", "--addr", n.address}, n.options...)...)
	n.command.Env = append(os.Environ(), n.environment...)
	n.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n.log = &journal{}
	n.command.Stderr = n.log
	stdout, err := n.command.StdoutPipe()
	require.NoError(n, err)
	require.NoError(n, n.command.Start())
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n') // at an early end it is empty
		said <- line
	}()
	select {
	case line := <-said:
		found := regexp.MustCompile(`^listening on http://(\S+)\n$`).FindStringSubmatch(line)
		require.NotNil(n, found, "%s: %q %s", n.name, line, n.log)
		n.address = found[1]
	case <-time.After(30 * time.Second):
		require.Fail(n, "it does not listen", "%s: %s", n.name, n.log)
	}
}

// kill ends it as kill -9 does.
func (n *node) kill() {
	n.Helper()
	require.NoError(n, n.command.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(n, n.command.Wait(), &exit)
	require.Equal(n, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s: %s", n.name, n.log)
}

// drain ends it as an operator does.
func (n *node) drain() {
	n.Helper()
	require.NoError(n, n.command.Process.Signal(syscall.SIGTERM))
	require.NoError(n, n.command.Wait(), "%s: %s", n.name, n.log)
}

func (n *node) end() {
	_ = n.command.Process.Kill() // it may have ended
	_ = n.command.Wait()
	if n.Failed() {
		n.Logf("%s:\n%s", n.name, n.log)
	}
}

// journal is a process's log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// crowd is a load on the cluster that goes on until it is told to end. It knows what was acknowledged.
type crowd struct {
	*load.Crowd
	c     *cluster
	end   context.CancelFunc
	ended chan struct{}

	mu                           sync.Mutex
	sends, deletions, reconnects int
	longest                      float64 // ms that somebody was away
	errors                       map[string]int
}

// crowd lets so many users, in pairs, send and delete as fast as they are answered, up to a rate.
func (c *cluster) crowd(users int, rate float64) *crowd {
	c.t.Helper()
	gathered, err := load.Gather(c.ctx, load.Options{
		URL: c.url, App: "lethe", Prefix: "load-", Sockets: users, Active: users, Rate: rate, Deletes: 0.4, Payload: 50,
		Token: func(_ context.Context, user, role string) (string, error) {
			return server.SignToken(key, "lethe", user, role, time.Now(), time.Now().Add(time.Hour))
		},
	})
	require.NoError(c.t, err)
	x := &crowd{Crowd: gathered, c: c, ended: make(chan struct{}), errors: map[string]int{}}
	c.t.Cleanup(gathered.Leave)
	working, end := context.WithCancel(c.ctx)
	x.end = end
	go func() {
		defer close(x.ended)
		for working.Err() == nil {
			r, err := gathered.Work(c.ctx, time.Second)
			if err != nil {
				return // the test is over
			}
			x.note(r)
		}
	}()
	return x
}

func (x *crowd) note(r load.Report) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sends += r.Sends.N + r.SendsAcross.N
	x.deletions += r.Deletions.N + r.DeletionsAcross.N
	x.reconnects += r.Away.N
	x.longest = max(x.longest, r.Away.Max)
	for name, n := range r.Errors {
		x.errors[name] += n
	}
}

// check lets all come to their answers and asks the nodes for what they have acknowledged: nothing may be lost, nothing done twice.
func (x *crowd) check() {
	t := x.c.t
	t.Helper()
	x.end()
	<-x.ended
	require.NoError(t, x.AllBack(x.c.ctx))
	checked, err := x.Check(x.c.ctx)
	require.NoError(t, err)
	require.Zero(t, checked.Open, "all are answered in the end")
	x.mu.Lock()
	defer x.mu.Unlock()
	require.NotZero(t, x.sends)
	require.NotZero(t, x.deletions)
	t.Logf("%d sends and %d deletions acknowledged, %d reconnects, away for %.0f ms at most; %v", x.sends, x.deletions, x.reconnects, x.longest, x.errors)
}

// people are two users with two devices each, all through the balancer: ann writes and deletes, bob reads.
type people struct {
	c        *cluster
	ann, bob [2]*device
	sent     []string
	deleted  map[string]bool
}

func (c *cluster) people() *people {
	c.t.Helper()
	p := &people{c: c, deleted: map[string]bool{}}
	for i := range 2 {
		p.ann[i], p.bob[i] = c.device("ann").login(), c.device("bob").login()
	}
	p.say("hello")
	return p
}

// say sends one message. It may have to wait on the device.
func (p *people) say(text string) {
	p.c.t.Helper()
	p.ann[0].send("C2C", "bob", text)
	p.sent = append(p.sent, text)
}

// converge waits until every device shows what it must, in order and once.
func (p *people) converge() {
	t := p.c.t
	t.Helper()
	require.NotEmpty(t, p.deleted)
	kept := []string{}
	for _, text := range p.sent {
		if !p.deleted[text] {
			kept = append(kept, text)
		}
	}
	for _, show := range []struct {
		devices [2]*device
		id      string
		want    []string
	}{{p.ann, "C2Cbob", kept}, {p.bob, "C2Cann", p.sent}} {
		for _, d := range show.devices {
			var shown, kept []string
			if !soonWithin(40*time.Second, func() bool {
				shown = texts(d.page(show.id))
				kept = d.remoteTexts(show.id)
				return slices.Equal(shown, show.want) && slices.Equal(kept, show.want)
			}) {
				require.Equal(t, show.want, shown, "%s does not come to it", d.user)
				require.Equal(t, show.want, kept, "the server does not, for %s", d.user)
			}
		}
	}
}

// remoteTexts are the texts that the server shows the user, nil while it does not answer.
func (d *device) remoteTexts(id string) (shown []string) {
	next := ""
	for {
		r, err := d.FetchRemoteHistory(d.w.ctx, &sdk.MessageListRequest{ConversationID: id, Count: 100, NextReqMessageID: next})
		if err != nil {
			return nil
		}
		shown = append(texts(r.MessageList), shown...)
		if next = r.NextReqMessageID; r.IsCompleted {
			return shown
		}
	}
}

func soonWithin(patience time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// nobodyListens makes sure that a node is gone.
func (n *node) nobodyListens() {
	n.Helper()
	_, err := net.DialTimeout("tcp", n.address, time.Second)
	require.Error(n, err)
}
