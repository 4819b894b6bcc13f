// Package proxytest is a TCP proxy for tests. It balances connections over several servers as a load balancer does, and breaks
// them as networks do: it cuts them, refuses new ones, or falls silent.
package proxytest

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Proxy is one listening proxy.
type Proxy struct {
	listener net.Listener
	accepted sync.WaitGroup

	mu      sync.Mutex
	targets []string
	next    int
	lines   map[*line]struct{}
	refuse  bool
	silent  chan struct{} // set: nothing passes until it is closed
	closed  bool
	passed  int64
}

// line is one connection through the proxy.
type line struct {
	target string
	ends   [2]net.Conn
}

func (l *line) cut() {
	for _, c := range l.ends {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // as a reset, not as an orderly end; a closed one is what is wanted
		}
		_ = c.Close()
	}
}

// Open opens a proxy to servers (host:port), for the time of a test.
func Open(t *testing.T, targets ...string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{listener: l, targets: targets, lines: map[*line]struct{}{}}
	p.accepted.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// To sets the servers for new connections; none refuses them.
func (p *Proxy) To(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
}

// Refuse lets new connections be refused, or not any more.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// Cut resets the connections to a server, all for "", and tells how many there were.
func (p *Proxy) Cut(target string) (cut int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.lines {
		if target == "" || l.target == target {
			delete(p.lines, l)
			l.cut()
			cut++
		}
	}
	return cut
}

// Silence lets nothing pass in either direction, on open connections and new ones, or lets all go on where it stopped.
func (p *Proxy) Silence(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case silent && p.silent == nil:
		p.silent = make(chan struct{})
	case !silent && p.silent != nil:
		close(p.silent)
		p.silent = nil
	}
}

// Lines counts the open connections by server.
func (p *Proxy) Lines() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := map[string]int{}
	for l := range p.lines {
		lines[l.target]++
	}
	return lines
}

// Passed is how many bytes have passed.
func (p *Proxy) Passed() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Silence(false)
	_ = p.listener.Close()
	p.Cut("")
	p.accepted.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.accepted.Go(func() { p.serve(c) })
	}
}

// serve connects c to the next server that takes it.
func (p *Proxy) serve(c net.Conn) {
	p.mu.Lock()
	targets := slices.Clone(p.targets)
	if n := len(targets); n > 0 {
		p.next++
		targets = append(targets[p.next%n:], targets[:p.next%n]...)
	}
	if p.refuse {
		targets = nil
	}
	p.mu.Unlock()
	for _, target := range targets {
		to, err := net.DialTimeout("tcp", target, time.Second)
		if err != nil {
			continue
		}
		l := &line{target, [2]net.Conn{c, to}}
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			l.cut()
			return
		}
		p.lines[l] = struct{}{}
		p.mu.Unlock()
		p.accepted.Go(func() { p.pump(l, to, c) })
		p.pump(l, c, to)
		return
	}
	_ = c.Close() // as a port on which nobody listens
}

// pump passes on what comes from one end, and ends the line when it ends.
func (p *Proxy) pump(l *line, from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		silent := p.silent
		p.passed += int64(n)
		p.mu.Unlock()
		if silent != nil {
			<-silent
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	delete(p.lines, l)
	p.mu.Unlock()
	_ = from.Close()
	_ = to.Close()
}
