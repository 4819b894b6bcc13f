package server

import (
	"net/http"
	"unicode/utf8"

	"github.com/lethe-im/lethe/wire"
)

// MaxMembers is the most members one call adds and removes; MaxName bounds the name of a group or a room in bytes.
const (
	MaxMembers = 10_000
	MaxName    = 256
)

type groupBody struct {
	GroupID string   `json:"groupID"`
	Name    string   `json:"name"` // default: the groupID
	Open    bool     `json:"open"` // anybody may join
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

// putGroup makes a group, or sets its name and who may join, and adds members.
func (s *Server) putGroup(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b groupBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	if b.Name == "" {
		b.Name = b.GroupID
	}
	if err := checkName(b.Name); err != nil {
		return nil, err
	}
	if err := checkMembers(b.Members, nil); err != nil {
		return nil, err
	}
	renamed, err := s.store.PutGroup(r.Context(), app, b.GroupID, b.Name, b.Open)
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

// checkName refuses a bad name of a group or a room. Errors: ParameterInvalid.
func checkName(name string) error {
	if len(name) > MaxName || !utf8.ValidString(name) {
		return wire.Errorf(wire.ParameterInvalid, "a name has at most %d bytes of UTF-8", MaxName)
	}
	return nil
}

// dissolve ends a group. Its members keep the history of their stays.
func (s *Server) dissolve(r *http.Request, _ http.ResponseWriter, app string) (any, error) {
	groupID := r.PathValue("groupID")
	changed, err := s.store.Dissolve(r.Context(), app, groupID)
	if err != nil {
		return nil, err
	}
	s.tell(app, changed)
	return newGroupReply(groupID, changed), nil
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
	return newGroupReply(groupID, changed), nil
}

func newGroupReply(groupID string, changed []string) groupReply {
	if changed == nil {
		changed = []string{}
	}
	return groupReply{groupID, wire.Conversation{Kind: wire.GroupKind, Target: groupID}.String(), changed}
}

// tell pokes users whose rows have changed.
func (s *Server) tell(app string, users []string) {
	for _, user := range users {
		s.bus.Publish(Topic{App: app, User: user}, Poke{})
	}
}
