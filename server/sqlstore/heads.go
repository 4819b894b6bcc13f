package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Heads answers with the conversations that differ from what the device has, in the order asked, until the answer has
// maxBytes.
func (s *Store) Heads(ctx context.Context, who server.Who, asked []wire.Head, maxBytes int) (heads wire.Heads, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, device := range asked {
			v, err := openView(ctx, tx, who, device.ConversationID)
			switch wire.CodeOf(err) {
			case wire.OK:
			case wire.ConversationNotFound, wire.ConversationIDInvalid, wire.NotInRoom:
				heads.Unknown = append(heads.Unknown, device.ConversationID)
				heads.Done++
				continue
			default:
				return err
			}
			state, err := v.state(ctx, tx, who, device.ReadUpTo)
			if err != nil {
				return err
			}
			if device.Head == 0 || device.Head != state.Head || device.ReadUpTo != state.ReadUpTo || device.Recall != state.Recall {
				if full(&heads, state, &maxBytes) {
					return nil
				}
			}
			heads.Done++
		}
		return nil
	})
	return heads, err
}

// Rest answers with the conversations that the device has not named and the history ledger does not hide.
func (s *Store) Rest(ctx context.Context, who server.Who, named func(conversationID string) bool, maxBytes int) (heads wire.Heads, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		logs, err := unnamedLogs(ctx, tx, who, named)
		if err != nil {
			return err
		}
		for _, l := range logs {
			v, err := viewOf(ctx, tx, who, l)
			if err != nil {
				return err
			}
			if v.history.Hides(v.reach) {
				continue
			}
			state, err := v.state(ctx, tx, who, 0)
			if err != nil {
				return err
			}
			if heads.More = full(&heads, state, &maxBytes); heads.More {
				return nil
			}
		}
		return nil
	})
	return heads, err
}

// unnamedLogs returns the logs in which the user ever had a span, without those that the device has named.
func unnamedLogs(ctx context.Context, tx *sql.Tx, who server.Who, named func(string) bool) (logs []log, err error) {
	err = each(ctx, tx, `SELECT DISTINCT s.conversation, `+logColumns+`
		FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log WHERE s.app = ? AND s.uid = ? ORDER BY l.log`,
		[]any{who.App, who.User}, func(scan func(...any) error) error {
			l := log{app: who.App}
			var conversation string
			err := scan(append([]any{&conversation}, l.fields()...)...)
			if !named(conversation) {
				logs = append(logs, l)
			}
			return err
		})
	return logs, err
}

// full adds a state, or tells that the answer has no room for it. The first always has.
func full(heads *wire.Heads, state wire.HeadState, room *int) bool {
	size := state.Msgsize()
	if len(heads.States) > 0 && size > *room {
		return true
	}
	heads.States = append(heads.States, state)
	*room -= size
	return false
}

// state is the conversation as the history shows it. readUpTo is the device's own read mark, 0 if unknown.
func (v *view) state(ctx context.Context, tx *sql.Tx, who server.Who, readUpTo uint64) (h wire.HeadState, err error) {
	h = wire.HeadState{ConversationID: v.conversation, Log: v.id, Head: v.reach, Recall: v.recall}
	if h.ReadUpTo, err = markOf(ctx, tx, who, v.id); err != nil {
		return h, err
	}
	if newest := v.inSpan(); newest != 0 {
		if h.Time, _, err = sentTime(ctx, tx, v.log, newest); err != nil {
			return h, err
		}
	}
	if h.Last, err = v.newest(ctx, tx, v.reach); err != nil {
		return h, err
	}
	h.Unread, err = v.unread(ctx, tx, who.User, max(h.ReadUpTo, readUpTo))
	return h, err
}
