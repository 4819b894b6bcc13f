package server

import (
	"context"
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// health answers 200 {"status":"ok"} when the Store can read and write.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.check(r.Context()); err != nil {
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
