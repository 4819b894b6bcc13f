package main

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/cmd/lethe/load"
)

func TestSample(t *testing.T) {
	var s sample
	require.True(t, math.IsNaN(s.median()))
	for i := range 200 {
		s = append(s, float64(200-i))
	}
	require.Equal(t, 100.0, s.median())
	require.Equal(t, 198.0, s.p99())
	require.Equal(t, 3.0, sample{3, 1, 2}.p99(), "of few the largest")
	require.Equal(t, 200.0, s[0], "it is left as it was measured")
}

func TestDigits(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.0123: "0.0123", 0.5: "0.5", 7: "7", 31.25: "31.2", 999: "999", 1000: "1 000", 1234567: "1 234 567", -4321: "-4 321",
		math.NaN(): "–", math.Inf(1): "–",
	} {
		require.Equal(t, want, digits(value))
	}
	require.Equal(t, "1.5 kB", inBytes(1500))
	require.Equal(t, "160 MB", inBytes(160e6))
	require.Equal(t, "17 B", inBytes(17))
}

// measured is a report whose deletions take so long on Lethe.
func measured(took float64) *report {
	side := func(name string, p50, rows, bytes float64) cost {
		return cost{Task: taskAll, Members: 5, Messages: 1000, Side: name, Times: sample{p50}, Least: p50, P50: p50, P99: p50, Processor: p50 / 2, Wrote: written{rows, bytes, 0}}
	}
	return &report{
		Plan: full.Name,
		Costs: []cost{
			{Task: taskAll, Members: 5, Messages: 10, Side: onPostgres, P50: 900},
			side(onSQLite, took, 0, 4096), side(onPostgres, took, 7, 2000), side(isTextbook, 4000, 7000, 3e6),
		},
		Rates: []rate{
			{Installation: oneSQLite, Work: onlyDeletions, Deletions: 6000, Server: 200, Busy: 0.95},
			{Installation: oneSQLite, Work: onlySends, Sends: 1},
			{Installation: onePostgres, Work: onlyDeletions, Deletions: 2000, Server: 400, Database: 400, Busy: 0.5, Others: 0.2},
		},
		Sockets: []socketCost{{Installation: oneSQLite, Sockets: 10, Server: 39_000}},
	}
}

// Goals are of the largest conversation and of deletions alone, and may be missed.
func TestGoals(t *testing.T) {
	reached := func(r *report) (all []bool) {
		for _, g := range r.goals() {
			all = append(all, g.Reached)
		}
		return all
	}
	// Both times; the ratios of time, processor, rows, bytes; SQLite's and PostgreSQL's rates; the sockets.
	require.Equal(t, []bool{true, true, true, true, true, true, true, false, true}, reached(measured(4)))
	require.Equal(t, []bool{false, false, false, false, true, true, true, false, true}, reached(measured(5.5)))
	require.Empty(t, (&report{}).goals(), "what was not measured")
}

func TestReportTables(t *testing.T) {
	r := measured(4)
	r.Goals = r.goals()
	var b strings.Builder
	require.NoError(t, r.write(&b))
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, part := range []string{
		"| delete the conversation | 5 | 1 000 | 4 (4; 4; 1) | 4 (4; 4; 1) | 4 000 (4 000; 4 000; 1) | 1 000× |",
		"| 2 | 2 | 2 000 | 1 000× |",
		"| 7 | 7 000 | 1 000× | 2 kB | 3 MB | 1 500× |",
		"| 10 000 | the processors: processors 95 % busy |",
		"| waiting, for the disk and for each other: processors 50 % busy, 20 % by other work |",
		"| deletions a second, PostgreSQL, 1 node | 2 000 | ≥ 3 000 | no |",
	} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "afterwards", "nothing of it was measured")
	for _, line := range strings.Split(r.timesTable().String(), "\n") {
		if line != "" {
			require.Len(t, []rune(line), len([]rune(strings.Split(r.timesTable().String(), "\n")[0])), "columns are aligned")
		}
	}
}

// Two nodes' rates add up, their waits do not. What an operation costs is of all of them together.
func TestRounds(t *testing.T) {
	both := beside(load.Spread{N: 10, PerSecond: 5, P50: 1, P99: 9}, load.Spread{N: 20, PerSecond: 7, P50: 2, P99: 3})
	require.Equal(t, load.Spread{N: 30, PerSecond: 12, P50: 2, P99: 9}, both)
	one := round{Deletions: both, Sends: load.Spread{N: 70}}.spending(spent{Server: 1, Database: 2, Bench: 0.5, Busy: 4, Idle: 1})
	require.Equal(t, []float64{10_000, 20_000, 0, 5000, 0.8, 0.1}, []float64{one.Server, one.Database, one.Bus, one.Bench, one.Busy, one.Others})
	r := rateOf("i", "w", []round{{Server: 3}, {Server: 1}, {Server: 2}})
	require.Equal(t, 2.0, r.Server)
	require.Len(t, r.Rounds, 3)
}
