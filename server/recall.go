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
	q := wire.Recall{ConversationID: b.ConversationID, Seq: b.Seq}
	recalled, log, err := s.store.RecallByAdmin(r.Context(), app, b.As, q, s.now())
	if err != nil {
		return nil, err
	}
	s.bus.Publish(Topic{App: app, Log: log}, Poke{Recall: recalled.Change})
	return recallReply{recalled.Seq, recalled.Time}, nil
}
