package sqlstore

import (
	"context"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Count counts the messages in the user's view.
func (s *Store) Count(ctx context.Context, who server.Who, c wire.CountRequest) (count wire.Count, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		v, err := openView(ctx, tx, who, c.ConversationID)
		if err != nil {
			return err
		}
		count.Head = v.reach
		count.Messages, err = v.tally(ctx, tx, 0, "")
		return err
	})
	return count, err
}

// unread counts the others' messages of the view above a seq.
func (v *view) unread(ctx context.Context, tx *transaction, user string, above uint64) (uint32, error) {
	n, err := v.tally(ctx, tx, above, user)
	return uint32(n), err
}

// tally counts the view's messages above a seq that a sender has not sent; an empty one has sent none. The rows that it reads are
// of segments, two for each at most, never of messages.
func (v *view) tally(ctx context.Context, tx *transaction, above uint64, but string) (n uint64, err error) {
	err = tx.ask(ctx, v.askTally(above, but, &n)...)
	return n, err
}

// askTally asks for what tally counts, and adds it to n.
func (v *view) askTally(above uint64, but string, n *uint64) (questions []question) {
	for _, r := range v.runs(above) {
		questions = append(questions, v.askHeld(r, but, n)...)
	}
	return questions
}

// run is of seqs, first … last.
type run struct{ first, last uint64 }

// runs are the view's spans above a seq and above what is deleted as a whole, by falling seq.
func (v *view) runs(above uint64) (runs []run) {
	for seq := v.reach; ; {
		first, last, ok := v.below(seq)
		if !ok || last <= above {
			return runs
		}
		first = max(first, above+1)
		runs = append(runs, run{first, last})
		seq = first - 1
	}
}

// Where a stretch has many segments of which few have something deleted singly, the database adds up the others.
const (
	manySegments = 32
	seldomOdd    = 16 // segments to each that is read by itself
)

// askHeld asks for how many are stored of a run, without what a sender has sent and what is deleted singly, and adds it to n.
func (v *view) askHeld(r run, but string, n *uint64) []question {
	from, to := uint32(r.first/wire.SegmentSize), uint32(r.last/wire.SegmentSize)
	var odd wire.Ranges
	for _, part := range v.history.Ranges {
		if from < part.Segment && part.Segment < to {
			odd = append(odd, part)
		}
	}
	seen := func(segment uint32, bits wire.Bits) uint64 { return v.seen(segment, bits, r.first, r.last) }
	if to-from < manySegments || len(odd)*seldomOdd > int(to-from) {
		return []question{v.askOthers(from, to, but, n, seen)}
	}
	// The sum first: what is purged meanwhile cannot be taken off twice.
	questions := []question{{`SELECT CAST(
		(SELECT coalesce(sum(n), 0) FROM stored WHERE app = ?1 AND log = ?2 AND sender = '' AND segment > ?4 AND segment < ?5) -
		(SELECT coalesce(sum(n), 0) FROM stored WHERE app = ?1 AND log = ?2 AND sender = ?3 AND sender <> '' AND segment > ?4 AND segment < ?5)
		AS BIGINT)`, []any{v.app, v.id, but, from, to}, func(scan func(...any) error) error {
		var sum uint64
		err := scan(&sum)
		*n += sum
		return err
	}}, v.askOthers(from, from, but, n, seen), v.askOthers(to, to, but, n, seen)}
	for _, part := range odd {
		questions = append(questions, v.askOthers(part.Segment, part.Segment, but, n, func(_ uint32, bits wire.Bits) uint64 {
			return seen(part.Segment, bits) - uint64(bits.Count()) // less than nothing: what is deleted singly
		}))
	}
	return questions
}

// seen is how many of a segment's seqs from first to last are not deleted singly.
func (v *view) seen(segment uint32, bits wire.Bits, first, last uint64) uint64 {
	if gone := v.history.Ranges.Of(segment); gone != nil {
		bits.Without(gone)
	}
	return between(bits, uint64(segment)*wire.SegmentSize, first, last)
}

// askOthers adds to n what a count gives for the stored seqs of some segments, less what it gives for those that a sender has sent.
func (v *view) askOthers(from, to uint32, but string, n *uint64, count func(segment uint32, bits wire.Bits) uint64) question {
	// A condition by equal values for each: PostgreSQL looks through all senders' rows for any other.
	return question{`SELECT segment, w0, w1, w2, w3, 0 FROM stored
		WHERE app = ?1 AND log = ?2 AND sender = '' AND segment >= ?4 AND segment <= ?5
		UNION ALL SELECT segment, w0, w1, w2, w3, 1 FROM stored
		WHERE app = ?1 AND log = ?2 AND sender = ?3 AND sender <> '' AND segment >= ?4 AND segment <= ?5`,
		[]any{v.app, v.id, but, from, to}, func(scan func(...any) error) error {
			var row storedRow
			err := scan(row.fields()...)
			*n += row.count(count)
			return err
		}}
}

// storedRow is a segment's stored seqs: everybody's, or those that one has sent.
type storedRow struct {
	segment uint32
	w       [4]int64
	own     flag
}

func (r *storedRow) fields() []any {
	return []any{&r.segment, &r.w[0], &r.w[1], &r.w[2], &r.w[3], &r.own}
}

// count is what a count gives for the seqs, less than nothing for those that one has sent.
func (r *storedRow) count(count func(segment uint32, bits wire.Bits) uint64) uint64 {
	n := count(r.segment, bitsOf(r.w))
	if r.own {
		return -n
	}
	return n
}

// between is how many bits of the segment that begins at start are of seqs from first to last.
func between(bits wire.Bits, start, first, last uint64) (n uint64) {
	if first <= start && start+wire.SegmentSize-1 <= last {
		return uint64(bits.Count())
	}
	for seq := max(first, start); seq <= min(last, start+wire.SegmentSize-1); seq++ {
		if bits.Has(seq % wire.SegmentSize) {
			n++
		}
	}
	return n
}

var selectStored = inBulk(3, []string{"id BIGINT", "low BIGINT", "high BIGINT"}, func(d dialect) string {
	const words, segments = "x.w0, x.w1, x.w2, x.w3", " AND x.segment >= k.low AND x.segment <= k.high"
	return d.forEach("id", "x.log, x.segment, "+words+", 0", "stored x", "x.app = ?1 AND x.log = k.id AND x.sender = ''"+segments) +
		" UNION ALL " +
		d.forEach("id", "x.log, x.segment, "+words+", 1", "stored x", "x.app = ?1 AND x.log = k.id AND x.sender = ?2 AND x.sender <> ''"+segments)
})

// countAllUnread counts what is unread of several conversations: by one statement where it lies in few segments.
func countAllUnread(ctx context.Context, tx *transaction, who server.Who, summaries []*summary) error {
	type counted struct {
		*summary
		runs []run
		n    uint64
	}
	near := map[uint64]*counted{} // by log
	var segments []any
	for _, s := range summaries {
		runs := s.view.runs(s.readUpTo)
		if len(runs) == 0 {
			continue
		}
		from, to := runs[len(runs)-1].first/wire.SegmentSize, runs[0].last/wire.SegmentSize
		if to-from >= manySegments || near[s.view.id] != nil { // a device may ask for a conversation twice
			if err := s.countUnread(ctx, tx, who); err != nil {
				return err
			}
			continue
		}
		near[s.view.id] = &counted{summary: s, runs: runs}
		segments = append(segments, s.view.id, from, to)
	}
	if err := selectStored.each(ctx, tx, []any{who.App, who.User}, segments, func(scan func(...any) error) error {
		var log uint64
		var row storedRow
		if err := scan(append([]any{&log}, row.fields()...)...); err != nil {
			return err
		}
		c := near[log]
		for _, r := range c.runs {
			c.n += row.count(func(segment uint32, bits wire.Bits) uint64 { return c.view.seen(segment, bits, r.first, r.last) })
		}
		return nil
	}); err != nil {
		return err
	}
	for _, c := range near {
		c.state.Unread = uint32(c.n)
	}
	return nil
}
