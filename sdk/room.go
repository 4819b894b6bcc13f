package sdk

import (
	"context"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// JoinRoom enters a chatroom with this device.
// Errors: NotReady, ParameterInvalid, Offline, RoomNotFound.
func (c *Client) JoinRoom(ctx context.Context, r *RoomRequest) (*RoomResult, error) {
	id, a, conn, err := c.membership(wire.RoomKind, r.RoomID)
	if err != nil {
		return nil, err
	}
	var ack wire.JoinAck
	if err := conn.request(ctx, wire.OpJoin, (&wire.Join{ConversationID: id}).MarshalMsg, ack.UnmarshalMsg); err != nil {
		return nil, err
	}
	if err := a.hold(ctx, id); err != nil {
		return nil, err
	}
	if err := a.vault.EnterRoom(ctx, id, &ack); err != nil {
		a.letGo(id)
		return nil, storageError(err)
	}
	a.changed(id)
	return &RoomResult{RoomID: r.RoomID}, nil
}

// QuitRoom leaves a chatroom. With the last tab in it this device's copy goes, and the server hears of it when it can.
// Errors: NotReady, ParameterInvalid, NotInRoom.
func (c *Client) QuitRoom(ctx context.Context, r *RoomRequest) (*RoomResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	if err := wire.CheckIdentifier(r.RoomID); err != nil {
		return nil, wire.Errorf(wire.ParameterInvalid, "roomID: %s", wire.AsError(err).Text)
	}
	id := wire.Conversation{Kind: wire.RoomKind, Target: r.RoomID}.String()
	if !a.letGo(id) {
		return nil, wire.Errorf(wire.NotInRoom, "not in room %q", r.RoomID)
	}
	held, err := a.tabs.Held(ctx, a.roomLock(id))
	if err == nil && !held {
		err = a.dropRoom(ctx, id, true)
	}
	if err != nil {
		return nil, storageError(err)
	}
	return &RoomResult{RoomID: r.RoomID}, nil
}

func (a *account) roomLock(conversationID string) string { return a.name + "/" + conversationID }

// hold keeps the room while this tab is in it.
func (a *account) hold(ctx context.Context, conversationID string) error {
	a.mu.Lock()
	in := a.rooms[conversationID] != nil
	a.mu.Unlock()
	if in {
		return nil
	}
	release, err := a.tabs.Hold(ctx, a.roomLock(conversationID))
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rooms[conversationID] = release
	return nil
}

// letGo ends this tab's stay; false if it was not in the room.
func (a *account) letGo(conversationID string) bool {
	a.mu.Lock()
	release := a.rooms[conversationID]
	delete(a.rooms, conversationID)
	a.mu.Unlock()
	if release == nil {
		return false
	}
	release()
	return true
}

// dropRoom takes a room's copy off this device.
func (a *account) dropRoom(ctx context.Context, conversationID string, tell bool) error {
	d, err := a.vault.LeaveRoom(ctx, conversationID, tell)
	if err != nil {
		return err
	}
	a.forgetSends(&d)
	a.settle(conversationID, &d.Settled)
	a.changed(conversationID)
	a.enqueue(ctx, nil, d.Entries...)
	return nil
}

// roomGone takes a room off this device that the server no longer has this device in.
func (a *account) roomGone(conversationID string) error {
	c, err := wire.ParseConversation(conversationID)
	if err != nil || c.Kind != wire.RoomKind {
		return nil
	}
	a.letGo(conversationID)
	if conv, ok := a.vault.Find(conversationID); !ok || conv.Record == nil {
		return nil
	}
	if err := a.dropRoom(a.ctx, conversationID, false); err != nil {
		return err
	}
	a.client.emit(EventRoomClosed, (&RoomClosedEvent{RoomID: c.Target}).MarshalMsg)
	return nil
}

// leaveRooms takes off this device the rooms that no tab is in: those of a tab that died, or of this one when it logs out.
func (a *account) leaveRooms(ctx context.Context) error {
	for _, conv := range a.vault.All() {
		c, err := wire.ParseConversation(conv.ID)
		if err != nil || c.Kind != wire.RoomKind {
			continue
		}
		a.letGo(conv.ID)
		held, err := a.tabs.Held(ctx, a.roomLock(conv.ID))
		if err == nil && !held {
			err = a.dropRoom(ctx, conv.ID, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveLocks lets go of the rooms without a word to anybody. Their copies go when the user logs in again.
func (a *account) leaveLocks() {
	a.mu.Lock()
	rooms := a.rooms
	a.rooms = map[string]func(){}
	a.mu.Unlock()
	for _, release := range rooms {
		release()
	}
}

func (a *account) deliverLeave(c *connection, e vault.Entry) error {
	var ack wire.LeaveAck
	err := c.request(a.ctx, wire.OpLeave, (&wire.Leave{ConversationID: e.ConversationID}).MarshalMsg, ack.UnmarshalMsg)
	if err != nil && !forGood(err) {
		return err
	}
	return a.settleEntry(e, wire.OK) // a room that is gone is left
}
