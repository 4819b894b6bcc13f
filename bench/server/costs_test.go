package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/server/sqlstore"
)

// All sides do a small conversation's tasks, on real servers, and what they write is what the documents say.
func TestTasksOnAllSides(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "lethe")
	out, err := exec.Command("go", "build", "-o", binary, "../../cmd/lethe").CombinedOutput()
	require.NoError(t, err, "%s", out)
	p := quick
	p.Sizes, p.Crowds = nil, nil
	r, err := newRig(p, binary, "no NATS")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.close()) })
	f, err := r.openField(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.close()) })

	rows := map[string]float64{}
	for _, task := range r.tasks(warmGroup, p.Copies, warmMessages) {
		costs, err := r.task(t.Context(), task, f.sides)
		require.NoError(t, err)
		require.Len(t, costs, 3)
		for _, c := range costs {
			require.Positive(t, c.P50)
			require.Positive(t, c.Processor)
			require.LessOrEqual(t, c.Least, c.P50)
			require.Positive(t, c.Wrote.Bytes, "%s, %s", c.Task, c.Side)
			require.Equal(t, c.Side != onSQLite, c.Wrote.Images > 0, "the first change of a page after a checkpoint writes all of it")
			rows[c.Task+", "+c.Side] = c.Wrote.Rows
			require.Equal(t, c.Task == taskAll, c.After != nil)
		}
	}
	require.Equal(t, float64(warmMessages), rows[taskAll+", "+isTextbook])
	require.Less(t, rows[taskAll+", "+onPostgres], 10.0)
	require.Equal(t, 1.0, rows[taskOne+", "+isTextbook])

	purged, err := r.purging(t.Context(), f)
	require.NoError(t, err)
	require.Len(t, purged, 2)
	require.GreaterOrEqual(t, purged[1].After.Wrote.Rows, float64(p.Purged), "the messages are removed")
	require.Error(t, f.sides[0].sees(t.Context(), warmGroup, 0, 1), "a count that is not right is told")
}

func TestSizes(t *testing.T) {
	address := pgtest.Database(t)
	s, err := sqlstore.OpenPostgres(t.Context(), address)
	require.NoError(t, err)
	require.NoError(t, fillGroup(t.Context(), s, 1, 3, 5*leastRows))
	require.NoError(t, s.Close())
	found, err := sizes(t.Context(), address)
	require.NoError(t, err)
	require.Len(t, found, 1, "the other tables have few rows or none")
	require.Equal(t, size{"messages", 5 * leastRows, found[0].Each}, found[0])
	require.Greater(t, found[0].Each, float64(payloadBytes))
}

// A program that ends before it is ready says why.
func TestLaunch(t *testing.T) {
	ready := regexp.MustCompile(`^ready at (\S+)$`)
	_, _, err := launch(ready, nil, "sh", "-c", "echo first; echo the disk is gone >&2; exit 3")
	require.ErrorContains(t, err, "the disk is gone")
	p, found, err := launch(ready, []string{"AT=here"}, "sh", "-c", "echo ready at $AT; exec sleep 60")
	require.NoError(t, err)
	require.Equal(t, "here", found)
	var used spent
	require.Eventually(t, func() bool { // this process's time is counted in hundredths of a second, and waiting uses some
		used, err = processes{servers: []int{p.pid()}}.spent()
		return err != nil || used.Bench > 0
	}, time.Minute, time.Microsecond)
	require.NoError(t, err)
	require.Less(t, used.Server, 5.0, "it sleeps")
	memory := 0.0
	require.Eventually(t, func() bool { // while the shell becomes sleep it has none
		memory, err = resident(p.pid())
		return err != nil || memory > 0
	}, time.Minute, time.Millisecond)
	require.NoError(t, err)
	require.NoError(t, p.stop())
	_, err = processes{servers: []int{p.pid()}}.spent()
	require.Error(t, err, "it has ended")
	require.ErrorContains(t, p.stop(), "ended by itself")
}

func TestPlan(t *testing.T) {
	p := quick
	require.NoError(t, p.check())
	p.Only = []string{partRates, "rate"}
	require.ErrorContains(t, p.check(), `no part "rate"`)
}
