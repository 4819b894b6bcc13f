package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// Purge purges now instead of within a minute.
func (s *Server) Purge(ctx context.Context) error { return s.purge(ctx) }

// PurgeRooms purges the rooms now instead of within roomSweep.
func (s *Server) PurgeRooms(ctx context.Context) error { return s.purgeRooms(ctx) }

// Endpoints are all calls as "METHOD /path".
func (s *Server) Endpoints() (all []string) {
	for _, e := range s.endpoints() {
		all = append(all, e.method+" "+e.path)
	}
	return all
}

// Connections is how many are open.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// Fresh is how many of an address are counted that have not said hello.
func (s *Server) Fresh(address string) int {
	fresh := s.admission.fresh
	fresh.mu.Lock()
	defer fresh.mu.Unlock()
	return fresh.n[address]
}

// Operations is how many a device may ask for.
func Operations() int { return len(operations) }

// Endpoints are methods and paths under /v1.
func Endpoints(s *Server) (all [][2]string) {
	for _, e := range s.endpoints() {
		all = append(all, [2]string{e.method, e.path})
	}
	return all
}

// PanicOp is an operation that panics.
const PanicOp = "panic-for-the-test"

func init() {
	operations[PanicOp] = answer(func(*connection, context.Context, wire.Ping) (wire.Pong, error) { panic("as told") })
}
