package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// insertSizes are how many rows one statement inserts: of all texts a few come again and again, which both databases compile once. A
// message has two rows of stored, a deletion three of a ledger.
var insertSizes = [...]int{8, 3, 2, 1}

// insertion is a statement that inserts several rows, in a text for each size.
type insertion struct {
	texts [len(insertSizes)]string
	width int // of what a row has of its own
}

// inserting makes a statement that inserts rows into a table. All share the values of the first columns; rest follows the rows.
func inserting(table string, shared, own []string, rest string) *insertion {
	s := &insertion{width: len(own)}
	for i, size := range insertSizes {
		rows := make([]string, size)
		for row := range rows {
			places := make([]string, len(shared)+len(own))
			for column := range places {
				place := column + 1
				if column >= len(shared) {
					place += row * len(own)
				}
				places[column] = fmt.Sprint("?", place)
			}
			rows[row] = "(" + strings.Join(places, ", ") + ")"
		}
		s.texts[i] = "INSERT INTO " + table + " (" + strings.Join(slices.Concat(shared, own), ", ") + ") VALUES " +
			strings.Join(rows, ", ") + " " + rest
	}
	return s
}

// exec inserts rows, given as what each has of its own, one after the other.
func (s *insertion) exec(ctx context.Context, tx *transaction, shared, rows []any) error {
	for i, size := range insertSizes {
		for n := size * s.width; len(rows) >= n && n > 0; rows = rows[n:] {
			if err := tx.exec(ctx, s.texts[i], slices.Concat(shared, rows[:n])...); err != nil {
				return err
			}
		}
	}
	return nil
}
