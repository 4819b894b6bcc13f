package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// ledgerOf reads one of the user's ledgers, empty if there is none.
func ledgerOf(ctx context.Context, tx *sql.Tx, who server.Who, log uint64, surface wire.Surface) (l wire.Ledger, err error) {
	key := []any{who.App, who.User, log, surface}
	if _, err := found(tx.QueryRowContext(ctx, `SELECT through, hidden_at FROM ledgers
		WHERE app = ? AND uid = ? AND log = ? AND surface = ?`, key...), &l.Through, &l.HiddenAt); err != nil {
		return l, err
	}
	err = each(ctx, tx, `SELECT segment, bits FROM ledger_bits
		WHERE app = ? AND uid = ? AND log = ? AND surface = ? ORDER BY segment`, key, func(scan func(...any) error) error {
		part, err := scanPart(scan)
		l.Ranges = append(l.Ranges, part)
		return err
	})
	return l, err
}

// scanPart scans segment and bits, after the columns in first.
func scanPart(scan func(...any) error, first ...any) (part wire.SegmentBits, err error) {
	var bits []byte
	if err := scan(append(first, &part.Segment, &bits)...); err != nil {
		return part, err
	}
	if copy(part.Bits[:], bits) != len(part.Bits) || len(bits) != len(part.Bits) {
		return part, fmt.Errorf("segment %d has %d bytes of bits", part.Segment, len(bits))
	}
	return part, nil
}

// joinLedger joins add into the user's ledger. Only the parts that change are written, under the operation's number.
func joinLedger(ctx context.Context, tx *sql.Tx, own *change, log uint64, surface wire.Surface, add wire.Ledger) error {
	key := []any{own.who.App, own.who.User, log, surface}
	var through, hiddenAt uint64
	if _, err := found(tx.QueryRowContext(ctx, `SELECT through, hidden_at FROM ledgers
		WHERE app = ? AND uid = ? AND log = ? AND surface = ?`, key...), &through, &hiddenAt); err != nil {
		return err
	}
	if add.Through > through || add.HiddenAt > hiddenAt {
		through, hiddenAt = max(through, add.Through), max(hiddenAt, add.HiddenAt)
		n, err := own.take(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO ledgers (app, uid, log, surface, through, hidden_at, n)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app, uid, log, surface)
			DO UPDATE SET through = excluded.through, hidden_at = excluded.hidden_at, n = excluded.n`,
			append(key, through, hiddenAt, n)...); err != nil {
			return err
		}
		// Segments that through covers whole say nothing any more.
		if _, err := tx.ExecContext(ctx, `DELETE FROM ledger_bits
			WHERE app = ? AND uid = ? AND log = ? AND surface = ? AND segment < ?`,
			append(key, (through+1)/wire.SegmentSize)...); err != nil {
			return err
		}
	}
	return joinRanges(ctx, tx, own, key, add.Ranges, through)
}

// joinRanges joins the seqs above through into the ledger's parts.
func joinRanges(ctx context.Context, tx *sql.Tx, own *change, key []any, add wire.Ranges, through uint64) (err error) {
	if len(add) == 0 {
		return nil
	}
	stored := wire.Ranges{}
	if err := each(ctx, tx, `SELECT segment, bits FROM ledger_bits WHERE app = ? AND uid = ? AND log = ? AND surface = ?
		AND segment >= ? AND segment <= ? ORDER BY segment`, append(key, add[0].Segment, add[len(add)-1].Segment),
		func(scan func(...any) error) error {
			part, err := scanPart(scan)
			stored = append(stored, part)
			return err
		}); err != nil {
		return err
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO ledger_bits (app, uid, log, surface, segment, bits, n)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (app, uid, log, surface, segment)
		DO UPDATE SET bits = excluded.bits, n = excluded.n`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, put.Close()) }()
	for _, part := range add {
		var joined wire.Bits
		if bits := stored.Of(part.Segment); bits != nil {
			joined = *bits
		}
		bits := above(part, through)
		if !joined.Join(&bits) {
			continue
		}
		n, err := own.take(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(ctx, append(key, part.Segment, joined[:], n)...); err != nil {
			return err
		}
	}
	return nil
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

// markOf is the user's read mark in a log, 0 if there is none.
func markOf(ctx context.Context, tx *sql.Tx, who server.Who, log uint64) (upTo uint64, err error) {
	_, err = found(tx.QueryRowContext(ctx, `SELECT up_to FROM marks WHERE app = ? AND uid = ? AND log = ?`,
		who.App, who.User, log), &upTo)
	return upTo, err
}

// joinMark raises the user's read mark to upTo.
func joinMark(ctx context.Context, tx *sql.Tx, own *change, log, upTo uint64) error {
	stored, err := markOf(ctx, tx, own.who, log)
	if err != nil || upTo <= stored {
		return err
	}
	n, err := own.take(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO marks (app, uid, log, up_to, n) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (app, uid, log) DO UPDATE SET up_to = excluded.up_to, n = excluded.n`,
		own.who.App, own.who.User, log, upTo, n)
	return err
}
