package sqlstore

import (
	"context"

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
	deleted      wire.Ledger // the user's history ledger alone, as it is stored
	mark         uint64      // the user's read mark, where openView has opened it
	// reach is the log's head as far as the user knows it: where the last stay ended, if none is open.
	reach uint64
}

// openView opens the view behind a conversation. Errors: ConversationIDInvalid, ConversationNotFound, NotInRoom.
func openView(ctx context.Context, tx *transaction, who server.Who, conversationID string) (*view, error) {
	o := newOpening(who, conversationID)
	if err := tx.ask(ctx, o.questions(wire.SurfaceHistory, nil)...); err != nil {
		return nil, err
	}
	return o.open(ctx, tx)
}

// opening is openView in two steps, for who has more to ask.
type opening struct {
	who          server.Who
	conversation wire.Conversation
	refused      error // the conversationID is none
	view         *view
	found        bool // its log is there
	ledgers      ledgers
	have         uint64
}

func newOpening(who server.Who, conversationID string) *opening {
	o := &opening{who: who, view: &view{log: log{app: who.App}}}
	o.conversation, o.refused = wire.ParseConversation(conversationID)
	return o
}

// questions asks for the view, and for the user's ledgers of the surfaces up to last: history's whole, of the others the segments to which
// add adds something.
func (o *opening) questions(last wire.Surface, add wire.Ranges) []question {
	if o.refused != nil {
		return nil
	}
	v, log := o.view, byName(o.who.User, o.conversation)
	questions := []question{
		{`SELECT ` + logColumns + `, coalesce(s.joined, 0), coalesce(s.gone, 0), coalesce(s.conversation, ''), coalesce(m.up_to, 0)
		FROM names n JOIN logs l ON l.app = n.app AND l.log = n.log
		LEFT JOIN spans s ON s.app = n.app AND s.uid = ?2 AND s.log = n.log
		LEFT JOIN marks m ON m.app = n.app AND m.uid = ?2 AND m.log = n.log
		WHERE n.app = ?1 AND n.kind = CAST(?3 AS BIGINT) AND n.name = ?4 ORDER BY s.joined`,
			append([]any{o.who.App, o.who.User}, log...), func(scan func(...any) error) error {
				o.found = true
				var s span
				err := scan(append(v.fields(), &s.joined, &s.gone, &v.conversation, &v.mark)...)
				if s.joined > 0 { // seqs begin at 1
					v.spans = append(v.spans, s)
				}
				return err
			}},
		o.ledgers.question(o.who, log, wire.SurfaceHistory, last, add),
	}
	if o.who.Waiting {
		questions = append(questions, askHave(o.who, log, &o.have))
	}
	return questions
}

// open opens the view when all is answered. Errors: as openView's.
func (o *opening) open(ctx context.Context, tx *transaction) (*view, error) {
	switch {
	case o.refused != nil:
		return nil, o.refused
	case !o.found:
		return nil, notFound(o.conversation.String())
	}
	in, err := o.view.open(ctx, tx, o.who, o.ledgers[wire.SurfaceHistory], o.have)
	if err == nil && !in {
		err = notIn(o.conversation, o.view.log)
	}
	if err != nil {
		return nil, err
	}
	return o.view, nil
}

// lockView is openView that holds the log's row. The stays are read after it is held: who waited for it would see those of before.
func lockView(ctx context.Context, tx *transaction, who server.Who, conversationID string) (*view, error) {
	c, err := wire.ParseConversation(conversationID)
	if err != nil {
		return nil, err
	}
	l, ok, err := lockLog(ctx, tx, who, c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, notFound(conversationID)
	}
	v, err := viewOf(ctx, tx, who, l)
	if err == nil && v == nil {
		err = notIn(c, l)
	}
	return v, err
}

// notIn refuses whoever has no view of a log. Errors: NotInRoom, ConversationNotFound.
func notIn(c wire.Conversation, l log) error {
	if c.Kind == wire.RoomKind && !bool(l.closed) {
		return wire.Errorf(wire.NotInRoom, "this device is not in the room %q", c.Target)
	}
	return notFound(c.String())
}

// viewOf opens the user's view of a log, nil if the user never was in it, or the device is not in the room.
func viewOf(ctx context.Context, tx *transaction, who server.Who, l log) (*view, error) {
	v := &view{log: l}
	var of ledgers
	var have uint64
	questions := []question{
		askSpans(l, who.User, &v.spans, &v.conversation),
		of.question(who, byNumber(l.id), wire.SurfaceHistory, wire.SurfaceHistory, nil),
	}
	if who.Waiting {
		questions = append(questions, askHave(who, byNumber(l.id), &have))
	}
	if err := tx.ask(ctx, questions...); err != nil {
		return nil, err
	}
	if in, err := v.open(ctx, tx, who, of[wire.SurfaceHistory], have); !in || err != nil {
		return nil, err
	}
	return v, nil
}

// open makes the view of a log, spans and what is taken from it, and tells whether the user ever was in it, or the device is in the
// room.
func (v *view) open(ctx context.Context, tx *transaction, who server.Who, deleted wire.Ledger, have uint64) (in bool, err error) {
	if len(v.spans) == 0 {
		visit, conversation, ok, err := visitOf(ctx, tx, v.log, who)
		if !ok || err != nil {
			return false, err
		}
		v.spans, v.conversation = []span{{joined: visit.first}}, conversation
	}
	v.reach = v.knownHead()
	v.narrow(deleted, have)
	return true, nil
}

// knownHead is the log's head as far as the user knows it.
func (v *view) knownHead() uint64 {
	if v.ended() {
		return v.spans[len(v.spans)-1].gone - 1
	}
	return v.head
}

// narrow takes from the view what the user has deleted, what everybody has lost, and what the device has, where it sees what waits.
func (v *view) narrow(deleted wire.Ledger, have uint64) {
	v.deleted, v.history = deleted, deleted.Clone()
	v.history.Join(wire.Ledger{Through: max(v.cleared, have)})
}

// known is the greatest seq that a device of the user may know of: it may have had more from a store that was lost. None of
// what is between will ever be given out, so an anchor there covers nothing that is still to come.
func (v *view) known() uint64 { return max(v.reach, v.floor) }

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

// top is the greatest seq of which the view may have a message, 0 if there is none.
func (v *view) top() uint64 {
	s, ok := v.next(v.reach, 0)
	if !ok {
		return 0
	}
	seq := s.last
	for !s.has(seq) {
		seq--
	}
	return seq
}

// newest returns the newest message of the view with a seq ≤ seq, nil if there is none.
func (v *view) newest(ctx context.Context, tx *transaction, seq uint64) (*wire.Message, error) {
	for {
		s, ok := v.next(seq, 0)
		if !ok {
			return nil, nil
		}
		var m *wire.Message
		err := v.scan(ctx, tx, s, 1+s.gone.Count(), func(x wire.Message) bool { m = &x; return false })
		if m != nil || err != nil {
			return m, err
		}
		if seq, err = v.stored(ctx, tx, s.first-1); err != nil {
			return nil, err
		}
	}
}

// stored is the greatest seq ≤ seq that the store has a message of, whoever may see it; 0 if there is none.
func (v *view) stored(ctx context.Context, tx *transaction, seq uint64) (found uint64, err error) {
	err = tx.row(ctx, `SELECT coalesce(max(seq), 0) FROM messages WHERE app = ? AND log = ? AND seq <= ?`,
		v.app, v.id, seq).Scan(&found)
	return found, err
}
