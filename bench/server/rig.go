package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
)

const (
	app = "lethe"
	// key signs the tokens of servers that only this bench reaches.
	key = "the bench's servers hear 127.0.0.1 alone"
)

// postgresSettings: every commit is synced, as is PostgreSQL's default. No checkpoint comes in between that the bench has
// not asked for.
var postgresSettings = []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=1GB", "max_wal_size=16GB",
	"checkpoint_timeout=1h", "wal_buffers=16MB"}

// rig is what the bench runs on: one PostgreSQL, one NATS, a folder on the disk, and servers as they are asked for.
type rig struct {
	plan     plan
	binary   string
	broker   string
	folder   string
	cluster  *pgtest.Cluster
	postgres int // its first process
	bus      *process
	busURL   string
	began    time.Time
	// Measurements that began while other work kept the processors busy, of how many.
	disturbed, begun int
	waited           time.Duration // for quiet, in all
	fsync            sample        // ms
}

// node is a running server.
type node struct {
	*process
	url string
}

var (
	listening = regexp.MustCompile(`^listening on (http://\S+)$`)
	natsReady = regexp.MustCompile(`Listening for client connections on (\S+)`)
)

// newRig starts PostgreSQL. binary and broker are the programs of Lethe and NATS. close ends all.
func newRig(p plan, binary, broker string) (r *rig, err error) {
	r = &rig{plan: p, binary: binary, broker: broker, began: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.folder, err = os.MkdirTemp("", "lethe-bench-"); err != nil {
		return r, err
	}
	if r.fsync, err = syncs(r.folder); err != nil {
		return r, err
	}
	if r.cluster, err = pgtest.Start(postgresSettings...); err != nil {
		return r, err
	}
	pid, err := os.ReadFile(filepath.Join(r.cluster.Data(), "postmaster.pid"))
	if err != nil {
		return r, err
	}
	first, _, _ := bytes.Cut(pid, []byte("\n"))
	if r.postgres, err = strconv.Atoi(string(first)); err != nil {
		return r, err
	}
	return r, nil
}

// startBus starts NATS, if it does not run.
func (r *rig) startBus() error {
	if r.bus != nil {
		return nil
	}
	bus, address, err := launch(natsReady, nil, r.broker, "--addr", "127.0.0.1", "--port", "-1")
	if err != nil {
		return err
	}
	r.bus, r.busURL = bus, "nats://"+address
	return nil
}

// stopBus ends NATS, if it runs.
func (r *rig) stopBus() error {
	if r.bus == nil {
		return nil
	}
	bus := r.bus
	r.bus = nil
	return bus.stop()
}

func (r *rig) close() (err error) {
	err = r.stopBus()
	if r.cluster != nil {
		err = errors.Join(err, r.cluster.Stop())
	}
	if r.folder != "" {
		err = errors.Join(err, os.RemoveAll(r.folder))
	}
	return err
}

// syncs is what the disk takes to make 4 KiB durable, in ms.
func syncs(folder string) (took sample, err error) {
	f, err := os.CreateTemp(folder, "sync")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	block := make([]byte, 4096)
	for range 200 {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, ms(time.Since(start)))
	}
	return took, nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(time.Millisecond) }

// newFolder is an empty folder for a server's SQLite.
func (r *rig) newFolder() (string, error) { return os.MkdirTemp(r.folder, "data-") }

// serve starts a server; args say where it keeps everything.
func (r *rig) serve(args ...string) (*node, error) {
	p, url, err := launch(listening, []string{"LETHE_KEY=" + key}, r.binary, append([]string{"serve", "--addr", "127.0.0.1:0", "--log", "warn"}, args...)...)
	if err != nil {
		return nil, err
	}
	return &node{p, url}, nil
}

func (r *rig) token(_ context.Context, user, role string) (string, error) {
	return server.SignToken([]byte(key), app, user, role, time.Now(), time.Now().Add(24*time.Hour))
}

// What counts as quiet, over how long, and how long it is waited for at once.
const (
	quietShare    = 0.1
	quietTime     = 100 * time.Millisecond
	quietPatience = 20 * time.Second
)

// quiet waits until nobody else keeps the processors busy, though not longer than the plan allows, and counts.
func (r *rig) quiet() error {
	r.begun++
	for start := time.Now(); ; {
		before, err := processes{}.spent()
		if err != nil {
			return err
		}
		time.Sleep(quietTime)
		now, err := processes{}.spent()
		if err != nil {
			return err
		}
		s := now.since(before)
		switch waited := time.Since(start); {
		case s.Busy <= quietShare*(s.Busy+s.Idle):
			r.waited += waited
			return nil
		case waited >= quietPatience || r.waited+waited >= r.plan.Patience:
			r.waited += waited
			r.disturbed++
			return nil
		}
	}
}

// say tells whoever waits how far it is.
func (r *rig) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%4.0f s: %s\n", math.Round(time.Since(r.began).Seconds()), fmt.Sprintf(format, args...))
}
