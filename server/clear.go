package server

import (
	"context"
	"crypto/rand"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/lethe-im/lethe/wire"
)

// The scopes of a clearing.
const (
	clearUser      = "user"      // the history of the user `as`
	clearEverybody = "everybody" // everybody's
)

type clearBody struct {
	As             string   `json:"as"` // whose name conversationID is, and whose history the scope user is
	ConversationID string   `json:"conversationID"`
	Scope          string   `json:"scope"`
	All            bool     `json:"all"`
	Before         int64    `json:"before"`   // ms
	Messages       []string `json:"messages"` // IDs
	Seqs           []uint64 `json:"seqs"`
}

type clearReply struct {
	ConversationID string `json:"conversationID"`
	Head           uint64 `json:"head"` // nothing above it was cleared
}

// clear takes messages from a user's history on the server, or from everybody's: all, those before a time, or single ones.
func (s *Server) clear(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b clearBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	c, err := b.what()
	if err == nil && c.ConversationID == "" && c.Log != 0 && b.Scope == clearEverybody {
		b.As, c.ConversationID, err = s.store.Conversation(r.Context(), app, c.Log)
	}
	if err != nil {
		return nil, err
	}
	note(r, "as", b.As, "conversation", c.ConversationID, "scope", b.Scope, "before", c.Before, "messages", c.Ranges.Count())
	var head uint64
	conversation, err := wire.ParseConversation(c.ConversationID)
	switch {
	case err != nil:
	case b.Scope == clearUser && conversation.Kind == wire.RoomKind:
		err = wire.Errorf(wire.RoomNotDeletable, "a room has no history of one user")
	case b.Scope == clearUser:
		head, err = s.clearUser(r.Context(), Who{App: app, User: b.As}, c)
	case b.Scope != clearEverybody:
		err = wire.Errorf(wire.ParameterInvalid, "the scope is %s or %s", clearUser, clearEverybody)
	case conversation.Kind == wire.RoomKind && b.All:
		head, err = s.store.ClearRoom(r.Context(), app, conversation.Target)
	default:
		head, err = s.store.Clear(r.Context(), app, b.As, c)
	}
	if err != nil {
		return nil, err
	}
	return clearReply{c.ConversationID, head}, nil
}

// what is what the body names. Errors: ParameterInvalid, LimitExceeded, MessageNotFound.
func (b *clearBody) what() (Clear, error) {
	c := Clear{ConversationID: b.ConversationID, Before: b.Before}
	named := 0
	for _, is := range []bool{b.All, b.Before != 0, b.Messages != nil, b.Seqs != nil} {
		if is {
			named++
		}
	}
	switch {
	case named != 1:
		return c, wire.Errorf(wire.ParameterInvalid, "one of all, before, messages and seqs says what to clear")
	case b.Before < 0:
		return c, wire.Errorf(wire.ParameterInvalid, "before is a positive time in ms")
	case len(b.Messages)+len(b.Seqs) > wire.MaxMessages:
		return c, wire.Errorf(wire.LimitExceeded, "at most %d messages at once", wire.MaxMessages)
	case !b.All && b.Before == 0 && len(b.Messages)+len(b.Seqs) == 0:
		return c, wire.Errorf(wire.ParameterInvalid, "no message is named")
	}
	for _, seq := range b.Seqs {
		if seq == 0 || seq > math.MaxInt64 {
			return c, wire.Errorf(wire.ParameterInvalid, "no message has the seq %d", seq)
		}
		c.Ranges.Add(seq)
	}
	for _, id := range b.Messages {
		log, seq, err := parseID(id)
		if err == nil && c.Log != 0 && c.Log != log {
			err = wire.Errorf(wire.ParameterInvalid, "the messages are of several conversations")
		}
		if err != nil {
			return c, err
		}
		c.Log = log
		c.Ranges.Add(seq)
	}
	return c, nil
}

// clearUser is a deletion in the scope remote: by the server API it counts as one by time unless it names messages. What is
// above the head is not there.
func (s *Server) clearUser(ctx context.Context, who Who, c Clear) (head uint64, err error) {
	if err := wire.CheckIdentifier(who.User); err != nil {
		return 0, wire.Errorf(wire.ParameterInvalid, "as: %w", err)
	}
	set, err := s.settings(ctx, who.App)
	if err != nil {
		return 0, err
	}
	h, err := s.store.Heads(ctx, who, []wire.Head{{ConversationID: c.ConversationID}}, headsBytes)
	switch {
	case err != nil:
		return 0, err
	case len(h.States) == 0:
		return 0, wire.Errorf(wire.ConversationNotFound, "no conversation %q", c.ConversationID)
	case c.Log != 0 && c.Log != h.States[0].Log:
		return 0, wire.Errorf(wire.MessageNotFound, "a message is not of %q", c.ConversationID)
	}
	head = h.States[0].Head
	d := wire.Delete{ConversationID: c.ConversationID, Scope: wire.ScopeRemote, Anchor: head, What: wire.WhatTime, Before: c.Before}
	if _, err := rand.Read(d.OpID[:]); err != nil {
		return 0, err
	}
	switch {
	case len(c.Ranges) > 0:
		if d.What = wire.WhatMessages; c.Ranges.Max() > head {
			return 0, wire.Errorf(wire.MessageNotFound, "no message %d", c.Ranges.Max())
		}
		d.Ranges = c.Ranges
	case c.Before == 0:
		d.Before = math.MaxInt64
	}
	ack, err := s.store.Delete(ctx, who, d, set, s.now())
	if err == nil {
		s.bus.Publish(Topic{App: who.App, User: who.User}, Poke{N: ack.N})
	}
	return head, err
}

// parseID reads a message's ID: its log and seq, as the client writes them. Errors: MessageNotFound.
func parseID(id string) (log, seq uint64, err error) {
	hex, decimal, ok := strings.Cut(id, "-")
	log, err1 := strconv.ParseUint(hex, 16, 64)
	seq, err2 := strconv.ParseUint(decimal, 10, 63)
	if !ok || err1 != nil || err2 != nil || log == 0 || seq == 0 {
		return 0, 0, wire.Errorf(wire.MessageNotFound, "no message has the ID %.60q", id)
	}
	return log, seq, nil
}
