package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// ErrRetiring is why a server is not ready that is going to be shut down.
var ErrRetiring = errors.New("the server is about to be shut down")

// Retire lets Ready and the health endpoint say that the server is not ready, so that balancers send nobody here any more. It
// still serves everybody: Shutdown comes when they have noticed.
func (s *Server) Retire() { s.retiring.Store(true) }

// Ready tells whether new connections should come here: the Store reads and writes, and the server is not about to end.
// Errors: ErrRetiring, the Store's.
func (s *Server) Ready(ctx context.Context) error {
	if s.retiring.Load() {
		return ErrRetiring
	}
	return s.check(ctx)
}

// health answers 200 {"status":"ok"} when the server is ready.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	switch err := s.Ready(r.Context()); {
	case errors.Is(err, ErrRetiring):
		refuse(w, http.StatusServiceUnavailable, wire.Errorf(wire.Internal, "%s", err))
		return
	case err != nil:
		s.logger.Error("health", "err", err)
		refuse(w, http.StatusServiceUnavailable, wire.Errorf(wire.Internal, "the store does not answer"))
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// check asks the Store at most once a second: everyone may ask for health, and each check waits for the disk.
func (s *Server) check(ctx context.Context) error {
	s.checking.Lock()
	defer s.checking.Unlock()
	if time.Since(s.healthy) < time.Second {
		return nil
	}
	err := s.store.Check(ctx)
	if err == nil {
		s.healthy = time.Now()
	}
	return err
}
