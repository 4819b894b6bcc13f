package server

import (
	"net/http"
	"strings"

	"github.com/lethe-im/lethe/wire"
)

// endpoint is one method at one address. openapi.json describes each; a test compares.
type endpoint struct {
	method, path string
	answer       http.HandlerFunc
}

// endpoints are all that the server answers under /v1.
func (s *Server) endpoints() []endpoint {
	all := []endpoint{
		{http.MethodGet, "/v1/ws", s.connect},
		{http.MethodGet, "/v1/health", s.health},
		{http.MethodGet, "/v1/openapi.json", openAPI},
		{http.MethodGet, "/v1/settings", s.admin(s.getSettings)},
		{http.MethodPut, "/v1/settings", s.change(bodyLimit, s.putSettings)},
		{http.MethodPost, "/v1/groups", s.change(bodyLimit, s.putGroup)},
		{http.MethodPost, "/v1/groups/{groupID}/members", s.change(bodyLimit, s.members)},
		{http.MethodDelete, "/v1/groups/{groupID}", s.change(bodyLimit, s.dissolve)},
		{http.MethodPost, "/v1/rooms", s.change(bodyLimit, s.putRoom)},
		{http.MethodDelete, "/v1/rooms/{roomID}", s.change(bodyLimit, s.closeRoom)},
		{http.MethodPost, "/v1/recall", s.change(bodyLimit, s.recallMessage)},
		{http.MethodPost, "/v1/clear", s.change(bodyLimit, s.clear)},
		{http.MethodDelete, "/v1/users/{userID}", s.change(bodyLimit, s.wipe)},
		{http.MethodPost, "/v1/revocations", s.change(bodyLimit, s.revoke)},
		{http.MethodPost, "/v1/notices", s.change(bodyLimit, s.notice)},
		{http.MethodPost, "/v1/import", s.change(importLimit, s.importMessages)},
	}
	if s.dev {
		all = append(all, endpoint{http.MethodGet, "/v1/dev/token", s.devToken})
	}
	return all
}

// Handler answers everything under /v1, and / when Web is set.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, e := range s.endpoints() {
		mux.HandleFunc(e.method+" "+e.path, s.observed(e))
		methods[e.path] = append(methods[e.path], e.method)
	}
	for path, allowed := range methods {
		allow := strings.Join(allowed, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allow)
			refuse(w, http.StatusMethodNotAllowed, wire.Errorf(wire.OperationUnknown, "only %s here", allow))
		})
	}
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, wire.Errorf(wire.OperationUnknown, "no such address"))
	})
	if s.web != nil {
		mux.Handle("/", s.web)
	}
	return mux
}
