package server

import (
	"context"
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Messages of a room that keeps no history live for roomLife, so that those who were just away still get them. Every
// roomSweep they are looked for.
const (
	roomLife  = time.Minute
	roomSweep = 15 * time.Second
)

type roomBody struct {
	RoomID string `json:"roomID"`
	Name   string `json:"name"` // default: the roomID
}

type roomReply struct {
	RoomID         string `json:"roomID"`
	ConversationID string `json:"conversationID"`
}

func newRoomReply(roomID string) roomReply {
	return roomReply{roomID, wire.Conversation{Kind: wire.RoomKind, Target: roomID}.String()}
}

// putRoom makes a room, renames it or opens it again.
func (s *Server) putRoom(r *http.Request, w http.ResponseWriter, app string) (any, error) {
	var b roomBody
	if err := readJSON(w, r, bodyLimit, &b); err != nil {
		return nil, err
	}
	if b.Name == "" {
		b.Name = b.RoomID
	}
	if err := checkName(b.Name); err != nil {
		return nil, err
	}
	if err := s.store.PutRoom(r.Context(), app, b.RoomID, b.Name); err != nil {
		return nil, err
	}
	return newRoomReply(b.RoomID), nil
}

// closeRoom sends all visitors away and tells their devices.
func (s *Server) closeRoom(r *http.Request, _ http.ResponseWriter, app string) (any, error) {
	roomID := r.PathValue("roomID")
	log, err := s.store.CloseRoom(r.Context(), app, roomID)
	if err != nil {
		return nil, err
	}
	s.bus.Publish(Topic{App: app, Log: log}, Poke{Closed: true})
	return newRoomReply(roomID), nil
}

// purgeRooms purges what was sent in rooms that keep no history.
func (s *Server) purgeRooms(ctx context.Context) error {
	for app := range s.apps {
		set, err := s.settings(ctx, app)
		if err == nil && !set.RoomCloudHistory {
			err = s.store.PurgeRooms(ctx, app, s.clock().Add(-roomLife).UnixMilli())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
