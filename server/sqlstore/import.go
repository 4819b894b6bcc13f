package sqlstore

import (
	"context"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Import appends messages with their own times, all or none.
func (s *Store) Import(ctx context.Context, app, as, conversationID string, messages []wire.Message, now int64) (first, last uint64, id uint64, err error) {
	c, err := checkImport(as, conversationID, messages, now)
	if err != nil {
		return 0, 0, 0, err
	}
	messages = slices.Clone(messages)
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		who := server.Who{App: app, User: as}
		var l log
		var ok bool
		var in present
		err := tx.ask(ctx, append([]question{askLog(who, c, tx.forUpdate, &l, &ok)}, in.questions(who, c)...)...)
		if err == nil && c.Kind == wire.C2CKind {
			l, err = openC2C(ctx, tx, who, c, l, ok, in)
		} else if err == nil {
			err = isGroup(l, ok, c.Target)
		}
		if err != nil {
			return err
		}
		if messages[0].Time < l.time {
			return wire.Errorf(wire.ParameterInvalid, "import: the first message is older than the newest one there")
		}
		first, id = l.next(), l.id
		if err := appendMessages(ctx, tx, &l, messages); err != nil {
			return err
		}
		last = l.head
		return nil
	})
	if err != nil {
		return 0, 0, 0, err
	}
	return first, last, id, nil
}

// checkImport refuses what no state of the store could make right.
func checkImport(as, conversationID string, messages []wire.Message, now int64) (wire.Conversation, error) {
	c, err := wire.ParseConversation(conversationID)
	if err != nil {
		return c, err
	}
	if c.Kind != wire.C2CKind && c.Kind != wire.GroupKind {
		return c, wire.Errorf(wire.ParameterInvalid, "import: only into C2C and GROUP conversations")
	}
	if c.Kind == wire.C2CKind {
		if err := wire.CheckIdentifier(as); err != nil {
			return c, err
		}
	}
	if len(messages) == 0 {
		return c, wire.Errorf(wire.ParameterInvalid, "import: no messages")
	}
	last := int64(1)
	for i := range messages {
		m := &messages[i]
		if err := wire.CheckIdentifier(m.From); err != nil {
			return c, wire.Errorf(wire.ParameterInvalid, "import: message %d: from: %w", i, err)
		}
		if m.Time < last || m.Time > now {
			return c, wire.Errorf(wire.ParameterInvalid,
				"import: message %d: its time is not positive, lies in the future, or is before the one above it", i)
		}
		if c.Kind == wire.C2CKind && m.From != as && m.From != c.Target {
			return c, wire.Errorf(wire.ParameterInvalid, "import: message %d is from neither side of the C2C", i)
		}
		last = m.Time
	}
	return c, nil
}
