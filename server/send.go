package server

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// send appends a message and tells the members' connections, but not this one.
func (c *connection) send(ctx context.Context, s wire.Send) (wire.SendAck, error) {
	conversation, err := wire.ParseConversation(s.ConversationID)
	if err != nil {
		return wire.SendAck{}, err
	}
	if err := checkMessage(s.Type, s.Payload); err != nil {
		return wire.SendAck{}, err
	}
	// A repeated one is told of as well: the node that took it first may have died before it did.
	ack, _, err := c.server.store.Send(ctx, c.who, s, c.server.now())
	if err != nil {
		return ack, err
	}
	if conversation.Kind == wire.C2CKind && (ack.Seq == 1 || !c.push.follows(ack.Log)) {
		// It has made both users' spans, or this one's again.
		c.push.sent(ack.Log, ack.Seq)
		c.publish(Topic{App: c.who.App, User: c.who.User}, Poke{})
		c.publish(Topic{App: c.who.App, User: conversation.Target}, Poke{})
	}
	if conversation.Kind == wire.RoomKind {
		c.push.sent(ack.Log, ack.Seq) // it may have come before the connection follows the room
	}
	c.publish(Topic{App: c.who.App, Log: ack.Log}, Poke{From: ack.Seq, To: ack.Seq, Except: c.id})
	return ack, nil
}

// checkMessage refuses an unknown type of message and a payload that is no map or too large.
// Errors: ParameterInvalid, MessageTooLarge.
func checkMessage(kind string, payload []byte) error {
	if kind != wire.TypeText && kind != wire.TypeCustom {
		return wire.Errorf(wire.ParameterInvalid, "a message is a %s or a %s", wire.TypeText, wire.TypeCustom)
	}
	return wire.CheckPayload(payload)
}
