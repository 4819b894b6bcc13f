package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// ledgers are the user's in one log, by surface.
type ledgers [wire.SurfaceDevices + 1]wire.Ledger

var selectLedgers = inLog(7, `SELECT surface, -1, through, hidden_at, NULL FROM ledgers
	WHERE app = ?1 AND uid = ?2 AND log = LOG AND surface >= ?3 AND surface <= ?4
	UNION ALL SELECT surface, segment, 0, 0, bits FROM ledger_bits
	WHERE app = ?1 AND uid = ?2 AND log = LOG AND surface = ?3
	UNION ALL SELECT surface, segment, 0, 0, bits FROM ledger_bits
	WHERE app = ?1 AND uid = ?2 AND log = LOG AND surface > ?3 AND surface <= ?4 AND segment >= ?5 AND segment <= ?6`)

// question asks for the user's ledger of the first surface, and for those of the surfaces after it up to last with the segments to
// which add adds something.
func (l *ledgers) question(who server.Who, log logBy, first, last wire.Surface, add wire.Ranges) question {
	from, to := uint32(1), uint32(0) // none
	if len(add) > 0 {
		from, to = add[0].Segment, add[len(add)-1].Segment
	}
	return question{selectLedgers.of(log), append([]any{who.App, who.User, first, last, from, to}, log...),
		func(scan func(...any) error) error {
			var surface wire.Surface
			var row ledgerRow
			if err := scan(append([]any{&surface}, row.fields()...)...); err != nil {
				return err
			}
			return row.put(&l[surface])
		}}
}

// ledgerRow is what a query has of a ledger: its numbers, with the segment -1, or one segment's bits.
type ledgerRow struct {
	segment           int64
	through, hiddenAt uint64
	bits              []byte
}

func (r *ledgerRow) fields() []any { return []any{&r.segment, &r.through, &r.hiddenAt, &r.bits} }

// put puts the row into its ledger, the segments in order: a union promises none, though it has this one as a rule.
func (r *ledgerRow) put(l *wire.Ledger) error {
	if r.segment < 0 {
		l.Through, l.HiddenAt = r.through, r.hiddenAt
		return nil
	}
	part, err := partOf(uint32(r.segment), r.bits)
	place, _ := slices.BinarySearchFunc(l.Ranges, part.Segment, func(p wire.SegmentBits, segment uint32) int {
		return cmp.Compare(p.Segment, segment)
	})
	l.Ranges = slices.Insert(l.Ranges, place, part)
	return err
}

var selectHistories = inBulk(4, []string{"id BIGINT"}, func(d dialect) string {
	// The cast is for SQLite, as that of a kind (logBy).
	const which = `x.app = ?1 AND x.uid = ?2 AND x.log = k.id AND x.surface = CAST(?3 AS BIGINT)`
	return d.forEach("id", "x.log, -1, x.through, x.hidden_at, CAST(NULL AS "+d.blob+")", "ledgers x", which) +
		" UNION ALL " + d.forEach("id", "x.log, x.segment, 0, 0, x.bits", "ledger_bits x", which)
})

// historiesOf reads the user's history ledgers in the logs of several views, by the logs' numbers.
func historiesOf(ctx context.Context, tx *transaction, who server.Who, views []*view) (map[uint64]wire.Ledger, error) {
	histories := map[uint64]wire.Ledger{}
	if err := selectHistories.each(ctx, tx, []any{who.App, who.User, wire.SurfaceHistory}, logNumbers(views),
		func(scan func(...any) error) error {
			var log uint64
			var row ledgerRow
			if err := scan(append([]any{&log}, row.fields()...)...); err != nil {
				return err
			}
			l := histories[log]
			err := row.put(&l)
			histories[log] = l
			return err
		}); err != nil {
		return nil, err
	}
	return histories, nil
}

// scanPart scans segment and bits, after the columns in first.
func scanPart(scan func(...any) error, first ...any) (part wire.SegmentBits, err error) {
	var bits []byte
	if err := scan(append(first, &part.Segment, &bits)...); err != nil {
		return part, err
	}
	return partOf(part.Segment, bits)
}

// partOf is a segment with the bits that a row has of it.
func partOf(segment uint32, bits []byte) (part wire.SegmentBits, err error) {
	part.Segment = segment
	if copy(part.Bits[:], bits) != len(part.Bits) || len(bits) != len(part.Bits) {
		return part, fmt.Errorf("segment %d has %d bytes of bits", part.Segment, len(bits))
	}
	return part, nil
}

var (
	insertLedgers = inserting("ledgers", []string{"app", "uid", "log", "n"}, []string{"surface", "through", "hidden_at"},
		`ON CONFLICT (app, uid, log, surface) DO UPDATE SET through = excluded.through, hidden_at = excluded.hidden_at, n = excluded.n`)
	insertBits = inserting("ledger_bits", []string{"app", "uid", "log", "n"}, []string{"surface", "segment", "bits"},
		`ON CONFLICT (app, uid, log, surface, segment) DO UPDATE SET bits = excluded.bits, n = excluded.n`)
)

// join joins add into the user's ledgers of some surfaces, which are stored as l has them, with all the segments that add has. Only
// the parts that change are written, under the operation's number.
func (l *ledgers) join(ctx context.Context, tx *transaction, own *change, log uint64, surfaces []wire.Surface, add wire.Ledger) error {
	var numbers, parts []any
	raised, some := []any{0, 0, 0}, false // 0 is no surface
	for i, surface := range surfaces {
		was := l[surface]
		through, hiddenAt := max(was.Through, add.Through), max(was.HiddenAt, add.HiddenAt)
		if through > was.Through || hiddenAt > was.HiddenAt {
			numbers = append(numbers, surface, through, hiddenAt)
		}
		if through > was.Through {
			raised[i], some = surface, true
		}
		parts = append(parts, joinedParts(surface, was.Ranges, add.Ranges, through)...)
	}
	if len(numbers)+len(parts) == 0 {
		return nil
	}
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	shared := []any{own.who.App, own.who.User, log, n}
	if err := insertLedgers.exec(ctx, tx, shared, numbers); err != nil {
		return err
	}
	if some {
		// Segments that through covers whole say nothing any more.
		if err := tx.exec(ctx, `DELETE FROM ledger_bits
			WHERE app = ? AND uid = ? AND log = ? AND segment < ? AND surface IN (?, ?, ?)`,
			append([]any{own.who.App, own.who.User, log, (add.Through + 1) / wire.SegmentSize}, raised...)...); err != nil {
			return err
		}
	}
	return insertBits.exec(ctx, tx, shared, parts)
}

// joinedParts are the rows of the segments that change as the seqs above through are joined into a ledger's parts.
func joinedParts(surface wire.Surface, was, add wire.Ranges, through uint64) (rows []any) {
	for _, part := range add {
		var joined wire.Bits
		if bits := was.Of(part.Segment); bits != nil {
			joined = *bits
		}
		bits := above(part, through)
		if joined.Join(&bits) {
			rows = append(rows, surface, part.Segment, joined[:])
		}
	}
	return rows
}

// above is what a part has above through.
func above(part wire.SegmentBits, through uint64) (bits wire.Bits) {
	for i := uint64(0); i < wire.SegmentSize; i++ {
		if part.Bits.Has(i) && uint64(part.Segment)*wire.SegmentSize+i > through {
			bits.Set(i)
		}
	}
	return bits
}

var selectMarks = inBulk(3, []string{"id BIGINT"}, func(d dialect) string {
	return d.forEach("id", "m.log, m.up_to", "marks m", "m.app = ?1 AND m.uid = ?2 AND m.log = k.id")
})

// marksOf are the user's read marks in the logs of several views, by the logs' numbers.
func marksOf(ctx context.Context, tx *transaction, who server.Who, views []*view) (map[uint64]uint64, error) {
	return selectMarks.numbers(ctx, tx, []any{who.App, who.User}, views)
}

// joinMark raises the user's read mark to upTo.
func (v *view) joinMark(ctx context.Context, tx *transaction, own *change, upTo uint64) error {
	if upTo <= v.mark {
		return nil
	}
	v.mark = upTo
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	err = tx.exec(ctx, `INSERT INTO marks (app, uid, log, up_to, n) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (app, uid, log) DO UPDATE SET up_to = excluded.up_to, n = excluded.n`,
		own.who.App, own.who.User, v.id, upTo, n)
	return err
}
