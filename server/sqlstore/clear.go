package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Clear joins the everybody ledger of a log for history and compensation.
func (s *Store) Clear(ctx context.Context, app, as string, c server.Clear) (head uint64, err error) {
	conversation, err := wire.ParseConversation(c.ConversationID)
	if err == nil && (conversation.Kind == wire.C2CKind || conversation.Kind == wire.SystemKind) {
		err = wire.CheckIdentifier(as)
	}
	if err != nil {
		return 0, err
	}
	err = s.writeRemoving(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := lockLog(ctx, tx, server.Who{App: app, User: as}, conversation)
		if err == nil && !ok {
			err = notFound(c.ConversationID)
		}
		if err != nil {
			return err
		}
		head = l.head
		switch {
		case c.Log != 0 && c.Log != l.id:
			return wire.Errorf(wire.MessageNotFound, "a message is not of %q", c.ConversationID)
		case len(c.Ranges) > 0:
			return clearMessages(ctx, tx, l, c.Ranges)
		case c.Before > 0:
			through, err := lastBefore(ctx, tx, l, l.head, c.Before)
			if err != nil {
				return err
			}
			return clearThrough(ctx, tx, l, through)
		default:
			return clearThrough(ctx, tx, l, l.head)
		}
	})
	return head, err
}

// clearMessages removes single messages at once: that they are not there is the everybody ledger's part for them.
func clearMessages(ctx context.Context, tx *transaction, l log, ranges wire.Ranges) error {
	var gone []held
	for _, part := range ranges {
		first := uint64(part.Segment) * wire.SegmentSize
		if err := each(ctx, tx, `SELECT seq, time FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq < ? ORDER BY seq`,
			[]any{l.app, l.id, first, first + wire.SegmentSize}, func(scan func(...any) error) error {
				var m held
				err := scan(&m.seq, &m.time)
				if part.Bits.Has(m.seq % wire.SegmentSize) {
					gone = append(gone, m)
				}
				return err
			}); err != nil {
			return err
		}
	}
	return removeMessages(ctx, tx, l.app, l.id, gone)
}
