package sdk

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// JoinGroup makes the user a member of a group that lets anybody in.
// Errors: NotReady, ParameterInvalid, Offline, GroupNotFound, PermissionDenied.
func (c *Client) JoinGroup(ctx context.Context, r *GroupRequest) (*GroupResult, error) {
	id, a, conn, err := c.membership(wire.GroupKind, r.GroupID)
	if err != nil {
		return nil, err
	}
	var ack wire.JoinAck
	if err := conn.request(ctx, wire.OpJoin, (&wire.Join{ConversationID: id}).MarshalMsg, ack.UnmarshalMsg); err != nil {
		return nil, err
	}
	if err := a.syncRows(conn); err != nil {
		return nil, storageError(err)
	}
	return &GroupResult{GroupID: r.GroupID}, nil
}

// QuitGroup ends the user's membership. The conversation stays listed, readable and deletable.
// Errors: NotReady, ParameterInvalid, Offline, GroupNotFound.
func (c *Client) QuitGroup(ctx context.Context, r *GroupRequest) (*GroupResult, error) {
	id, a, conn, err := c.membership(wire.GroupKind, r.GroupID)
	if err != nil {
		return nil, err
	}
	var ack wire.LeaveAck
	err = conn.request(ctx, wire.OpLeave, (&wire.Leave{ConversationID: id}).MarshalMsg, ack.UnmarshalMsg)
	if wire.CodeOf(err) == wire.ConversationNotFound {
		return nil, wire.Errorf(wire.GroupNotFound, "no group %q", r.GroupID)
	}
	if err != nil {
		return nil, err
	}
	if err := a.syncRows(conn); err != nil {
		return nil, storageError(err)
	}
	return &GroupResult{GroupID: r.GroupID}, nil
}

// membership checks a group or room and finds the connection that its calls need.
func (c *Client) membership(kind wire.ConversationKind, target string) (id string, a *account, conn *connection, err error) {
	if a, err = c.current(); err != nil {
		return "", nil, nil, err
	}
	if err := wire.CheckIdentifier(target); err != nil {
		return "", nil, nil, wire.Errorf(wire.ParameterInvalid, "the group or room: %s", wire.AsError(err).Text)
	}
	if conn = a.online(); conn == nil {
		return "", nil, nil, wire.Errorf(wire.Offline, "joining and leaving need a connection")
	}
	return wire.Conversation{Kind: kind, Target: target}.String(), a, conn, nil
}
