package server

import (
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// devTokenLife is how long a token of /v1/dev/token is valid.
const devTokenLife = 24 * time.Hour

// devToken gives a token to whoever asks: ?user=U, &role=admin for the HTTP API, &app=A where there are several apps.
func (s *Server) devToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	user, role, appID := q.Get("user"), q.Get("role"), q.Get("app")
	if appID == "" && len(s.apps) == 1 {
		for appID = range s.apps { // the only one
		}
	}
	app, ok := s.apps[appID]
	err := wire.CheckIdentifier(user)
	switch {
	case !ok:
		err = wire.Errorf(wire.ParameterInvalid, "no such app")
	case role != "" && role != RoleAdmin:
		err = wire.Errorf(wire.ParameterInvalid, "the only role is %s", RoleAdmin)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	now := s.clock()
	token, err := SignToken(app.Key, appID, user, role, now, now.Add(devTokenLife))
	if err != nil {
		s.logger.Error("dev token", "err", err)
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	reply(w, http.StatusOK, map[string]string{"token": token})
}
