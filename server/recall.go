package server

import (
	"context"
	"net/http"

	"github.com/lethe-im/lethe/wire"
)

// recallsLimit bounds the recalls of one answer or event.
const recallsLimit = 1000

// recall takes a message away from everybody and tells the members' connections, but not this one.
func (c *connection) recall(ctx context.Context, q wire.Recall) (wire.Recalled, error) {
	set, err := c.settings(ctx)
	if err != nil {
		return wire.Recalled{}, err
	}
	r, log, err := c.server.store.Recall(ctx, c.who, q, set, c.server.now())
	if err == nil {
		c.server.purgeSoon()
		c.publish(Topic{App: c.who.App, Log: log}, Poke{Recall: r.Change, Except: c.id})
	}
	return r, err
}

// recalls answers with the recalls of a conversation after a number.
func (c *connection) recalls(ctx context.Context, q wire.RecallsRequest) (wire.Recalls, error) {
	return c.server.store.Recalls(ctx, c.who, q, recallsLimit)
}

type recallBody struct {
	As             string `json:"as"` // whose name conversationID is; a C2C and a notice need it
	ConversationID string `json:"conversationID"`
	Seq            uint64 `json:"seq"`
	ID             string `json:"ID"` // of the message, instead of all these
}

type recallReply struct {
	Seq  uint64 `json:"seq"`
	Time int64  `json:"time"` // ms
}

// recallMessage takes a message away from everybody, whoever sent it and whenever.
func (s *Server) recallMessage(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b recallBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	if err := s.locate(r, app, &b); err != nil {
		return nil, err
	}
	note(r, "as", b.As, "conversation", b.ConversationID, "seq", b.Seq)
	q := wire.Recall{ConversationID: b.ConversationID, Seq: b.Seq}
	recalled, log, err := s.store.RecallByAdmin(r.Context(), app, b.As, q, s.now())
	if err != nil {
		return nil, err
	}
	s.bus.Publish(Topic{App: app, Log: log}, Poke{Recall: recalled.Change})
	return recallReply{recalled.Seq, recalled.Time}, nil
}

// locate fills in what an ID says. Errors: ParameterInvalid, MessageNotFound.
func (s *Server) locate(r *http.Request, app string, b *recallBody) error {
	if b.ID == "" {
		return nil
	}
	if b.As != "" || b.ConversationID != "" || b.Seq != 0 {
		return wire.Errorf(wire.ParameterInvalid, "a message is named by its ID, or by as, conversationID and seq")
	}
	log, seq, err := parseID(b.ID)
	if err == nil {
		b.Seq = seq
		b.As, b.ConversationID, err = s.store.Conversation(r.Context(), app, log)
	}
	return err
}
