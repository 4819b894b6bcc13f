package e2e

import (
	"context"
	"sync"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
	"github.com/lethe-im/lethe/ws"
)

// lines are one client's connections under the test's eyes.
type lines struct {
	mu   sync.Mutex
	sent map[string]int // requests, by operation
	open []*line
	// frozen: nothing leaves and nothing is read, as in a tab that does not run.
	frozen  bool
	dead    bool
	holding string // the operation whose requests do not leave, if any
	held    []held
	thawed  chan struct{}
}

// held is a request that waits until its tab runs again, or its operation is let go.
type held struct {
	operation string
	write     func()
}

// line is one connection.
type line struct {
	sdk.Conn
	of *lines
}

func (l *lines) dial(ctx context.Context, url string) (sdk.Conn, error) {
	l.mu.Lock()
	dead := l.dead
	l.mu.Unlock()
	if dead {
		return nil, &sdk.Closed{}
	}
	conn, err := ws.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := &line{conn, l}
	l.open = append(l.open, one)
	return one, nil
}

func (l *line) Write(ctx context.Context, message []byte) error {
	f, err := wire.DecodeFrame(message, wire.MaxClientFrame)
	if err != nil {
		return err
	}
	l.of.mu.Lock()
	if l.of.frozen || f.Type == l.of.holding {
		l.of.held = append(l.of.held, held{f.Type, func() { _ = l.write(context.Background(), f.Type, message) }})
		l.of.mu.Unlock()
		return nil
	}
	l.of.mu.Unlock()
	return l.write(ctx, f.Type, message)
}

func (l *line) write(ctx context.Context, operation string, message []byte) error {
	l.of.mu.Lock()
	l.of.sent[operation]++
	l.of.mu.Unlock()
	return l.Conn.Write(ctx, message)
}

func (l *line) Read(ctx context.Context) ([]byte, error) {
	message, err := l.Conn.Read(ctx)
	l.of.mu.Lock()
	frozen, thawed := l.of.frozen, l.of.thawed
	l.of.mu.Unlock()
	if frozen {
		<-thawed
	}
	return message, err
}

// count is how often an operation has left.
func (l *lines) count(operation string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent[operation]
}

// holds is how many requests of an operation wait to leave.
func (l *lines) holds(operation string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, request := range l.held {
		if request.operation == operation {
			n++
		}
	}
	return n
}

// hold keeps the requests of an operation here, while all else runs, until release is called.
func (l *lines) hold(operation string) (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holding = operation
	return func() { l.letGo(func() { l.holding = "" }) }
}

// letGo ends what keeps requests here, and sends them.
func (l *lines) letGo(end func()) {
	l.mu.Lock()
	end()
	all := l.held
	l.held = nil
	l.mu.Unlock()
	for _, request := range all {
		request.write()
	}
}

// freeze stops the client's tab: it hears nothing, neither from the server nor from its neighbours.
func (d *device) freeze() {
	d.tab.Freeze()
	d.lines.mu.Lock()
	defer d.lines.mu.Unlock()
	d.lines.frozen, d.lines.thawed = true, make(chan struct{})
}

func (d *device) thaw() {
	d.lines.letGo(func() {
		d.lines.frozen = false
		close(d.lines.thawed)
	})
	d.tab.Thaw()
}

// die ends the client as a crash of its tab does: its locks are free, its connections are cut, and what it has not sent is not.
func (d *device) die() {
	d.lines.mu.Lock()
	d.lines.dead = true
	d.lines.held = nil
	open := d.lines.open
	frozen := d.lines.frozen
	d.lines.mu.Unlock()
	for _, l := range open {
		_ = l.Conn.Close(wire.CloseNormal, "")
	}
	if frozen {
		d.thaw()
	}
	d.tab.Kill()
}
