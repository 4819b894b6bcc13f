package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/load"
	"github.com/lethe-im/lethe/server/sqlstore"
)

// socketCost is what connections cost that do nothing but ping, as most do.
type socketCost struct {
	Installation string `json:"installation"`
	Sockets      int    `json:"sockets"`
	// Conversations are each user's, in groups of ten.
	Conversations int `json:"conversations"`

	Server     float64 `json:"server"`     // bytes of the server's resident memory a socket, the slope
	Whole      float64 `json:"whole"`      // the server's resident memory with all of them, in bytes
	Bus        float64 `json:"bus"`        // bytes of NATS's a socket; 0 where there is none
	Connecting float64 `json:"connecting"` // µs of the server's and the database's processor time to connect one
	Idle       float64 `json:"idle"`       // µs of the server's processor time a second and socket
}

// sockets measures what a connection costs on a single server and on a node of several, there also of users with conversations.
func (r *rig) sockets(ctx context.Context) (all []socketCost, err error) {
	for _, wanted := range []struct {
		name          string
		postgres      bool
		nodes         int
		sockets       [2]int
		conversations int
	}{
		{oneSQLite, false, 1, r.plan.Sockets, 0},
		{onNodes, true, 2, r.plan.Sockets, 0},
		{onNodes, true, 2, r.plan.Members, r.plan.Conversations},
	} {
		cost, err := r.socketsOn(ctx, &installation{name: wanted.name}, wanted.postgres, wanted.nodes, wanted.sockets, wanted.conversations)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", wanted.name, err)
		}
		all = append(all, cost)
		r.say("%s: %d sockets, %d conversations each", wanted.name, cost.Sockets, cost.Conversations)
	}
	return all, nil
}

// onNodes is a node of several, as the report names it.
const onNodes = "PostgreSQL and NATS"

// The crowds connect one after the other; users of both are members of groups.
const (
	fewPrefix  = "few-"
	manyPrefix = "many-"
	// groupSize is how many members such a group has.
	groupSize = 10
)

// befriend puts users into so many groups each, before they connect.
func befriend(ctx context.Context, address, prefix string, users, conversations int) (err error) {
	s, err := sqlstore.OpenPostgres(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for first := 0; first < users; first += groupSize {
		var names []string
		for i := first; i < min(first+groupSize, users); i++ {
			names = append(names, fmt.Sprint(prefix, i))
		}
		for i := range conversations {
			group := fmt.Sprint(prefix, first, "-", i)
			if _, err := s.PutGroup(ctx, app, group, group, false); err != nil {
				return err
			}
			if _, _, err := s.Members(ctx, app, group, names, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// socketsOn connects to the first node of an installation.
func (r *rig) socketsOn(ctx context.Context, in *installation, postgres bool, nodes int, sockets [2]int, conversations int) (cost socketCost, err error) {
	defer func() { err = errors.Join(err, in.close()) }()
	// What NATS has kept of connections before would be taken for the memory of these.
	if err := r.stopBus(); err != nil {
		return cost, err
	}
	if err := r.install(ctx, in, postgres, nodes); err != nil {
		return cost, err
	}
	w := &work{}
	in.works = append(in.works, w)
	few, many := sockets[0], sockets[1]
	if conversations > 0 {
		if err := errors.Join(befriend(ctx, in.address, fewPrefix, few, conversations),
			befriend(ctx, in.address, manyPrefix, many-few, conversations)); err != nil {
			return cost, err
		}
	}
	join := func(prefix string, n int) error {
		c, err := load.Gather(ctx, load.Options{URL: in.nodes[0].url, App: app, Prefix: prefix, Sockets: n, Payload: payloadBytes, Token: r.token})
		if err == nil {
			w.all = append(w.all, c)
		}
		return err
	}
	server := in.nodes[0].pid()
	weigh := func() (memory, bus float64, err error) {
		if memory, err = resident(server); err == nil && in.processes.bus != 0 {
			bus, err = resident(in.processes.bus)
		}
		return memory, bus, err
	}
	if err := join(fewPrefix, few); err != nil {
		return cost, err
	}
	time.Sleep(r.plan.Rest / 4)
	lightServer, lightBus, err := weigh()
	if err != nil {
		return cost, err
	}
	before, err := in.processes.spent()
	if err != nil {
		return cost, err
	}
	if err := join(manyPrefix, many-few); err != nil {
		return cost, err
	}
	connected, err := in.processes.spent()
	if err != nil {
		return cost, err
	}
	time.Sleep(r.plan.Rest / 4)
	resting, err := in.processes.spent()
	if err != nil {
		return cost, err
	}
	start := time.Now()
	time.Sleep(r.plan.Rest)
	rested, err := in.processes.spent()
	if err != nil {
		return cost, err
	}
	heavyServer, heavyBus, err := weigh()
	more := float64(many - few)
	joining := connected.since(before)
	return socketCost{
		Installation: in.name, Sockets: many, Conversations: conversations, Whole: heavyServer,
		Server: (heavyServer - lightServer) / more, Bus: (heavyBus - lightBus) / more,
		Connecting: (joining.Server + joining.Database) * 1e6 / more,
		Idle:       rested.since(resting).Server * 1e6 / time.Since(start).Seconds() / float64(many),
	}, err
}
