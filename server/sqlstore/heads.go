package sqlstore

import (
	"context"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Heads answers with the conversations that differ from what the device has, in the order asked, until the answer has
// maxBytes. Of one that does not differ its head, recall number and read mark are all that is read.
func (s *Store) Heads(ctx context.Context, who server.Who, asked []wire.Head, maxBytes int) (heads wire.Heads, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		for len(asked) > 0 {
			some := asked[:min(several, len(asked))]
			asked = asked[len(some):]
			if more, err := answerNamed(ctx, tx, who, some, &heads, &maxBytes); err != nil || !more {
				return err
			}
		}
		return nil
	})
	return heads, err
}

// answerNamed adds several conversations to the answer, and tells whether it has room for more.
func answerNamed(ctx context.Context, tx *transaction, who server.Who, asked []wire.Head, heads *wire.Heads, room *int) (more bool, err error) {
	parsed := make([]wire.Conversation, len(asked)) // of kind 0 where the conversationID is none
	var valid []wire.Conversation
	for i, device := range asked {
		if parsed[i], err = wire.ParseConversation(device.ConversationID); err == nil {
			valid = append(valid, parsed[i])
		}
	}
	found, err := namedViews(ctx, tx, who, valid)
	if err != nil {
		return false, err
	}
	known := make([]bool, len(asked))
	differing := make([]*summary, len(asked)) // nil where the device has all
	var summaries []*summary
	var views []*view
	for i, device := range asked {
		var v *view
		if v, known[i] = found.views[nameOfLog(who.User, parsed[i])]; !known[i] {
			continue
		}
		mark := found.marks[v.id]
		if device.Head == 0 || device.Head != v.reach || device.ReadUpTo != mark || device.Recall != v.recall {
			differing[i] = v.summary(mark, device.ReadUpTo)
			summaries = append(summaries, differing[i])
			if !slices.Contains(views, v) {
				views = append(views, v)
			}
		}
	}
	if err := narrowAll(ctx, tx, who, views); err != nil {
		return false, err
	}
	if err := complete(ctx, tx, who, summaries); err != nil {
		return false, err
	}
	for i, device := range asked {
		if !known[i] {
			heads.Unknown = append(heads.Unknown, device.ConversationID)
		} else if differing[i] != nil && full(heads, differing[i].state, room) {
			return false, nil
		}
		heads.Done++
	}
	return true, nil
}

// Rest answers with the conversations that the device has not named and the history ledger does not hide.
func (s *Store) Rest(ctx context.Context, who server.Who, named func(conversationID string) bool, maxBytes int) (heads wire.Heads, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		views, err := unnamedViews(ctx, tx, who, named)
		if err != nil {
			return err
		}
		for len(views) > 0 && !heads.More {
			some := views[:min(several, len(views))]
			views = views[len(some):]
			if err := answerRest(ctx, tx, who, some, &heads, &maxBytes); err != nil {
				return err
			}
		}
		return nil
	})
	return heads, err
}

// answerRest adds several conversations to the answer.
func answerRest(ctx context.Context, tx *transaction, who server.Who, views []*view, heads *wire.Heads, room *int) error {
	if err := narrowAll(ctx, tx, who, views); err != nil {
		return err
	}
	var shown []*view
	for _, v := range views {
		if !v.history.Hides(v.reach) {
			shown = append(shown, v)
		}
	}
	marks, err := marksOf(ctx, tx, who, shown)
	if err != nil {
		return err
	}
	summaries := make([]*summary, len(shown))
	for i, v := range shown {
		summaries[i] = v.summary(marks[v.id], 0)
	}
	if err := complete(ctx, tx, who, summaries); err != nil {
		return err
	}
	for _, s := range summaries {
		if heads.More = full(heads, s.state, room); heads.More {
			return nil
		}
	}
	return nil
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
