// Package natstest gives tests a real NATS server in their own process, which they may stop and start again.
package natstest

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// Broker is a NATS server at a port of 127.0.0.1 that stays its own.
type Broker struct {
	// Options may be changed while it is stopped.
	Options server.Options

	t       *testing.T
	running *server.Server
}

// startWait is how long a server may take to answer.
const startWait = 20 * time.Second

// New is a server that is not started.
func New() *Broker {
	return &Broker{Options: server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true}}
}

// Start starts a server for the time of a test.
func Start(t *testing.T) *Broker {
	t.Helper()
	b := New()
	b.t = t
	b.Start()
	t.Cleanup(b.Stop)
	return b
}

// Start starts it again after Stop.
func (b *Broker) Start() {
	b.t.Helper()
	require.NoError(b.t, b.Launch())
}

// Launch is Start where there is no test.
func (b *Broker) Launch() error {
	options := b.Options
	s, err := server.NewServer(&options)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(startWait) {
		s.Shutdown()
		return errors.New("NATS does not answer")
	}
	b.running = s
	b.Options.Port = s.Addr().(*net.TCPAddr).Port
	return nil
}

// Stop ends it and cuts all its connections. Twice is once.
func (b *Broker) Stop() {
	b.running.Shutdown()
	b.running.WaitForShutdown()
}

// Address is its host:port.
func (b *Broker) Address() string { return fmt.Sprintf("%s:%d", b.Options.Host, b.Options.Port) }

// Subscriptions is how many it keeps.
func (b *Broker) Subscriptions() uint32 { return b.running.NumSubscriptions() }

// Clients is how many are connected.
func (b *Broker) Clients() int { return b.running.NumClients() }
