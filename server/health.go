package server

import (
	"net/http"

	"github.com/lethe-im/lethe/wire"
)

// health answers 200 {"status":"ok"} when the Store can read and write.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.Store.Check(r.Context()); err != nil {
		s.Logger.Error("health", "err", err)
		refuse(w, http.StatusServiceUnavailable, wire.Errorf(wire.Internal, "the store does not answer"))
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}
