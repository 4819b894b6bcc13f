package sqlstore

import (
	"context"
	"database/sql"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// view is what a user may see of a log: its spans without the history ledgers, the user's and everybody's. A room has no
// spans: there it is what came since the device may see it, as if that were one.
type view struct {
	log
	conversation string
	spans        []span // by rising seq
	history      wire.Ledger
	// reach is the log's head as far as the user knows it: where the last stay ended, if none is open.
	reach uint64
}

// openView opens the view behind a conversation. Errors: ConversationIDInvalid, ConversationNotFound, NotInRoom.
func openView(ctx context.Context, tx *sql.Tx, who server.Who, conversationID string) (*view, error) {
	c, err := wire.ParseConversation(conversationID)
	if err != nil {
		return nil, err
	}
	l, ok, err := findLog(ctx, tx, who, c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, notFound(conversationID)
	}
	v, err := viewOf(ctx, tx, who, l)
	if err == nil && v == nil {
		err = notFound(conversationID)
		if c.Kind == wire.RoomKind && !l.closed {
			err = wire.Errorf(wire.NotInRoom, "this device is not in the room %q", c.Target)
		}
	}
	return v, err
}

// viewOf opens the user's view of a log, nil if the user never was in it, or the device is not in the room.
func viewOf(ctx context.Context, tx *sql.Tx, who server.Who, l log) (*view, error) {
	v := &view{log: l}
	var err error
	if v.spans, v.conversation, err = spansOf(ctx, tx, l, who.User); err != nil {
		return nil, err
	}
	if len(v.spans) == 0 {
		in, conversation, ok, err := visitOf(ctx, tx, l, who)
		if !ok || err != nil {
			return nil, err
		}
		v.spans, v.conversation = []span{{joined: in.first}}, conversation
	}
	if v.reach = l.head; v.ended() {
		v.reach = v.spans[len(v.spans)-1].gone - 1
	}
	if v.history, err = ledgerOf(ctx, tx, who, l.id, wire.SurfaceHistory); err != nil {
		return nil, err
	}
	gone := l.cleared
	if who.Waiting {
		have, err := haveOf(ctx, tx, who, l.id)
		if err != nil {
			return nil, err
		}
		gone = max(gone, have)
	}
	v.history.Join(wire.Ledger{Through: gone})
	return v, nil
}

// ended tells whether the last stay is over.
func (v *view) ended() bool { return v.spans[len(v.spans)-1].gone != 0 }

// reaches tells whether a stay has the seq, deleted or not.
func (v *view) reaches(seq uint64) bool {
	for _, s := range v.spans {
		if s.joined <= seq && seq <= v.reach && (s.gone == 0 || seq < s.gone) {
			return true
		}
	}
	return false
}

// below returns the newest stretch of the view's spans, above what is deleted as a whole, that has seqs ≤ seq.
func (v *view) below(seq uint64) (first, last uint64, ok bool) {
	for i := len(v.spans) - 1; i >= 0; i-- {
		first, last = max(v.spans[i].joined, v.history.Through+1), min(seq, v.reach)
		if gone := v.spans[i].gone; gone != 0 {
			last = min(last, gone-1)
		}
		if first <= last {
			return first, last, true
		}
	}
	return 0, 0, false
}

// inSpan returns the newest seq ≤ reach that a span has, deleted or not; 0 if there is none.
func (v *view) inSpan() uint64 {
	for i := len(v.spans) - 1; i >= 0; i-- {
		last := v.reach
		if gone := v.spans[i].gone; gone != 0 {
			last = gone - 1
		}
		if v.spans[i].joined <= last {
			return last
		}
	}
	return 0
}

// stretch is a run of seqs of one segment, first … last, in which the view may hold messages, except those in gone.
type stretch struct {
	segment     uint32
	first, last uint64
	gone        wire.Bits
}

func (s *stretch) has(seq uint64) bool {
	return s.first <= seq && seq <= s.last && !s.gone.Has(seq%wire.SegmentSize)
}

// empty tells whether every seq of the stretch is gone.
func (s *stretch) empty() bool {
	for seq := s.first; seq <= s.last; seq++ {
		if s.has(seq) {
			return false
		}
	}
	return true
}

// next returns the newest stretch that has something left, with seqs > above and ≤ seq. It costs no query, so that wide
// areas of deleted messages are passed at once.
func (v *view) next(seq, above uint64) (s stretch, ok bool) {
	for seq > above {
		first, last, ok := v.below(seq)
		if !ok || last <= above {
			return stretch{}, false
		}
		s = stretch{segment: uint32(last / wire.SegmentSize), last: last}
		s.first = max(first, above+1, uint64(s.segment)*wire.SegmentSize)
		if gone := v.history.Ranges.Of(s.segment); gone != nil {
			s.gone = *gone
		}
		if !s.empty() {
			return s, true
		}
		seq = s.first - 1
	}
	return stretch{}, false
}

// newest returns the newest message of the view with a seq ≤ seq, nil if there is none.
func (v *view) newest(ctx context.Context, tx *sql.Tx, seq uint64) (*wire.Message, error) {
	for {
		s, ok := v.next(seq, 0)
		if !ok {
			return nil, nil
		}
		var m *wire.Message
		err := v.scan(ctx, tx, s, func(x wire.Message) bool { m = &x; return false })
		if m != nil || err != nil {
			return m, err
		}
		seq = s.first - 1
	}
}
