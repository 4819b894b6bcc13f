package server

import "net/http"

type wipeReply struct {
	UserID string `json:"userID"`
}

// wipe removes everything that is a user's own. What the user has sent stays in the views of others.
func (s *Server) wipe(r *http.Request, _ http.ResponseWriter, app string) (any, error) {
	user := r.PathValue("userID")
	if err := s.store.Wipe(r.Context(), app, user); err != nil {
		return nil, err
	}
	s.tell(app, []string{user})
	return wipeReply{user}, nil
}
