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
	"sync"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/demo"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

const serveHelp = `lethe serve --data DIR runs the server until it gets SIGINT or SIGTERM. When it is ready it prints one line:
listening on http://HOST:PORT. Devices connect to /v1/ws; the HTTP API for your own backend is under /v1.

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
type serving struct {
	addr, data, keyFile, app, settings, limits, web, csp, origins, proxies string
	dev, demo                                                              bool
}

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o serving
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen on this `host:port`; port 0 takes a free one")
	f.StringVar(&o.data, "data", "", "keep everything in this `folder`; it is made if it is missing")
	f.StringVar(&o.keyFile, "key-file", "", "read the key that signs tokens from this `file`")
	f.StringVar(&o.app, "app", "lethe", "the `app` that is served")
	f.StringVar(&o.settings, "settings", "", "take the app's settings from this JSON `file`, again whenever it changes")
	f.StringVar(&o.web, "web", "", "serve index.html and dist/ of this `folder` at /")
	f.StringVar(&o.csp, "csp", "", "send this Content-Security-`policy` with --web instead of the strict one; none sends none")
	f.StringVar(&o.limits, "limits", "", "take limits on connections, rates and times from this JSON `file`; docs/server.md lists them")
	f.StringVar(&o.proxies, "proxies", "", "take X-Forwarded-For from reverse proxies at these `addresses` or networks: with commas between")
	f.StringVar(&o.origins, "origins", "", "let pages of these other `hosts` connect: patterns with commas between")
	f.BoolVar(&o.dev, "dev", false, "give anyone a token at /v1/dev/token?user=U: for development only")
	f.BoolVar(&o.demo, "demo", false, "fill an empty store with invented chats of userA and userB; needs --dev")
	if done, err := parse(f, args, stdout, stderr, serveHelp); done || err != nil {
		return err
	}
	switch {
	case o.data == "":
		return usage(stderr, "serve: --data is needed: the folder to keep everything in")
	case o.demo && !o.dev:
		return usage(stderr, "serve: --demo needs --dev")
	case wire.CheckIdentifier(o.app) != nil:
		return usage(stderr, "serve: --app must be 1 to %d bytes", wire.MaxIdentifier)
	}
	return o.run(ctx, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
}

// run opens the store, serves until ctx ends, and closes all again.
func (o serving) run(ctx context.Context, stdout io.Writer, logger *slog.Logger) (err error) {
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return err
	}
	key, err := readKey(o.keyFile, o.data, true)
	if err != nil {
		return err
	}
	options := server.Options{
		Apps: map[string]server.App{o.app: {Key: key, Settings: server.Lethe}},
		Dev:  o.dev, Logger: logger, WebPolicy: o.csp,
	}
	if o.limits != "" {
		if options.Limits, err = readLimits(o.limits); err != nil {
			return err
		}
	}
	if o.proxies != "" {
		options.Proxies = strings.Split(o.proxies, ",")
	}
	if o.origins != "" {
		options.Origins = strings.Split(o.origins, ",")
	}
	if o.web != "" {
		root, err := os.OpenRoot(o.web) // no link leads out of it
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, root.Close()) }()
		options.Web = root.FS()
	}
	store, err := sqlstore.Open(ctx, filepath.Join(o.data, "lethe.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if o.demo {
		if err := demo.Fill(ctx, store, o.app, time.Now()); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	options.Store = store
	core, err := server.New(options)
	if err != nil {
		return err
	}
	if o.settings != "" {
		file := settingsFile{path: o.settings, app: o.app}
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
	return listen(ctx, o.addr, core, stdout, logger)
}

// stop lets the connections end. ctx may have ended: this has its own time.
func stop(ctx context.Context, core *server.Server) error {
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return core.Shutdown(drain)
}

// listen serves core at addr until ctx ends, then lets the connections end.
func listen(ctx context.Context, addr string, core *server.Server, stdout io.Writer, logger *slog.Logger) error {
	l, err := net.Listen("tcp", addr)
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
	return nil
}

// unused are connections on which nothing has been asked yet. Browsers keep spare ones, and http.Server.Shutdown waits 5 s
// for a request on each.
type unused struct {
	mu          sync.Mutex
	connections map[net.Conn]bool
	closing     bool
}

func (u *unused) watch(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.connections, c)
	case u.closing:
		_ = c.Close() // nothing was sent on it
	default:
		u.connections[c] = true
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closing = true
	for c := range u.connections {
		_ = c.Close() // nothing was sent on it
	}
}
