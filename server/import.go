package server

import (
	"net/http"

	"github.com/lethe-im/lethe/wire"
)

// MaxImport is the most messages one import call takes.
const MaxImport = 1000

type importBody struct {
	As             string          `json:"as"` // whose name conversationID is; a C2C needs it
	ConversationID string          `json:"conversationID"`
	Messages       []importMessage `json:"messages"` // by rising time
}

type importMessage struct {
	From    string         `json:"from"`
	Time    int64          `json:"time"` // ms
	Type    string         `json:"type"` // default TIMTextElem
	Payload map[string]any `json:"payload"`
}

type importReply struct {
	First uint64 `json:"first"` // seq
	Last  uint64 `json:"last"`
}

// importMessages appends messages that have a time already, for apps that move over: all of a call or none.
func (s *Server) importMessages(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b importBody
	if err := readJSON(w, r, importLimit, &b); err != nil {
		return nil, err
	}
	if len(b.Messages) > MaxImport {
		return nil, wire.Errorf(wire.LimitExceeded, "at most %d messages at once", MaxImport)
	}
	messages := make([]wire.Message, len(b.Messages))
	for i, in := range b.Messages {
		m, err := messageOf(in.Type, in.Payload)
		if err != nil {
			return nil, wire.Errorf(wire.CodeOf(err), "message %d: %w", i, err)
		}
		m.From, m.Time = in.From, in.Time
		messages[i] = m
	}
	first, last, log, err := s.store.Import(r.Context(), app, b.As, b.ConversationID, messages, s.now())
	if err != nil {
		return nil, err
	}
	c, err := wire.ParseConversation(b.ConversationID)
	if err != nil {
		return nil, err
	}
	if first == 1 && c.Kind == wire.C2CKind {
		s.tell(app, []string{b.As, c.Target}) // it has made both users' spans
	}
	s.bus.Publish(Topic{App: app, Log: log}, Poke{From: first, To: last})
	return importReply{first, last}, nil
}
