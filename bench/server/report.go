package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// report is all that was measured, as it is written to bench/results.
type report struct {
	Date     string   `json:"date"`
	Machine  string   `json:"machine"`
	Source   string   `json:"source"` // the commit that was built
	Plan     string   `json:"plan"`
	Minutes  float64  `json:"minutes"`
	Postgres string   `json:"postgres"` // its version
	Settings []string `json:"settings"` // PostgreSQL's
	SyncP50  float64  `json:"syncP50"`  // ms to make 4 KiB durable
	SyncP99  float64  `json:"syncP99"`
	// Disturbed measurements, of those begun, found the processors busy with other work.
	Disturbed int `json:"disturbed"`
	Begun     int `json:"begun"`

	Rates   []rate       `json:"rates"`
	Sockets []socketCost `json:"sockets"`
	Sizes   []size       `json:"sizes"`
	Costs   []cost       `json:"costs"`
	Goals   []goal       `json:"goals"`
}

// write prints the report as Markdown.
func (r *report) write(w io.Writer) error {
	text := []string{
		fmt.Sprintf("%s, %s, %s, %s, plan %s, %.0f minutes\n%s\na sync of 4 KiB: %s ms, p99 %s; %d of %d measurements began while other work kept the processors busy\n",
			r.Date, r.Machine, r.Source, r.Postgres, r.Plan, r.Minutes, strings.Join(r.Settings, " "), digits(r.SyncP50), digits(r.SyncP99), r.Disturbed, r.Begun),
	}
	tables := []table{r.ratesTable(), r.sizesTable(), r.socketsTable(), r.timesTable(), r.processorTable(), r.writtenTable(), r.afterTable()}
	if r.Plan == full.Name {
		tables = append(tables, r.goalsTable())
	}
	for _, t := range tables {
		if len(t) > 1 { // more than its head: it was measured
			text = append(text, t.String())
		}
	}
	_, err := io.WriteString(w, strings.Join(text, "\n"))
	return err
}

func (r *report) ratesTable() table {
	t := table{{"", "", "deletions/s", "p50 ms", "p99 ms", "sends/s", "p50 ms", "p99 ms", "server µs", "database µs", "NATS µs", "bench µs", "2 cores for all of it: at most /s", "2 cores for the server: at most /s", "bound by"}}
	for _, one := range r.Rates {
		t = append(t, []string{
			one.Installation, one.Work, some(one.Deletions), some(one.DeleteP50), some(one.DeleteP99), some(one.Sends), some(one.SendP50), some(one.SendP99),
			some(one.Server), some(one.Database), some(one.Bus), some(one.Bench),
			most(one.Server + one.Database + one.Bus + one.Bench), most(one.Server), one.bound(),
		})
	}
	return t
}

// most is how many operations two processors can do in a second that take so many µs.
func most(microseconds float64) string {
	if microseconds == 0 {
		return "–"
	}
	return digits(2e6 / microseconds)
}

// processorsBusy is from where on the processors are what bounds a rate.
const processorsBusy = 0.9

// bound says what keeps the rate from being higher.
func (one rate) bound() string {
	told := fmt.Sprintf("processors %.0f %% busy", 100*one.Busy)
	if one.Others >= 0.05 {
		told += fmt.Sprintf(", %.0f %% by other work", 100*one.Others)
	}
	switch {
	case one.Deletions > 0 && one.Sends > 0:
		return "the pace; " + told
	case one.Busy >= processorsBusy:
		return "the processors: " + told
	default:
		return "waiting, for the disk and for each other: " + told
	}
}

func (r *report) sizesTable() table {
	t := table{{"on PostgreSQL's disk", "rows", "bytes a row, with indexes"}}
	for _, s := range r.Sizes {
		t = append(t, []string{s.Table, digits(s.Rows), digits(s.Each)})
	}
	return t
}

func (r *report) socketsTable() table {
	t := table{{"sockets", "", "conversations of each", "memory a socket", "NATS, a socket", "the server with all", "to connect one, µs", "one at rest, µs a second"}}
	for _, s := range r.Sockets {
		t = append(t, []string{
			digits(float64(s.Sockets)), s.Installation, digits(float64(s.Conversations)), inBytes(s.Server), inBytes(s.Bus), inBytes(s.Whole), digits(s.Connecting), digits(s.Idle),
		})
	}
	return t
}

// line is a task with its cost on each side.
type line struct {
	name              string
	members, messages int
	of                map[string]cost
}

// lines brings together what was done to the same.
func (r *report) lines() (all []*line) {
	for _, c := range r.Costs {
		if n := len(all); n == 0 || all[n-1].name != c.Task || all[n-1].messages != c.Messages || all[n-1].members != c.Members {
			all = append(all, &line{c.Task, c.Members, c.Messages, map[string]cost{}})
		}
		all[len(all)-1].of[c.Side] = c
	}
	return all
}

func (l *line) head() []string {
	return []string{l.name, digits(float64(l.members)), digits(float64(l.messages))}
}

// allSides are the columns of the tables of costs.
var allSides = []string{onSQLite, onPostgres, isTextbook}

func (r *report) timesTable() table {
	return r.sidesTable("ms, p50 (least; p99; times)", func(c cost) string {
		return fmt.Sprintf("%s (%s; %s; %d)", digits(c.P50), digits(c.Least), digits(c.P99), len(c.Times))
	}, func(c cost) float64 { return c.P50 })
}

func (r *report) processorTable() table {
	return r.sidesTable("ms of processor, server and database, p50", func(c cost) string { return digits(c.Processor) },
		func(c cost) float64 { return c.Processor })
}

// sidesTable has a column for each side, and how many times Lethe's the textbook's is.
func (r *report) sidesTable(title string, cell func(cost) string, compared func(cost) float64) table {
	t := table{append([]string{title, "members", "messages"}, append(allSides, "textbook / Lethe")...)}
	for _, l := range r.lines() {
		row := l.head()
		for _, side := range allSides {
			text := "–"
			if c, ok := l.of[side]; ok {
				text = cell(c)
			}
			row = append(row, text)
		}
		t = append(t, append(row, l.ratio(compared)))
	}
	return t
}

// ratio is the textbook's against Lethe's on PostgreSQL.
func (l *line) ratio(of func(cost) float64) string {
	ours, ok := l.of[onPostgres]
	theirs, both := l.of[isTextbook]
	if !ok || !both {
		return "–"
	}
	return digits(of(theirs)/of(ours)) + "×"
}

func (r *report) writtenTable() table {
	t := table{{"written on PostgreSQL, p50", "members", "messages", "rows: Lethe", "textbook", "", "log: Lethe", "textbook", "", "without page images: Lethe", "textbook", ""}}
	for _, l := range r.lines() {
		row := l.head()
		for _, kind := range []struct {
			of   func(cost) float64
			unit func(float64) string
		}{
			{func(c cost) float64 { return c.Wrote.Rows }, digits},
			{func(c cost) float64 { return c.Wrote.Bytes }, inBytes},
			{func(c cost) float64 { return c.Wrote.Bytes - c.Wrote.Images }, inBytes},
		} {
			for _, side := range []string{onPostgres, isTextbook} {
				cell := "–"
				if c, ok := l.of[side]; ok {
					cell = kind.unit(kind.of(c))
				}
				row = append(row, cell)
			}
			row = append(row, l.ratio(kind.of))
		}
		t = append(t, row)
	}
	return t
}

func (r *report) afterTable() table {
	t := table{{"afterwards, in the background, of one", "members", "messages", "", "seconds until done", "rows", "written", "processor ms"}}
	for _, l := range r.lines() {
		for _, side := range allSides {
			a := l.of[side].After
			if a == nil {
				continue
			}
			rows := digits(a.Wrote.Rows)
			if side == onSQLite {
				rows = "–"
			}
			t = append(t, append(l.head(), side, digits(a.Seconds), rows, inBytes(a.Wrote.Bytes), digits(1000*a.Processor)))
		}
	}
	return t
}

func (r *report) goalsTable() table {
	t := table{{"to reach", "measured", "", "reached"}}
	for _, g := range r.Goals {
		relation, reached := "≤ ", "no"
		if g.AtLeast {
			relation = "≥ "
		}
		if g.Reached {
			reached = "yes"
		}
		t = append(t, []string{g.What, digits(g.Measured), relation + digits(g.Limit), reached})
	}
	return t
}

// table is rows of cells, the first the head.
type table [][]string

// String is the table in Markdown, its columns aligned.
func (t table) String() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for n, row := range t {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				b.WriteString("|" + strings.Repeat("-", width+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// some is digits of what there is, and a dash for what there is none of.
func some(value float64) string {
	if value == 0 {
		return "–"
	}
	return digits(value)
}

// digits has three digits that count, and a space between thousands.
func digits(value float64) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return "–"
	}
	places := 0
	if size := math.Abs(value); size > 0 {
		places = max(0, 2-int(math.Floor(math.Log10(math.Max(size, 0.01)))))
	}
	text, negative := strings.CutPrefix(strconv.FormatFloat(value, 'f', places, 64), "-")
	whole, fraction, broken := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + " " + whole[i:]
	}
	if fraction = strings.TrimRight(fraction, "0"); broken && fraction != "" {
		whole += "." + fraction
	}
	if negative {
		return "-" + whole
	}
	return whole
}

// inBytes tells them in kB and MB of 1000.
func inBytes(value float64) string {
	switch size := math.Abs(value); {
	case size >= 1e6:
		return digits(value/1e6) + " MB"
	case size >= 1e3:
		return digits(value/1e3) + " kB"
	default:
		return digits(value) + " B"
	}
}
