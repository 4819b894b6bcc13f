// Command server measures the server: how many deletions and messages a second it acknowledges, on SQLite and on PostgreSQL, on one
// node and on two; what a connection costs; and what deleting costs against a textbook implementation on the same PostgreSQL, in
// one run. It runs on Linux, whose /proc tells what processes use. See bench/server/README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/procfs"
)

func main() {
	short := flag.Bool("quick", false, "small sizes: shows that all of it runs, says nothing about speed")
	binary := flag.String("lethe", "bin/lethe", "the server's `program`")
	broker := flag.String("nats", "nats-server", "NATS's `program`")
	results := flag.String("results", "bench/results", "write the report as JSON into this `folder`")
	only := flag.String("only", strings.Join(parts, ","), "measure only these `parts`")
	flag.Parse()
	p := full
	if *short {
		p = quick
	}
	p.Only = strings.Split(*only, ",")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := p.check()
	if err == nil {
		err = run(ctx, p, *binary, *broker, *results)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, prints, and writes the report.
func run(ctx context.Context, p plan, binary, broker, results string) (err error) {
	r, err := newRig(p, binary, broker)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	told, err := r.begin(ctx)
	if err != nil {
		return err
	}
	for _, part := range p.Only {
		switch part {
		case partCosts:
			told.Costs, err = r.costs(ctx)
		case partRates:
			told.Rates, told.Sizes, err = r.rates(ctx)
		case partSockets:
			told.Sockets, err = r.sockets(ctx)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", part, err)
			break // what was measured before is told all the same
		}
	}
	told.Goals = told.goals()
	told.Disturbed, told.Begun = r.disturbed, r.begun
	told.Minutes = time.Since(r.began).Minutes()
	return errors.Join(err, told.write(os.Stdout), told.keep(results))
}

// begin is a report with what is known before anything was measured.
func (r *rig) begin(ctx context.Context) (*report, error) {
	address, err := r.cluster.Database(ctx)
	if err != nil {
		return nil, err
	}
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	var version string
	err = connection.QueryRow(ctx, `SELECT 'PostgreSQL ' || current_setting('server_version')`).Scan(&version)
	if err = errors.Join(err, connection.Close(ctx)); err != nil {
		return nil, err
	}
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, err
	}
	processors, err := proc.CPUInfo()
	if err != nil || len(processors) == 0 {
		return nil, errors.Join(err, errors.New("/proc/cpuinfo names no processor"))
	}
	source, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		source = []byte("no commit") // it is built from an archive
	}
	return &report{
		Date: r.began.UTC().Format(time.RFC3339), Machine: fmt.Sprintf("%d × %s", runtime.NumCPU(), processors[0].ModelName),
		Source: strings.TrimSpace(string(source)), Plan: r.plan.Name, Postgres: version, Settings: postgresSettings,
		SyncP50: r.fsync.median(), SyncP99: r.fsync.p99(),
	}, nil
}

// keep writes the report into a folder.
func (r *report) keep(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := "server-" + strings.ReplaceAll(r.Date, ":", "-") + ".json"
	return os.WriteFile(filepath.Join(folder, name), append(text, '\n'), 0o644)
}
