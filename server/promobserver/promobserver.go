// Package promobserver counts what a server does, for Prometheus. No label tells of a user, a conversation or an address: each
// has a small fixed set of values.
package promobserver

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// latencies are the upper bounds of the histograms, in seconds: a commit takes a millisecond on a good disk, and what takes
// longer than a client waits (15 s) is all the same.
var latencies = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15}

// Observer is a server.Observer whose counts a registry has.
type Observer struct {
	connections  prometheus.Gauge
	connected    prometheus.Counter
	closed       *prometheus.CounterVec
	operations   *prometheus.CounterVec
	operating    *prometheus.HistogramVec
	calls        *prometheus.CounterVec
	calling      *prometheus.HistogramVec
	pushes       *prometheus.CounterVec
	drops        prometheus.Counter
	sweeps       *prometheus.HistogramVec
	sweepErrors  *prometheus.CounterVec
	transactions *prometheus.HistogramVec
	storeErrors  *prometheus.CounterVec
}

var _ server.Observer = (*Observer)(nil)

// New makes an observer and registers its counts, and those of the Go runtime and the process.
func New(to *prometheus.Registry) *Observer {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		to.MustRegister(c)
		return c
	}
	histogram := func(name, help, label string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latencies}, []string{label})
		to.MustRegister(h)
		return h
	}
	o := &Observer{
		connections:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "lethe_connections", Help: "Open connections of devices."}),
		connected:    counter("lethe_connections_opened_total", "Connections of devices that have come.").WithLabelValues(),
		closed:       counter("lethe_connections_closed_total", "Connections that have ended, by close code; 1000 = the device went.", "code"),
		operations:   counter("lethe_operations_total", "Requests of devices, by operation and name of the code answered.", "op", "code"),
		operating:    histogram("lethe_operation_seconds", "Time to answer a request, by operation.", "op"),
		calls:        counter("lethe_calls_total", "Calls of the HTTP API, by endpoint and status.", "endpoint", "status"),
		calling:      histogram("lethe_call_seconds", "Time to answer a call of the HTTP API, by endpoint.", "endpoint"),
		pushes:       counter("lethe_pushes_total", "Events queued for devices, by event.", "event"),
		drops:        counter("lethe_push_drops_total", "Events given up because a device does not read.").WithLabelValues(),
		sweeps:       histogram("lethe_sweep_seconds", "Time of background work, by kind: forget, rooms, purge.", "work"),
		sweepErrors:  counter("lethe_sweep_errors_total", "Background work that has failed, by kind; a reader in the way counts.", "work"),
		transactions: histogram("lethe_store_transaction_seconds", "Time of the store's transactions, waiting for their turn included, by kind: read, write.", "kind"),
		storeErrors:  counter("lethe_store_errors_total", "Transactions in which the store itself has failed, by kind.", "kind"),
	}
	to.MustRegister(o.connections, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	for _, kind := range []string{"read", "write"} {
		o.storeErrors.WithLabelValues(kind)
	}
	return o
}

// Gauge lets the registry ask for a number when it is asked itself. A failing one is left out of that answer.
func Gauge(to *prometheus.Registry, name, help string, value func(context.Context) (float64, error)) {
	to.MustRegister(&asked{desc: prometheus.NewDesc(name, help, nil, nil), value: value})
}

// askedWithin bounds how long a number may take.
const askedWithin = 2 * time.Second

type asked struct {
	desc  *prometheus.Desc
	value func(context.Context) (float64, error)
}

// Describe implements prometheus.Collector.
func (a *asked) Describe(to chan<- *prometheus.Desc) { to <- a.desc }

// Collect implements prometheus.Collector.
func (a *asked) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askedWithin)
	defer cancel()
	if v, err := a.value(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, v)
	}
}

// Connected implements server.Observer.
func (o *Observer) Connected() func(wire.CloseCode) {
	o.connections.Inc()
	o.connected.Inc()
	return func(code wire.CloseCode) {
		o.connections.Dec()
		o.closed.WithLabelValues(strconv.Itoa(int(code))).Inc()
	}
}

// Operation implements server.Observer.
func (o *Observer) Operation(ctx context.Context, op, _ string) (context.Context, func(wire.Code)) {
	start := time.Now()
	return ctx, func(code wire.Code) {
		o.operating.WithLabelValues(op).Observe(time.Since(start).Seconds())
		o.operations.WithLabelValues(op, nameOf(code)).Inc()
	}
}

// nameOf is a code's name; that nothing went wrong has none in the table.
func nameOf(code wire.Code) string {
	if code == wire.OK {
		return "OK"
	}
	return code.Name()
}

// Call implements server.Observer.
func (o *Observer) Call(ctx context.Context, endpoint, _ string) (context.Context, func(int)) {
	start := time.Now()
	return ctx, func(status int) {
		o.calling.WithLabelValues(endpoint).Observe(time.Since(start).Seconds())
		o.calls.WithLabelValues(endpoint, strconv.Itoa(status)).Inc()
	}
}

// Pushed implements server.Observer.
func (o *Observer) Pushed(event string, dropped int) {
	o.pushes.WithLabelValues(event).Inc()
	o.drops.Add(float64(dropped))
}

// Swept implements server.Observer.
func (o *Observer) Swept(work string, took time.Duration, err error) {
	o.sweeps.WithLabelValues(work).Observe(took.Seconds())
	if err != nil && !errors.Is(err, context.Canceled) {
		o.sweepErrors.WithLabelValues(work).Inc()
	}
}

// Transaction tells of one of the store's: sqlstore's Watch calls it.
func (o *Observer) Transaction(kind string, took time.Duration, failed bool) {
	o.transactions.WithLabelValues(kind).Observe(took.Seconds())
	if failed {
		o.storeErrors.WithLabelValues(kind).Inc()
	}
}
