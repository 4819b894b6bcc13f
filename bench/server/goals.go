package main

import "fmt"

// What is to be reached, on two cores that the servers share with the database and the load.
const (
	wholeWithin        = 5.0    // ms, a deletion of the largest conversation at the server
	lessWork           = 1000.0 // times, rows, bytes of the log and time of it against the textbook's
	deletionsSQLite    = 5000.0 // a second, acknowledged, on one node
	deletionsPostgres  = 3000.0
	memoryOfConnection = 40_000.0 // bytes
)

// goal is one thing to reach, and how far it is.
type goal struct {
	What     string  `json:"what"`
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"`
	AtLeast  bool    `json:"atLeast"` // else at most
	Reached  bool    `json:"reached"`
}

func atMost(what string, measured, limit float64) goal {
	return goal{What: what, Measured: measured, Limit: limit, Reached: measured <= limit}
}

func atLeast(what string, measured, limit float64) goal {
	return goal{What: what, Measured: measured, Limit: limit, AtLeast: true, Reached: measured >= limit}
}

// goals compares what was measured with what is to be reached. What was not measured is left out.
func (r *report) goals() (all []goal) {
	for _, side := range []string{onSQLite, onPostgres} {
		if c, ok := r.largest(side); ok {
			all = append(all, atMost("delete the largest conversation, ms, "+side, c.P50, wholeWithin))
		}
	}
	ours, ok := r.largest(onPostgres)
	theirs, both := r.largest(isTextbook)
	if ok && both {
		all = append(all,
			atLeast("… the textbook's time, times as long", theirs.P50/ours.P50, lessWork),
			atLeast("… the textbook's processor time, times as much", theirs.Processor/ours.Processor, lessWork),
			atLeast("… the textbook's rows, times as many", theirs.Wrote.Rows/ours.Wrote.Rows, lessWork),
			atLeast("… the textbook's bytes of log, times as many", theirs.Wrote.Bytes/ours.Wrote.Bytes, lessWork))
	}
	for _, wanted := range []struct {
		installation string
		limit        float64
	}{{oneSQLite, deletionsSQLite}, {onePostgres, deletionsPostgres}} {
		for _, one := range r.Rates {
			if one.Installation == wanted.installation && one.Work == onlyDeletions {
				all = append(all, atLeast("deletions a second, "+one.Installation, one.Deletions, wanted.limit))
			}
		}
	}
	for _, s := range r.Sockets {
		all = append(all, atMost(fmt.Sprintf("bytes of memory a connection, %s, %d conversations each", s.Installation, s.Conversations), s.Server, memoryOfConnection))
	}
	return all
}

// largest is the cost of deleting the largest conversation that few members have.
func (r *report) largest(side string) (found cost, ok bool) {
	for _, c := range r.Costs {
		if c.Task == taskAll && c.Side == side && c.Messages > found.Messages {
			found, ok = c, true
		}
	}
	return found, ok
}
