package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/promobserver"
	"github.com/lethe-im/lethe/server/sqlstore"
)

// admin is the listener for operators, and what it shows. Without --admin it has none, and nothing is counted.
type admin struct {
	listener net.Listener
	registry *prometheus.Registry
	web      *http.Server
	done     chan struct{}
	trace    func() error // hands over the last spans
}

// observe lets what the options ask for watch the server and its store: counts, traces, both or nobody.
func (o *serving) observe(made *server.Options, store *sqlstore.Store) (_ *admin, err error) {
	a := &admin{trace: func() error { return nil }}
	var watch sqlstore.Watch
	made.Observer = server.Unobserved{}
	if o.Admin != "" {
		if a.listener, err = net.Listen("tcp", o.Admin); err != nil {
			return nil, fmt.Errorf("--admin: %w", err)
		}
		a.registry = prometheus.NewRegistry()
		counts := promobserver.New(a.registry)
		made.Observer = counts
		promobserver.Gauge(a.registry, "lethe_purge_backlog", "Conversations that may have messages which no view holds and which are not purged yet.",
			func(ctx context.Context) (float64, error) {
				n, err := store.Backlog(ctx)
				return float64(n), err
			})
		watch = func(ctx context.Context, kind string) (context.Context, func(error)) {
			start := time.Now()
			return ctx, func(err error) { counts.Transaction(kind, time.Since(start), sqlstore.IsFailure(err)) }
		}
	}
	spans, end, err := o.tracing(made.Observer, made.Logger)
	if err != nil {
		return nil, errors.Join(err, a.end())
	}
	if spans != nil {
		a.trace, made.Observer, watch = end, spans, spans.Watch(watch)
	}
	store.Watched(watch)
	return a, nil
}

// serve begins to answer.
func (a *admin) serve(core *server.Server, logger *slog.Logger) error {
	if a.listener == nil {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { say(w, core.Ready(r.Context())) })
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	a.web = &http.Server{
		Handler: mux, ReadHeaderTimeout: headerWait, MaxHeaderBytes: headerLimit,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	a.done = make(chan struct{})
	go func() {
		defer close(a.done)
		if err := a.web.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("the admin address is not served any more", "err", err)
		}
	}()
	logger.Info("operators are answered", "address", a.listener.Addr().String())
	return nil
}

// say answers ok, or that something is not.
func say(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	text := "ok\n"
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = err.Error() + "\n"
	}
	_, _ = w.Write([]byte(text)) // who asks and goes needs no answer
}

// end closes the listener; profiles that are being taken are cut.
func (a *admin) end() error {
	err := a.trace()
	switch {
	case a.web != nil:
		err = errors.Join(err, a.web.Close())
		<-a.done
	case a.listener != nil:
		err = errors.Join(err, a.listener.Close())
	}
	return err
}
