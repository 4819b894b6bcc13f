package server

import (
	"net/http"

	"github.com/lethe-im/lethe/wire"
)

type noticeBody struct {
	To      string         `json:"to"`
	From    string         `json:"from"` // may be empty
	Type    string         `json:"type"` // default TIMTextElem
	Payload map[string]any `json:"payload"`
}

type noticeReply struct {
	ConversationID string `json:"conversationID"`
	Seq            uint64 `json:"seq"`
	Time           int64  `json:"time"` // ms
}

// notice sends a system notice to one user.
func (s *Server) notice(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b noticeBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	m, err := messageOf(b.Type, b.Payload)
	if err != nil {
		return nil, err
	}
	ack, err := s.store.Notice(r.Context(), app, b.To, b.From, m, s.now())
	if err != nil {
		return nil, err
	}
	if ack.Seq == 1 {
		s.tell(app, []string{b.To}) // it has made the user's span
	}
	s.bus.Publish(Topic{App: app, Log: ack.Log}, Poke{From: ack.Seq, To: ack.Seq})
	return noticeReply{wire.Conversation{Kind: wire.SystemKind, Target: b.From}.String(), ack.Seq, ack.Time}, nil
}

// messageOf makes a message of a JSON payload. Errors: ParameterInvalid, MessageTooLarge.
func messageOf(kind string, payload map[string]any) (wire.Message, error) {
	if kind == "" {
		kind = wire.TypeText
	}
	if payload == nil {
		return wire.Message{}, wire.Errorf(wire.ParameterInvalid, "a payload is needed: an object")
	}
	raw, err := encodePayload(nil, payload)
	if err != nil {
		return wire.Message{}, err
	}
	return wire.Message{Type: kind, Payload: raw}, checkMessage(kind, raw)
}
