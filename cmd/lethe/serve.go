package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/demo"
	"github.com/lethe-im/lethe/cmd/lethe/options"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

const serveHelp = `lethe serve --data DIR runs the server until it gets SIGINT or SIGTERM. When it is ready it prints one line:
listening on http://HOST:PORT. Devices connect to /v1/ws; the HTTP API for your own backend is under /v1.

With --store everything is kept in a PostgreSQL database instead, which several servers may share; DIR then has only the key.

Tokens are signed with a key: from --key-file, else from the variable LETHE_KEY, else from DIR/key, which is made at the
first start.
`

// drainTime is how long connections have to end when the server stops.
const drainTime = 5 * time.Second

// What a plain request may take: to say its headers, to come in whole (an import has 32 MiB), and with its answer (the core on
// a slow line). A WebSocket has its own times from the upgrade on.
const (
	headerWait  = 5 * time.Second
	bodyWait    = 2 * time.Minute
	answerWait  = 5 * time.Minute
	headerLimit = 16 << 10
)

// serving is what the options of serve say.
type serving struct{ options.Options }

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o serving
	done, unknown, err := configure("serve", &o.Options, args, stdout, stderr, serveHelp)
	if done || err != nil {
		return err
	}
	switch {
	case o.Data == "" && o.Store == "":
		return usage(stderr, "serve: --data is needed: the folder to keep everything in; or --store: a PostgreSQL database")
	case o.Demo && !o.Dev:
		return usage(stderr, "serve: --demo needs --dev")
	case wire.CheckIdentifier(o.App) != nil:
		return usage(stderr, "serve: --app must be 1 to %d bytes", wire.MaxIdentifier)
	}
	logger := o.logger(stderr)
	for _, name := range unknown {
		logger.Warn("a variable that looks like an option is none", "name", name)
	}
	return o.run(ctx, stdout, logger)
}

// configure reads a command's options: flags, then the environment, then the file.
func configure(command string, o *options.Options, args []string, stdout, stderr io.Writer, intro string, more ...func(*flag.FlagSet)) (done bool, unknown []string, err error) {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	options.Flags(f, o)
	for _, add := range more {
		add(f)
	}
	if done, err := parse(f, args, stdout, stderr, intro); done || err != nil {
		return done, nil, err
	}
	unknown, err = options.Finish(f, o, os.Environ())
	return false, unknown, err
}

func (o *serving) logger(stderr io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.Log)); err != nil {
		level = slog.LevelInfo // the options were checked
	}
	how := &slog.HandlerOptions{Level: level}
	if o.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(stderr, how))
	}
	return slog.New(slog.NewTextHandler(stderr, how))
}

// core is what the options say of the server itself. close ends what it has opened.
func (o *serving) core(key []byte, logger *slog.Logger) (made server.Options, close func() error, err error) {
	made = server.Options{
		Apps: map[string]server.App{o.App: {Key: key, Settings: server.Lethe}},
		Dev:  o.Dev, Logger: logger, WebPolicy: o.CSP,
	}
	if o.Limits != "" {
		if made.Limits, err = readLimits(o.Limits); err != nil {
			return made, nil, err
		}
	}
	if o.Proxies != "" {
		made.Proxies = strings.Split(o.Proxies, ",")
	}
	if o.Origins != "" {
		made.Origins = strings.Split(o.Origins, ",")
	}
	if o.Web == "" {
		return made, func() error { return nil }, nil
	}
	root, err := os.OpenRoot(o.Web) // no link leads out of it
	if err != nil {
		return made, nil, err
	}
	made.Web = root.FS()
	return made, root.Close, nil
}

// run opens the store, serves until ctx ends, and closes all again.
func (o *serving) run(ctx context.Context, stdout io.Writer, logger *slog.Logger) (err error) {
	if o.Data != "" {
		if err := os.MkdirAll(o.Data, 0o700); err != nil {
			return err
		}
	}
	key, err := readKey(o.KeyFile, o.Data, true)
	if err != nil {
		return err
	}
	made, closeWeb, err := o.core(key, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeWeb()) }()
	store, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	admin, err := o.observe(&made, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.end()) }()
	if o.Demo {
		if err := demo.Fill(ctx, store, o.App, time.Now()); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	made.Store = store
	closeBus, err := o.join(&made, admin, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBus()) }()
	core, err := server.New(made)
	if err != nil {
		return err
	}
	if err := admin.serve(core, logger); err != nil {
		return errors.Join(err, stop(ctx, core))
	}
	if o.Settings != "" {
		file := settingsFile{path: o.Settings, app: o.App}
		if _, err := file.apply(ctx, core); err != nil {
			return errors.Join(err, stop(ctx, core))
		}
		watching, end := context.WithCancel(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			file.watch(watching, core, logger)
		}()
		defer func() {
			end()
			<-watched
		}()
	}
	return o.listen(ctx, core, stdout, logger)
}

// open opens the store that the options name.
func (o *serving) open(ctx context.Context) (*sqlstore.Store, error) {
	if o.Store != "" {
		return sqlstore.OpenPostgres(ctx, o.Store)
	}
	return sqlstore.Open(ctx, filepath.Join(o.Data, storeName))
}

// stop lets the connections end. ctx may have ended: this has its own time.
func stop(ctx context.Context, core *server.Server) error {
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return core.Shutdown(drain)
}

// listen serves core until ctx ends, waits for balancers to notice, and then lets the connections end.
func (o *serving) listen(ctx context.Context, core *server.Server, stdout io.Writer, logger *slog.Logger) error {
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return errors.Join(err, stop(ctx, core))
	}
	unused := &unused{connections: map[net.Conn]bool{}}
	web := &http.Server{
		ConnState:         unused.watch,
		Handler:           core.Handler(),
		ReadHeaderTimeout: headerWait,
		ReadTimeout:       bodyWait,
		IdleTimeout:       2 * time.Minute,
		WriteTimeout:      answerWait,
		MaxHeaderBytes:    headerLimit,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(l) }()
	if _, err := fmt.Fprintf(stdout, "listening on http://%s\n", l.Addr()); err != nil {
		return errors.Join(err, stop(ctx, core), web.Close())
	}
	select {
	case err := <-failed:
		return errors.Join(err, stop(ctx, core))
	case <-ctx.Done():
	}
	core.Retire()
	if o.DrainWait > 0 {
		select {
		case err := <-failed:
			return errors.Join(err, stop(ctx, core))
		case <-time.After(o.DrainWait):
		}
	}
	if err := stop(ctx, core); err != nil {
		logger.Warn("some connections were cut", "err", err)
	}
	unused.close()
	// Plain requests take no longer than their own answer.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := web.Shutdown(drain); err != nil {
		return errors.Join(err, web.Close())
	}
	if err := core.Await(drain); err != nil {
		logger.Warn("some who came last were cut", "err", err)
	}
	return nil
}
