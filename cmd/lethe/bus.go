package main

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/natsbus"
)

// join makes the server a node among others, if the options name a bus. A NATS that does not answer is no error: the node starts
// without it. close leaves it.
func (o *serving) join(made *server.Options, a *admin, logger *slog.Logger) (close func() error, err error) {
	if o.Bus == "" {
		return func() error { return nil }, nil
	}
	bus, err := natsbus.Open(natsbus.Options{URL: o.Bus, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("--bus or LETHE_BUS: %w", err)
	}
	made.Bus = bus
	a.watchBus(bus)
	return bus.Close, nil
}

// watchBus counts what the bus does for operators.
func (a *admin) watchBus(bus *natsbus.Bus) {
	if a.registry == nil {
		return
	}
	gauge := func(name, help string, value func(natsbus.Stats) float64) {
		a.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(bus.Stats()) }))
	}
	counter := func(name, help string, value func(natsbus.Stats) uint64) {
		a.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(bus.Stats())) }))
	}
	gauge("lethe_bus_connected", "1 while NATS is there.", func(s natsbus.Stats) float64 {
		if s.Connected {
			return 1
		}
		return 0
	})
	gauge("lethe_bus_topics", "Users and logs that this node listens to.", func(s natsbus.Stats) float64 { return float64(s.Topics) })
	counter("lethe_bus_published_total", "Pokes handed to NATS.", func(s natsbus.Stats) uint64 { return s.Published })
	counter("lethe_bus_received_total", "Pokes from other nodes.", func(s natsbus.Stats) uint64 { return s.Received })
	counter("lethe_bus_dropped_total", "Pokes to other nodes that were given up, since NATS was away or slow.", func(s natsbus.Stats) uint64 { return s.Dropped })
	counter("lethe_bus_overflows_total", "Times that pokes came faster than they were taken.", func(s natsbus.Stats) uint64 { return s.Overflows })
	counter("lethe_bus_looks_total", "Times that all connections were told to look, since pokes may have been missed.", func(s natsbus.Stats) uint64 { return s.Looks })
	counter("lethe_bus_reconnects_total", "Times that NATS came back.", func(s natsbus.Stats) uint64 { return s.Reconnects })
}
