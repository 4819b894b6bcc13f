package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Join makes the user a member of an open group, or the device a visitor of a room.
func (s *Store) Join(ctx context.Context, who server.Who, q wire.Join, set server.Settings) (ack wire.JoinAck, err error) {
	c, err := joinable(q.ConversationID)
	if err != nil {
		return wire.JoinAck{}, err
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		var l log
		if c.Kind == wire.RoomKind {
			l, ack.From, err = enterRoom(ctx, tx, who, c, set)
		} else {
			l, ack.From, err = joinGroup(ctx, tx, who, c)
		}
		if err != nil {
			return err
		}
		ack.Log, ack.Head = l.id, l.head
		ack.N, _, err = number(ctx, tx, who)
		return err
	})
	if err != nil {
		return wire.JoinAck{}, err
	}
	return ack, nil
}

// joinable refuses conversations that nobody joins or leaves. Errors: ConversationIDInvalid.
func joinable(conversationID string) (wire.Conversation, error) {
	c, err := wire.ParseConversation(conversationID)
	if err == nil && c.Kind != wire.GroupKind && c.Kind != wire.RoomKind {
		err = wire.Errorf(wire.ConversationIDInvalid, "only groups and rooms are joined and left")
	}
	return c, err
}

// joinGroup opens a stay unless one is open, and returns where it begins. Errors: GroupNotFound, PermissionDenied.
func joinGroup(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation) (l log, from uint64, err error) {
	if l, err = lockGroup(ctx, tx, who.App, c.Target); err != nil {
		return log{}, 0, err
	}
	member, err := found(tx.row(ctx, `SELECT joined FROM spans WHERE app = ? AND uid = ? AND log = ? AND gone = 0`,
		l.app, who.User, l.id), &from)
	switch {
	case err != nil || member:
		return l, from, err
	case !bool(l.open):
		return log{}, 0, notMember(ctx, tx, l, who.User, c) // its administrators add members
	}
	return l, l.next(), openSpan(ctx, tx, l, who.User, c)
}

// Leave ends the user's stay in a group, or takes the device out of a room.
func (s *Store) Leave(ctx context.Context, who server.Who, q wire.Leave) (ack wire.LeaveAck, err error) {
	c, err := joinable(q.ConversationID)
	if err != nil {
		return wire.LeaveAck{}, err
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if c.Kind == wire.RoomKind {
			err = leaveRoom(ctx, tx, who, c)
		} else {
			err = leaveGroup(ctx, tx, who, c)
		}
		if err != nil {
			return err
		}
		ack.N, _, err = number(ctx, tx, who)
		return err
	})
	return ack, err
}

// leaveGroup ends the open stay, if there is one. Errors: ConversationNotFound.
func leaveGroup(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation) error {
	v, err := lockView(ctx, tx, who, c.String())
	if err != nil || v.ended() {
		return err
	}
	return closeSpan(ctx, tx, v.log, who.User)
}
