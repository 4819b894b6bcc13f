package server

import (
	"context"
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

type revocationBody struct {
	UserID   string `json:"userID"`
	DeviceID string `json:"deviceID"` // empty: all devices
	TokenID  string `json:"tokenID"`  // a jti; empty: all tokens issued up to now
}

type revocationReply struct {
	revocationBody
	Before int64 `json:"before"` // ms
}

// revoke ends tokens of a user and the connections that came with them: here at once, on other servers of the same Store
// within Limits.Revocations.
func (s *Server) revoke(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b revocationBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	if err := wire.CheckIdentifier(b.UserID); err != nil {
		return nil, wire.Errorf(wire.ParameterInvalid, "userID: %w", err)
	}
	for _, id := range []string{b.DeviceID, b.TokenID} {
		if id != "" && wire.CheckIdentifier(id) != nil {
			return nil, wire.Errorf(wire.ParameterInvalid, "no device and no token has the id %.60q", id)
		}
	}
	note(r, "user", b.UserID, "device", b.DeviceID, "token", b.TokenID)
	ends := Revocation{User: b.UserID, Device: b.DeviceID, Token: b.TokenID, Before: s.now()}
	if err := s.store.Revoke(r.Context(), app, ends); err != nil {
		return nil, err
	}
	s.end(app, ends)
	return revocationReply{b, ends.Before}, nil
}

// end closes the connections whose grants a revocation ends.
func (s *Server) end(app string, r Revocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.connections {
		if c.grant.App == app && r.Ends(c.grant) {
			c.expel(wire.CloseTokenRevoked)
		}
	}
}

// revocationsAtOnce is how many are read in one go.
const revocationsAtOnce = 1000

// watchRevocations looks for what another server of the same Store was told, until ctx ends. A Bus may lose a poke; this
// does not.
func (s *Server) watchRevocations(ctx context.Context) {
	tick := time.NewTicker(s.limits.Revocations)
	defer tick.Stop()
	seen := map[string]uint64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for app := range s.apps {
			if err := s.followRevocations(ctx, app, seen); err != nil && ctx.Err() == nil {
				s.logger.Error("revocations", "app", app, "err", err)
			}
		}
	}
}

// followRevocations applies those of an app that have not been seen.
func (s *Server) followRevocations(ctx context.Context, app string, seen map[string]uint64) error {
	for {
		all, err := s.store.Revocations(ctx, app, seen[app], revocationsAtOnce)
		if err != nil {
			return err
		}
		for _, r := range all {
			s.end(app, r)
			seen[app] = r.Change
		}
		if len(all) < revocationsAtOnce {
			return nil
		}
	}
}
