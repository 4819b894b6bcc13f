package sqlstore

import (
	"context"
	"encoding/binary"
)

// secure_delete overwrites the rows that are removed, but not the copies that SQLite itself leaves behind: when it moves rows
// from one page of a tree to another to make room, the old page keeps them in its free space until new rows come there. A
// message that was moved and is removed later would still be readable in the page where it stood before. So, before the
// write-ahead log is cut, the free space of all pages is overwritten.

// scrubPages is how many pages one slice looks at, beside the sends.
const scrubPages = 256

// mostPages is where the first byte of a page that belongs to no tree, which has the number of another page there, could be
// taken for a tree's: 128 GiB of pages of 4 KiB.
const mostPages = 1 << 25

// The types of pages that have rows.
const (
	innerIndex = 2
	innerTable = 5
	leafIndex  = 10
	leafTable  = 13
)

// scrub overwrites the free space of a slice of pages, from the page first on, and returns where the next one begins, 0 if
// there is none. A slice that fails is the next one.
func (s *sqliteFile) scrub(ctx context.Context, first uint32) (next uint32, err error) {
	var found []uint32
	var pages uint32
	if err := s.read(ctx, func(ctx context.Context, tx *transaction) error {
		if err := tx.row(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
			return err
		}
		return each(ctx, tx, `WITH RECURSIVE n (number) AS (SELECT ? UNION ALL SELECT number + 1 FROM n WHERE number < ?)
			SELECT number, data FROM n CROSS JOIN sqlite_dbpage WHERE pgno = number`,
			[]any{first, min(first+scrubPages-1, pages)}, func(scan func(...any) error) error {
				var number uint32
				var page []byte
				if err := scan(&number, &page); err != nil {
					return err
				}
				if anyOf(freeOf(page, number)) {
					found = append(found, number)
				}
				return nil
			})
	}); err != nil {
		return first, err
	}
	if pages >= mostPages {
		return 0, nil
	}
	if len(found) > 0 {
		if err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
			for _, number := range found {
				if err := scrubPage(ctx, tx, number); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return first, err
		}
	}
	if next = first + scrubPages; next > pages {
		next = 0
	}
	return next, nil
}

// scrubPage looks again, since the page may have changed, and writes it.
func scrubPage(ctx context.Context, tx *transaction, number uint32) error {
	var page []byte
	ok, err := found(tx.row(ctx, `SELECT data FROM sqlite_dbpage WHERE pgno = ?`, number), &page)
	if err != nil || !ok {
		return err
	}
	free := freeOf(page, number)
	if !anyOf(free) {
		return nil
	}
	for _, part := range free {
		clear(part)
	}
	err = tx.exec(ctx, `UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?`, page, number)
	return err
}

// freeOf returns the parts of a page that hold nothing: between the pointers to its rows and the rows, and in the blocks among
// the rows. A page that has no rows, or is not as SQLite's description of the format says, has none.
func freeOf(page []byte, number uint32) (free [][]byte) {
	header := 0
	if number == 1 {
		header = 100 // the file's own
	}
	if len(page) < header+12 {
		return nil
	}
	pointers := header + 8
	switch page[header] {
	case innerIndex, innerTable:
		pointers += 4
	case leafIndex, leafTable:
	default:
		return nil
	}
	field := func(at int) int { return int(binary.BigEndian.Uint16(page[at:])) }
	rows := field(header + 5)
	if rows == 0 {
		rows = 1 << 16
	}
	pointers += 2 * field(header+3)
	if pointers > rows || rows > len(page) {
		return nil
	}
	free = append(free, page[pointers:rows])
	// A block begins with the place of the next one and its own length.
	for at, last := field(header+1), 0; at != 0; at = field(at) {
		if at <= last || at < rows || at+4 > len(page) || field(at+2) < 4 || at+field(at+2) > len(page) {
			return nil
		}
		free = append(free, page[at+4:at+field(at+2)])
		last = at
	}
	return free
}

// anyOf tells whether anything stands in the parts.
func anyOf(parts [][]byte) bool {
	for _, part := range parts {
		for _, b := range part {
			if b != 0 {
				return true
			}
		}
	}
	return false
}
