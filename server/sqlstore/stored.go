package sqlstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/lethe-im/lethe/wire"
)

// presence is a set of a log's messages, as the table stored has them: by segment, everybody's and each sender's.
type presence map[share]*wire.Bits

// share is a sender's part of a segment; everybody's where the sender is empty.
type share struct {
	segment uint32
	sender  string
}

// note adds a message to the set.
func (p presence) note(sender string, seq uint64) {
	p.set(share{sender: "", segment: uint32(seq / wire.SegmentSize)}, seq)
	if sender != "" { // a notice may have none
		p.set(share{sender: sender, segment: uint32(seq / wire.SegmentSize)}, seq)
	}
}

func (p presence) set(s share, seq uint64) {
	bits := p[s]
	if bits == nil {
		bits = &wire.Bits{}
		p[s] = bits
	}
	bits.Set(seq % wire.SegmentSize)
}

// shares are in an order that can be had again.
func (p presence) shares() []share {
	return slices.SortedFunc(maps.Keys(p), func(a, b share) int {
		return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.sender, b.sender))
	})
}

// presentOf is which of some messages, by rising seq, a log still has.
func presentOf(ctx context.Context, tx *transaction, app string, log uint64, messages []held) (presence, error) {
	p := presence{}
	for len(messages) > 0 {
		n := 1 // how many are of one segment
		for n < len(messages) && messages[n].seq/wire.SegmentSize == messages[0].seq/wire.SegmentSize {
			n++
		}
		part := messages[:n]
		messages = messages[n:]
		if err := each(ctx, tx, `SELECT seq, sender FROM messages WHERE app = ? AND log = ? AND seq >= ? AND seq <= ?`,
			[]any{app, log, part[0].seq, part[n-1].seq}, func(scan func(...any) error) error {
				var seq uint64
				var sender string
				err := scan(&seq, &sender)
				if _, ok := slices.BinarySearchFunc(part, seq, func(m held, seq uint64) int { return cmp.Compare(m.seq, seq) }); ok {
					p.note(sender, seq)
				}
				return err
			}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

var insertStored = inserting("stored", []string{"app", "log"}, []string{"sender", "segment", "w0", "w1", "w2", "w3", "n"},
	`ON CONFLICT (app, log, sender, segment) DO UPDATE SET w0 = stored.w0 | excluded.w0, w1 = stored.w1 | excluded.w1,
	w2 = stored.w2 | excluded.w2, w3 = stored.w3 | excluded.w3, n = stored.n + excluded.n`)

// add notes messages that were put into a log; none was there before. The log is locked.
func (p presence) add(ctx context.Context, tx *transaction, app string, log uint64) error {
	var rows []any
	for _, s := range p.shares() {
		w := words(p[s])
		rows = append(rows, s.sender, s.segment, w[0], w[1], w[2], w[3], p[s].Count())
	}
	return insertStored.exec(ctx, tx, []any{app, log}, rows)
}

// remove notes messages that were taken out of a log; all of them were there. The log is locked.
func (p presence) remove(ctx context.Context, tx *transaction, app string, log uint64) error {
	for _, s := range p.shares() {
		w := words(p[s])
		if err := tx.exec(ctx, `UPDATE stored SET w0 = w0 & ?, w1 = w1 & ?, w2 = w2 & ?, w3 = w3 & ?, n = n - ?
			WHERE app = ? AND log = ? AND sender = ? AND segment = ?`,
			^w[0], ^w[1], ^w[2], ^w[3], p[s].Count(), app, log, s.sender, s.segment); err != nil {
			return err
		}
		if err := tx.exec(ctx, `DELETE FROM stored WHERE app = ? AND log = ? AND sender = ? AND segment = ? AND n = 0`,
			app, log, s.sender, s.segment); err != nil {
			return err
		}
	}
	return nil
}

// words are the bits as SQL's integers, and bitsOf is the way back.
func words(b *wire.Bits) (w [4]int64) {
	for i := range w {
		w[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return w
}

func bitsOf(w [4]int64) (b wire.Bits) {
	for i := range w {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(w[i]))
	}
	return b
}
