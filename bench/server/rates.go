package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/load"
)

// installation is a store with one server or two on it.
type installation struct {
	name      string
	nodes     []*node
	processes processes
	// listeners: each user has a second device that hears of everything, on the other node where there are two.
	listeners bool
	address   string // of its database, "" where it is SQLite's
	works     []*work
}

// work is one kind of work that the users of an installation do, by a crowd on each node.
type work struct {
	kind    kind
	workers []*load.Crowd
	all     []*load.Crowd // with those who only listen
	rounds  []round
}

// kind is a kind of work. pace is in operations a second, 0 for as many as are answered.
type kind struct {
	name    string
	prefix  string
	deletes float64
	pace    float64
}

// round is what one time of work has shown.
type round struct {
	Deletions load.Spread `json:"deletions"`
	Sends     load.Spread `json:"sends"`
	// Microseconds of processor time an operation.
	Server   float64 `json:"server"`
	Database float64 `json:"database"`
	Bus      float64 `json:"bus"`
	Bench    float64 `json:"bench"`
	// Of all processors' time: what was used, and what of it by processes that are none of the bench's.
	Busy   float64 `json:"busy"`
	Others float64 `json:"others"`
}

// rate is what an installation bears of one kind of work: medians of the rounds.
type rate struct {
	Installation string  `json:"installation"`
	Work         string  `json:"work"`
	Deletions    float64 `json:"deletions"` // a second, acknowledged
	Sends        float64 `json:"sends"`
	DeleteP50    float64 `json:"deleteP50"` // ms
	DeleteP99    float64 `json:"deleteP99"`
	SendP50      float64 `json:"sendP50"`
	SendP99      float64 `json:"sendP99"`
	Server       float64 `json:"server"` // µs of processor time an operation
	Database     float64 `json:"database"`
	Bus          float64 `json:"bus"`
	Bench        float64 `json:"bench"`
	Busy         float64 `json:"busy"`
	Others       float64 `json:"others"`
	Rounds       []round `json:"rounds"`
}

// The kinds of work, as the report names them.
const (
	onlyDeletions = "deletions"
	onlySends     = "sends"
)

func bothAt(pace float64) string {
	return fmt.Sprintf("half deletions, half sends, %.0f/s in all", pace)
}

func (p plan) kinds() []kind {
	return []kind{
		{onlyDeletions, "d", 1, 0},
		{onlySends, "s", 0, 0},
		{bothAt(p.Pace), "b", 0.5, p.Pace},
	}
}

// The installations, as the report names them.
const (
	oneSQLite    = "SQLite, 1 node"
	onePostgres  = "PostgreSQL, 1 node"
	twoDevices   = "PostgreSQL, 1 node, 2 devices a user"
	twoNodes     = "PostgreSQL, 2 nodes, 2 devices a user"
	textbookRate = "textbook, PostgreSQL, no server"
)

// rates measures how many operations a second are acknowledged, and what they have left on PostgreSQL's disk. All installations
// run at once, and are at work in turn.
func (r *rig) rates(ctx context.Context) (all []rate, kept []size, err error) {
	var installations []*installation // the second is that of one node on PostgreSQL
	defer func() {
		for _, in := range installations {
			err = errors.Join(err, in.close())
		}
	}()
	for _, wanted := range []struct {
		name      string
		postgres  bool
		nodes     int
		listeners bool
	}{
		{oneSQLite, false, 1, false}, {onePostgres, true, 1, false}, {twoDevices, true, 1, true}, {twoNodes, true, 2, true},
	} {
		in := &installation{name: wanted.name, listeners: wanted.listeners}
		installations = append(installations, in)
		if err := r.install(ctx, in, wanted.postgres, wanted.nodes); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", in.name, err)
		}
		if err := r.gather(ctx, in); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", in.name, err)
		}
		r.say("%s: connected", in.name)
	}
	peer, err := r.openTextbookRate(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer peer.close()
	for i := range r.plan.Rounds {
		for k := range r.plan.kinds() {
			for _, in := range installations {
				if err := r.goRound(ctx, in, in.works[k]); err != nil {
					return nil, nil, fmt.Errorf("%s, %s: %w", in.name, in.works[k].kind.name, err)
				}
			}
		}
		if err := peer.goRound(ctx, r); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", textbookRate, err)
		}
		r.say("rates: round %d of %d", i+1, r.plan.Rounds)
	}
	for _, in := range installations {
		for _, w := range in.works {
			for _, c := range w.workers {
				if _, err := c.Check(ctx); err != nil {
					return nil, nil, fmt.Errorf("%s, %s: %w", in.name, w.kind.name, err)
				}
			}
			all = append(all, rateOf(in.name, w.kind.name, w.rounds))
		}
	}
	kept, err = sizes(ctx, installations[1].address)
	return append(all, rateOf(textbookRate, onlyDeletions, peer.rounds)), kept, err
}

// install starts the servers.
func (r *rig) install(ctx context.Context, in *installation, postgres bool, nodes int) error {
	var args []string
	if postgres {
		address, err := r.cluster.Database(ctx)
		if err != nil {
			return err
		}
		args, in.address = []string{"--store", address}, address
		in.processes.database = r.postgres
	} else {
		folder, err := r.newFolder()
		if err != nil {
			return err
		}
		args = []string{"--data", folder}
	}
	if nodes > 1 {
		if err := r.startBus(); err != nil {
			return err
		}
		args = append(args, "--bus", r.busURL)
		in.processes.bus = r.bus.pid()
	}
	for range nodes {
		n, err := r.serve(args...)
		if err != nil {
			return err
		}
		in.nodes = append(in.nodes, n)
		in.processes.servers = append(in.processes.servers, n.pid())
	}
	return nil
}

// gather connects the crowds. Of each two users who write to each other one is at work.
func (r *rig) gather(ctx context.Context, in *installation) error {
	for _, k := range r.plan.kinds() {
		w := &work{kind: k}
		in.works = append(in.works, w)
		workers := r.plan.Workers / len(in.nodes)
		for i, n := range in.nodes {
			o := load.Options{
				URL: n.url, App: app, Prefix: fmt.Sprint(k.prefix, i, "-"), Sockets: 2 * workers, Active: workers,
				Rate: k.pace / float64(len(in.nodes)), Deletes: k.deletes, Payload: payloadBytes, Token: r.token,
			}
			if k.deletes > 0 {
				o.History = r.plan.History
			}
			c, err := load.Gather(ctx, o)
			if err != nil {
				return err
			}
			w.all, w.workers = append(w.all, c), append(w.workers, c)
			if !in.listeners {
				continue
			}
			o.URL, o.Active, o.History = in.nodes[(i+1)%len(in.nodes)].url, 0, 0
			if c, err = load.Gather(ctx, o); err != nil {
				return err
			}
			w.all = append(w.all, c)
		}
	}
	return nil
}

func (in *installation) close() (err error) {
	for _, w := range in.works {
		for _, c := range w.all {
			c.Leave()
		}
	}
	for _, n := range in.nodes {
		err = errors.Join(err, n.stop())
	}
	return err
}

// goRound lets an installation's users do a work, and adds what was measured.
func (r *rig) goRound(ctx context.Context, in *installation, w *work) error {
	if err := r.quiet(); err != nil {
		return err
	}
	if _, err := w.together(ctx, r.plan.Warm); err != nil {
		return err
	}
	before, err := in.processes.spent()
	if err != nil {
		return err
	}
	reports, err := w.together(ctx, r.plan.Work)
	if err != nil {
		return err
	}
	after, err := in.processes.spent()
	if err != nil {
		return err
	}
	var one round
	for _, report := range reports {
		for name, n := range report.Errors {
			return fmt.Errorf("%d times: %s", n, name)
		}
		one.Deletions, one.Sends = beside(one.Deletions, report.Deletions), beside(one.Sends, report.Sends)
	}
	if w.kind.deletes == 1 && one.Sends.N > 0 {
		return errors.New("all is deleted: the history is too short")
	}
	w.rounds = append(w.rounds, one.spending(after.since(before)))
	return nil
}

// spending adds what an operation has cost. Nothing is known of rounds without one.
func (one round) spending(s spent) round {
	if n := float64(one.Deletions.N + one.Sends.N); n > 0 {
		one.Server, one.Database, one.Bus, one.Bench = s.Server*1e6/n, s.Database*1e6/n, s.Bus*1e6/n, s.Bench*1e6/n
	}
	if whole := s.Busy + s.Idle; whole > 0 {
		one.Busy = s.Busy / whole
		one.Others = max(0, s.Busy-s.Server-s.Database-s.Bus-s.Bench) / whole
	}
	return one
}

// together lets the crowds of all nodes work at the same time.
func (w *work) together(ctx context.Context, d time.Duration) ([]load.Report, error) {
	reports, failures := make([]load.Report, len(w.workers)), make([]error, len(w.workers))
	ended := make(chan struct{})
	for i, c := range w.workers {
		go func() {
			reports[i], failures[i] = c.Work(ctx, d)
			ended <- struct{}{}
		}()
	}
	for range w.workers {
		<-ended
	}
	return reports, errors.Join(failures...)
}

// beside is two nodes' times together: sums of what they did, and of the times the longer ones.
func beside(a, b load.Spread) load.Spread {
	return load.Spread{
		N: a.N + b.N, PerSecond: a.PerSecond + b.PerSecond,
		P50: max(a.P50, b.P50), P90: max(a.P90, b.P90), P99: max(a.P99, b.P99), Max: max(a.Max, b.Max),
	}
}

// rateOf is the medians of the rounds.
func rateOf(installation, work string, rounds []round) rate {
	median := func(of func(round) float64) float64 {
		var s sample
		for _, one := range rounds {
			s = append(s, of(one))
		}
		return s.median()
	}
	return rate{
		Installation: installation, Work: work, Rounds: rounds,
		Deletions: median(func(one round) float64 { return one.Deletions.PerSecond }),
		Sends:     median(func(one round) float64 { return one.Sends.PerSecond }),
		DeleteP50: median(func(one round) float64 { return one.Deletions.P50 }),
		DeleteP99: median(func(one round) float64 { return one.Deletions.P99 }),
		SendP50:   median(func(one round) float64 { return one.Sends.P50 }),
		SendP99:   median(func(one round) float64 { return one.Sends.P99 }),
		Server:    median(func(one round) float64 { return one.Server }),
		Database:  median(func(one round) float64 { return one.Database }),
		Bus:       median(func(one round) float64 { return one.Bus }),
		Bench:     median(func(one round) float64 { return one.Bench }),
		Busy:      median(func(one round) float64 { return one.Busy }),
		Others:    median(func(one round) float64 { return one.Others }),
	}
}
