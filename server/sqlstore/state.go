package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// state is the conversation as the history shows it.
func (v *view) state(ctx context.Context, tx *transaction, who server.Who) (wire.HeadState, error) {
	s := v.summary(v.mark, 0)
	var unread uint64
	questions := v.askTally(s.readUpTo, who.User, &unread)
	top := v.top()
	if top != 0 {
		questions = append(questions, s.askLast(top))
	}
	// Where the newest is deleted, no message that the view has tells its time.
	newest := v.inSpan()
	if newest != top {
		questions = append(questions, askTime(v.log, newest, &s.state.Time, new(bool)))
	}
	err := tx.ask(ctx, questions...)
	s.state.Unread = uint32(unread)
	if err == nil && top != 0 && s.state.Last == nil { // it was purged
		err = s.findLast(ctx, tx, top-1)
	}
	if err == nil && newest == top {
		err = s.findTime(ctx, tx)
	}
	return s.state, err
}

// askLast asks for the last message where it is to be expected.
func (s *summary) askLast(top uint64) question {
	return question{`SELECT ` + messageColumns + ` FROM messages WHERE app = ? AND log = ? AND seq = ?`,
		[]any{s.view.app, s.view.id, top}, func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			s.state.Last = &m
			return err
		}}
}

// summary is a conversation on the way to its state.
type summary struct {
	view     *view
	readUpTo uint64 // the greater of the two read marks
	state    wire.HeadState
}

// summary begins a state with what is known without looking at messages. readUpTo is the device's own read mark, 0 if unknown.
func (v *view) summary(mark, readUpTo uint64) *summary {
	return &summary{view: v, readUpTo: max(mark, readUpTo), state: wire.HeadState{
		ConversationID: v.conversation, Log: v.id, Head: v.reach, ReadUpTo: mark, Recall: v.recall,
	}}
}

// findLast finds the newest message of the view with a seq ≤ seq.
func (s *summary) findLast(ctx context.Context, tx *transaction, seq uint64) (err error) {
	s.state.Last, err = s.view.newest(ctx, tx, seq)
	return err
}

// timed is the seq whose time the conversation has, 0 if that is known: it has none, or its last message's.
func (s *summary) timed() uint64 {
	newest := s.view.inSpan()
	if s.state.Last != nil && s.state.Last.Seq == newest {
		s.state.Time = s.state.Last.Time
		return 0
	}
	return newest
}

// findTime finds the time of the newest message that the spans reach. The last message is found already.
func (s *summary) findTime(ctx context.Context, tx *transaction) (err error) {
	if seq := s.timed(); seq != 0 {
		s.state.Time, _, err = sentTime(ctx, tx, s.view.log, seq)
	}
	return err
}

func (s *summary) countUnread(ctx context.Context, tx *transaction, who server.Who) (err error) {
	s.state.Unread, err = s.view.unread(ctx, tx, who.User, s.readUpTo)
	return err
}

// complete looks at the messages of several conversations. What stands where it is to be expected is read for all by one statement;
// for the others, which are few as a rule, each looks by itself.
func complete(ctx context.Context, tx *transaction, who server.Who, summaries []*summary) error {
	if err := findLasts(ctx, tx, who.App, summaries); err != nil {
		return err
	}
	if err := findTimes(ctx, tx, who.App, summaries); err != nil {
		return err
	}
	return countAllUnread(ctx, tx, who, summaries)
}

// place is a seq in a log.
type place struct{ log, seq uint64 }

// table are the places as a table of what is asked for.
func table(places []place) (table []any) {
	for _, p := range places {
		table = append(table, p.log, p.seq)
	}
	return table
}

var selectPlaces = inBulk(2, []string{"id BIGINT", "place BIGINT"}, func(d dialect) string {
	return d.forEach("id", "log, "+messageColumns, "messages", "app = ?1 AND log = k.id AND seq = k.place")
})

// findLasts expects a last message where the view has its top: it is not if that was purged.
func findLasts(ctx context.Context, tx *transaction, app string, summaries []*summary) error {
	tops := make([]place, 0, len(summaries))
	for _, s := range summaries {
		if top := s.view.top(); top != 0 {
			tops = append(tops, place{s.view.id, top})
		}
	}
	found := make(map[uint64]*wire.Message, len(tops))
	if err := selectPlaces.each(ctx, tx, []any{app}, table(tops), func(scan func(...any) error) error {
		var log uint64
		m, err := scanMessage(func(fields ...any) error { return scan(append([]any{&log}, fields...)...) })
		found[log] = &m
		return err
	}); err != nil {
		return err
	}
	for _, s := range summaries {
		top := s.view.top()
		if s.state.Last = found[s.view.id]; s.state.Last != nil || top == 0 {
			continue
		}
		if err := s.findLast(ctx, tx, top-1); err != nil {
			return err
		}
	}
	return nil
}

var selectTimes = inBulk(2, []string{"id BIGINT", "place BIGINT"}, func(d dialect) string {
	const which = "x.app = ?1 AND x.log = k.id AND x.seq = k.place"
	return d.forEach("id", "x.log, x.time", "messages x", which) + " UNION ALL " + d.forEach("id", "x.log, x.time", "purged x", which)
})

// findTimes expects the time at the newest seq that the spans reach, of a message that is still stored or not: there was none if
// a store that was lost had given out the seq, and nothing tells of a room's once it is purged.
func findTimes(ctx context.Context, tx *transaction, app string, summaries []*summary) error {
	var left []*summary
	var newest []place
	for _, s := range summaries {
		if seq := s.timed(); seq != 0 {
			left = append(left, s)
			newest = append(newest, place{s.view.id, seq})
		}
	}
	times := map[uint64]int64{}
	if err := selectTimes.each(ctx, tx, []any{app}, table(newest), func(scan func(...any) error) error {
		var log uint64
		var time int64
		err := scan(&log, &time)
		times[log] = time
		return err
	}); err != nil {
		return err
	}
	for _, s := range left {
		var ok bool
		if s.state.Time, ok = times[s.view.id]; ok {
			continue
		}
		if err := s.findTime(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}
