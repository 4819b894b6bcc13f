package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// lethe is a running server as a candidate: what is done to it goes over a socket, from the request to the acknowledgement.
type lethe struct {
	rig  *rig
	node *node
	// owed is how many deletions have not been looked at yet for what no view holds any more.
	owed func(ctx context.Context) (int, error)
}

func userName(i int) string { return fmt.Sprintf("u%05d", i) }

func groupName(i int) string { return fmt.Sprint("g", i) }

// fillBatch is how many messages, or members, a transaction adds.
const fillBatch = 5000

// fillGroup makes a group of users 0 to members - 1, before the server runs.
func fillGroup(ctx context.Context, s *sqlstore.Store, group, members, messages int) error {
	name := groupName(group)
	if _, err := s.PutGroup(ctx, app, name, name, false); err != nil {
		return err
	}
	names := make([]string, members)
	for i := range names {
		names[i] = userName(i)
	}
	if _, _, err := s.Members(ctx, app, name, names, nil); err != nil {
		return err
	}
	return fillMessages(ctx, s, "", "GROUP"+name, names, messages)
}

func fillMessages(ctx context.Context, s *sqlstore.Store, as, conversation string, senders []string, messages int) error {
	now := time.Now().UnixMilli() // what is older than the app retains would be purged
	for done := 0; done < messages; {
		batch := make([]wire.Message, min(messages-done, fillBatch))
		for i := range batch {
			batch[i] = wire.Message{From: senders[(done+i)%len(senders)], Time: now, Type: wire.TypeText, Payload: payload()}
		}
		if _, _, _, err := s.Import(ctx, app, as, conversation, batch, now); err != nil {
			return err
		}
		done += len(batch)
	}
	return nil
}

func payload() []byte {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), strings.Repeat("x", payloadBytes))
}

// do asks one thing as a user who has just connected, and measures it.
func (l *lethe) do(ctx context.Context, m *measure, user, op string, body msgp.Marshaler, into msgp.Unmarshaler) error {
	d, err := l.rig.connect(ctx, l.node.url, user)
	if err != nil {
		return err
	}
	defer d.close()
	return m.of(ctx, func() error { return d.ask(ctx, op, body, into) })
}

func (l *lethe) send(ctx context.Context, m *measure, group, user int) error {
	s := wire.Send{SendID: newID(), ConversationID: "GROUP" + groupName(group), Type: wire.TypeText, Payload: payload()}
	return l.do(ctx, m, userName(user), wire.OpSend, &s, &wire.SendAck{})
}

// delete deletes some messages, in both places; the device knows of all up to head.
func (l *lethe) delete(ctx context.Context, m *measure, group, user, head, first, last int) error {
	d := wire.Delete{OpID: newID(), ConversationID: "GROUP" + groupName(group), Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: uint64(head)}
	for seq := first; seq <= last; seq++ {
		d.Ranges.Add(uint64(seq))
	}
	return l.do(ctx, m, userName(user), wire.OpDelete, &d, &wire.DeleteAck{})
}

// deleteGroup deletes a user's conversation of a group.
func (l *lethe) deleteGroup(ctx context.Context, m *measure, group, user, head int) error {
	return l.deleteAll(ctx, m, userName(user), "GROUP"+groupName(group), head)
}

// deleteAll deletes a conversation.
func (l *lethe) deleteAll(ctx context.Context, m *measure, user, conversation string, head int) error {
	return l.do(ctx, m, user, wire.OpDelete, &wire.Delete{
		OpID: newID(), ConversationID: conversation, Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: uint64(head), Hide: true,
	}, &wire.DeleteAck{})
}

// count is how many messages of a group a user sees.
func (l *lethe) count(ctx context.Context, group, user int) (int, error) {
	var n wire.Count
	m := measure{}
	err := l.do(ctx, &m, userName(user), wire.OpCount, &wire.CountRequest{ConversationID: "GROUP" + groupName(group)}, &n)
	return int(n.Messages), err
}

const (
	// settleWait is how long what deletions have left may take in the background.
	settleWait = 5 * time.Minute
	settleLook = 100 * time.Millisecond // between looks whether it is over
)

// settle waits until what was deleted has been looked through and purged, and nothing is written any more. It returns when the
// last was. Errors: that it takes too long.
func (l *lethe) settle(ctx context.Context, m meter) (last time.Time, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleWait, errors.New("the server goes on purging"))
	defer cancel()
	last = time.Now()
	for before := ""; ; {
		owed, err := l.owed(ctx)
		if err != nil {
			return last, err
		}
		now, err := m.place(ctx)
		if err != nil {
			return last, err
		}
		if owed > 0 || now != before {
			last, before = time.Now(), now
		}
		if time.Since(last) > l.rig.plan.Settled {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, context.Cause(ctx)
		case <-time.After(settleLook):
		}
	}
}
