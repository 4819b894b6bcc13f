package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Notice appends a system notice to the log of one user and one sender.
func (s *Store) Notice(ctx context.Context, app, to, sender string, m wire.Message, now int64) (ack wire.SendAck, err error) {
	if err := wire.CheckIdentifier(to); err != nil {
		return wire.SendAck{}, err
	}
	c, err := wire.ParseConversation(wire.Conversation{Kind: wire.SystemKind, Target: sender}.String())
	if err != nil {
		return wire.SendAck{}, err
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		who := server.Who{App: app, User: to}
		l, ok, err := lockLog(ctx, tx, who, c)
		if err == nil && !ok {
			if l, err = makeLog(ctx, tx, who, c, ""); err == nil {
				err = openSpan(ctx, tx, l, to, c)
			}
		}
		if err != nil {
			return err
		}
		notice := []wire.Message{{Time: max(now, l.time), From: sender, Type: m.Type, Payload: m.Payload}}
		if err := appendMessages(ctx, tx, &l, notice); err != nil {
			return err
		}
		ack = wire.SendAck{Log: l.id, Seq: notice[0].Seq, Time: notice[0].Time}
		return nil
	})
	return ack, err
}
