package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// several is how many conversations one statement reads of at most.
const several = 64

// sizes are those of the tables of what is asked for. What fills none of them is filled up, so that there are few texts, which both
// databases compile once.
var sizes = [...]int{8, several}

// bulk is a statement that reads of several conversations, in the words of either database and for each size.
type bulk struct {
	texts [len(sizes)]struct{ sqlite, postgres string }
	empty []any // a row that nothing is read for
}

// inBulk makes a statement that begins with the table of what is asked for, k, whose first placeholder has that number. A column of k
// is a name and a type, the first of them a number that is never 0.
func inBulk(first int, columns []string, rest func(dialect) string) *bulk {
	b := &bulk{}
	for _, column := range columns {
		if strings.HasSuffix(column, " BLOB") {
			b.empty = append(b.empty, []byte{})
		} else {
			b.empty = append(b.empty, 0)
		}
	}
	for i, size := range sizes {
		b.texts[i].sqlite = sqliteDialect.asked(size, first, columns) + rest(sqliteDialect)
		b.texts[i].postgres = postgresDialect.asked(size, first, columns) + rest(postgresDialect)
	}
	return b
}

func (d dialect) asked(size, first int, columns []string) string {
	names := make([]string, len(columns))
	rows := make([]string, size)
	for i := range rows {
		places := make([]string, len(columns))
		for j, column := range columns {
			places[j] = fmt.Sprintf("?%d", first+i*len(columns)+j)
			if i == 0 { // PostgreSQL takes the types from the first row
				name, of, _ := strings.Cut(column, " ")
				if of == "BLOB" {
					of = d.blob
				}
				names[j], places[j] = name, "CAST("+places[j]+" AS "+of+")"
			}
		}
		rows[i] = "(" + strings.Join(places, ", ") + ")"
	}
	return "WITH k (" + strings.Join(names, ", ") + ") AS (VALUES " + strings.Join(rows, ", ") + ") "
}

// forEach reads what a condition finds in some tables for each row of k, one after the other by the tables' keys. number is k's first
// column. Left alone a database may go through all rows of an app, or of a user, instead: PostgreSQL does where it has not counted yet.
func (d dialect) forEach(number, columns, tables, condition string) string {
	if d.lateral {
		return "SELECT found.* FROM k CROSS JOIN LATERAL (SELECT " + columns + " FROM " + tables + " WHERE " + condition +
			" OFFSET 0) AS found WHERE k." + number + " <> 0"
	}
	return "SELECT " + columns + " FROM k CROSS JOIN " + tables + " WHERE k." + number + " <> 0 AND " + condition
}

// leftJoin adds the rows of a table, given with its alias, that a condition finds, in the same way.
func (d dialect) leftJoin(table, condition string) string {
	if d.lateral {
		_, alias, _ := strings.Cut(table, " ")
		return " LEFT JOIN LATERAL (SELECT * FROM " + table + " WHERE " + condition + " OFFSET 0) AS " + alias + " ON TRUE"
	}
	return " LEFT JOIN " + table + " ON " + condition
}

// each scans every row that is found for a table of what is asked for, at most several rows; nothing is asked for an empty one.
func (b *bulk) each(ctx context.Context, tx *transaction, arguments, table []any, fn func(scan func(...any) error) error) error {
	if len(table) == 0 {
		return nil
	}
	size := 0
	for sizes[size]*len(b.empty) < len(table) {
		size++
	}
	all := append(slices.Clip(arguments), table...)
	for len(all) < len(arguments)+sizes[size]*len(b.empty) {
		all = append(all, b.empty...)
	}
	text := b.texts[size].sqlite
	if tx.lateral {
		text = b.texts[size].postgres
	}
	return each(ctx, tx, text, all, fn)
}

// logNumbers are a table of logs.
func logNumbers(views []*view) []any {
	table := make([]any, len(views))
	for i, v := range views {
		table[i] = v.id
	}
	return table
}

// numbers reads a number of each of some logs.
func (b *bulk) numbers(ctx context.Context, tx *transaction, arguments []any, views []*view) (map[uint64]uint64, error) {
	numbers := map[uint64]uint64{}
	err := b.each(ctx, tx, arguments, logNumbers(views), func(scan func(...any) error) error {
		var log, number uint64
		err := scan(&log, &number)
		numbers[log] = number
		return err
	})
	return numbers, err
}
