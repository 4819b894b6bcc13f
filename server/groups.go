package server

import (
	"net/http"
	"unicode/utf8"

	"github.com/lethe-im/lethe/wire"
)

// MaxMembers is the most members one call adds and removes; MaxName bounds a group's name in bytes.
const (
	MaxMembers = 10_000
	MaxName    = 256
)

type groupBody struct {
	GroupID string   `json:"groupID"`
	Name    string   `json:"name"` // default: the groupID
	Members []string `json:"members"`
}

type membersBody struct {
	Add    []string `json:"add"`
	Remove []string `json:"remove"`
}

type groupReply struct {
	GroupID        string   `json:"groupID"`
	ConversationID string   `json:"conversationID"`
	Changed        []string `json:"changed"` // the users who came in or left
}

// putGroup makes a group, or renames it and adds members.
func (s *Server) putGroup(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b groupBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	if b.Name == "" {
		b.Name = b.GroupID
	}
	if len(b.Name) > MaxName || !utf8.ValidString(b.Name) {
		return nil, wire.Errorf(wire.ParameterInvalid, "a group's name has at most %d bytes of UTF-8", MaxName)
	}
	if err := checkMembers(b.Members, nil); err != nil {
		return nil, err
	}
	renamed, err := s.store.PutGroup(r.Context(), app, b.GroupID, b.Name)
	if err != nil {
		return nil, err
	}
	s.tell(app, renamed)
	return s.setMembers(r, app, b.GroupID, b.Members, nil)
}

// members adds and removes members.
func (s *Server) members(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b membersBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	if err := checkMembers(b.Add, b.Remove); err != nil {
		return nil, err
	}
	return s.setMembers(r, app, r.PathValue("groupID"), b.Add, b.Remove)
}

func checkMembers(add, remove []string) error {
	if len(add)+len(remove) > MaxMembers {
		return wire.Errorf(wire.LimitExceeded, "at most %d members at once", MaxMembers)
	}
	for _, list := range [][]string{add, remove} {
		for _, user := range list {
			if err := wire.CheckIdentifier(user); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) setMembers(r *http.Request, app, groupID string, add, remove []string) (any, error) {
	changed, _, err := s.store.Members(r.Context(), app, groupID, add, remove)
	if err != nil {
		return nil, err
	}
	s.tell(app, changed)
	if changed == nil {
		changed = []string{}
	}
	return groupReply{groupID, wire.Conversation{Kind: wire.GroupKind, Target: groupID}.String(), changed}, nil
}

// tell pokes users whose rows have changed.
func (s *Server) tell(app string, users []string) {
	for _, user := range users {
		s.bus.Publish(Topic{App: app, User: user}, Poke{})
	}
}
