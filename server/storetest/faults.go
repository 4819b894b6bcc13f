package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Disk is what a store stands on, as Faults needs it.
type Disk interface {
	// Open opens the store on the disk, and makes it if the disk is empty. Every step that it takes is counted.
	Open(ctx context.Context, steps *fault.Counter) (server.Store, error)
	// Copy is another disk with the same on it, gone when the test ends. No store is open on this one.
	Copy(t *testing.T) Disk
	// Tables are all rows of all tables, by name. No store is open.
	Tables(t *testing.T) map[string][]Row
	// Sound fails the test if the disk's own check finds it damaged. No store is open.
	Sound(t *testing.T)
}

// Row is a row of a table: its values by column.
type Row map[string]any

// Strikes say how Faults strikes a kind of disk.
type Strikes struct {
	Errors []error // what a step fails with, in turn: a full disk, …
	Stride int     // from one step that fails to the next; 1 = all
	Every  bool    // also where many steps are alike
	Least  int     // so many steps at least fail over all operations, or the injector did not bite
}

// blow is one way in which a step fails.
type blow struct {
	after bool // the step takes effect first
	stays bool // every later step fails too, until the store is opened again
}

var blows = []blow{{}, {after: true}, {stays: true}, {after: true, stays: true}}

// Faults holds the stores on a kind of disk to what Store promises when the disk fails: each operation fails at each of its
// steps, in every way. Then it has happened whole or not at all, in the views of all users and in every table, no refusal
// was made of the failure, and when it is repeated it is answered as it should be. disk is an empty one.
func Faults(t *testing.T, disk Disk, strikes Strikes) {
	w := prepareFaults(t, disk)
	total := make(chan int, len(faultOperations))
	t.Run("Operations", func(t *testing.T) {
		for _, op := range faultOperations {
			t.Run(op.name, func(t *testing.T) {
				t.Parallel()
				total <- w.strikeAll(t, op, strikes)
			})
		}
	})
	close(total)
	bitten := 0
	for n := range total {
		bitten += n
	}
	t.Logf("%d operations failed at %d steps in all", len(faultOperations), bitten)
	require.GreaterOrEqual(t, bitten, strikes.Least, "the injector hardly bit")
}

// faultWorld is the disk on which all operations start.
type faultWorld struct {
	disk  Disk
	known map[string]bool // the numbers of the logs on it
}

// faultOperation is what is struck.
type faultOperation struct {
	name string
	run  func(*fixture) (answer any, err error)
	// users are those whose views it may change.
	users []string
	// parts: it is several transactions, each whole, that change no view or all of it; repeated, it goes on.
	parts bool
	// alike is how many times over its steps are the same ones, for other logs: each way of failing strikes one in as many.
	alike int
}

// outcome is a state and the answer that led to it.
type outcome struct {
	answer string
	tables string
	views  map[string]string // by user
	number map[string]uint64
}

func prepareFaults(t *testing.T, disk Disk) *faultWorld {
	s, err := disk.Open(t.Context(), &fault.Counter{})
	require.NoError(t, err)
	f := &fixture{T: t, s: s, ctx: t.Context(), now: start}
	furnish(f)
	require.NoError(t, s.Close())
	w := &faultWorld{disk: disk, known: map[string]bool{"0": true}}
	for _, row := range disk.Tables(t)["logs"] {
		w.known[fmt.Sprint(row["log"])] = true
	}
	return w
}

// strikeAll strikes one operation and tells how many steps failed.
func (w *faultWorld) strikeAll(t *testing.T, op faultOperation, strikes Strikes) (bitten int) {
	before, once, twice := w.legal(t, op)
	stride := strikes.Stride
	if op.alike > 1 && !strikes.Every {
		stride *= op.alike
	}
	for i, b := range blows {
		if b.stays && before.tables == once.tables && len(op.users) == 0 {
			continue // it only reads: what fails later cannot matter
		}
		for k := 1 + i%stride; ; k += stride {
			f := fault.Fault{Step: k, Err: strikes.Errors[(k+i)%len(strikes.Errors)], After: b.after, Stays: b.stays}
			// By turns the store goes on as it is, or is opened again.
			live := !b.stays && (k/stride+i)%2 == 0
			why := fmt.Sprintf("%s: step %d, %+v, live %v", op.name, k, b, live)
			if !w.strike(t, op, f, live, before, once, twice, why) {
				break
			}
			bitten++
		}
	}
	if before.tables != once.tables {
		require.NotZero(t, bitten, "%s: the fault never struck", op.name)
	}
	return bitten
}

// legal are the states before the operation, after it, and after it was repeated.
func (w *faultWorld) legal(t *testing.T, op faultOperation) (before, once, twice outcome) {
	disk := w.disk.Copy(t)
	before = w.look(t, disk, "")
	for _, o := range []*outcome{&once, &twice} {
		s := w.open(t, disk)
		answer, err := op.run(&fixture{T: t, s: s, ctx: t.Context(), now: start + day})
		require.NoError(t, s.Close())
		*o = w.look(t, disk, w.said(answer, err))
	}
	for user, view := range before.views {
		n := once.number[user] - before.number[user]
		if slices.Contains(op.users, user) {
			require.LessOrEqual(t, n, uint64(1), "%s: one number an operation", op.name)
			continue
		}
		require.Zero(t, n, "%s takes a number of %s", op.name, user)
		require.Equal(t, view, once.views[user], "%s changes what %s sees", op.name, user)
	}
	return before, once, twice
}

// strike runs the operation on a copy of the disk with one fault, and holds what is then to the legal states. It tells
// whether the fault struck.
func (w *faultWorld) strike(t *testing.T, op faultOperation, f fault.Fault, live bool, before, once, twice outcome, why string) bool {
	t.Helper()
	disk, steps := w.disk.Copy(t), &fault.Counter{}
	s, err := disk.Open(t.Context(), steps)
	require.NoError(t, err, why)
	run := func() (string, error) {
		answer, err := op.run(&fixture{T: t, s: s, ctx: t.Context(), now: start + day})
		return w.said(answer, err), err
	}
	steps.Arm(f)
	said, err := run()
	bit := steps.Bit()
	steps.Arm(fault.Fault{})
	if wire.CodeOf(err) == wire.Internal {
		require.True(t, bit, "%s: %v", why, err)
	} else { // it did not notice, or was refused as it would have been
		require.Equal(t, once.answer, said, why)
	}
	// What repeating it leads to: known where it is known whether it had happened.
	then := []outcome{once, twice}
	if !live {
		require.NoError(t, s.Close(), why)
		switch tables := w.text(disk.Tables(t)); {
		case op.parts:
		case tables == once.tables:
			then = then[1:]
		default:
			require.Equal(t, before.tables, tables, "%s: half done", why)
			require.Equal(t, wire.Internal, wire.CodeOf(err), "%s: it said yes and did nothing", why)
			then = then[:1]
		}
		s = w.open(t, disk)
	}
	// The views of one that is opened again follow from its tables: some are looked at all the same.
	if !live && !op.parts && f.Step%8 != 0 {
	} else if seen := w.views(t, s); !maps.Equal(seen, once.views) {
		require.Equal(t, before.views, seen, "%s: half done", why)
		require.Equal(t, wire.Internal, wire.CodeOf(err), "%s: it said yes and did nothing", why)
	}
	again, _ := run()
	require.NoError(t, s.Close(), why)
	now := outcome{answer: again, tables: w.text(disk.Tables(t))}
	if op.parts {
		then, now.answer = then[1:], twice.answer
	}
	if now.tables != then[0].tables || now.answer != then[0].answer {
		last := then[len(then)-1]
		require.Equal(t, last.answer, now.answer, "%s: the answer when it is repeated", why)
		require.Equal(t, last.tables, now.tables, "%s: repeated", why)
	}
	disk.Sound(t)
	return bit
}

func (w *faultWorld) open(t *testing.T, disk Disk) server.Store {
	t.Helper()
	s, err := disk.Open(t.Context(), &fault.Counter{})
	require.NoError(t, err)
	return s
}

// look tells what stands on a disk on which no store is open.
func (w *faultWorld) look(t *testing.T, disk Disk, answer string) outcome {
	t.Helper()
	o := outcome{answer: answer, tables: w.text(disk.Tables(t)), number: map[string]uint64{}}
	s := w.open(t, disk)
	o.views = w.views(t, s)
	for user := range o.views {
		n, _, err := s.Number(t.Context(), who(user))
		require.NoError(t, err)
		o.number[user] = n
	}
	require.NoError(t, s.Close())
	return o
}

// text writes tables down. The number of a log that the operation made is random: it counts as "new".
func (w *faultWorld) text(tables map[string][]Row) string {
	var lines []string
	for table, rows := range tables {
		for _, row := range rows {
			var fields []string
			for column, value := range row {
				if bytes, ok := value.([]byte); ok {
					value = fmt.Sprintf("%x", bytes)
				}
				if column == "log" && !w.known[fmt.Sprint(value)] {
					value = "new"
				}
				fields = append(fields, fmt.Sprintf("%s=%v", column, value))
			}
			slices.Sort(fields)
			lines = append(lines, table+": "+strings.Join(fields, " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// said is an answer in words.
func (w *faultWorld) said(answer any, err error) string {
	if err != nil {
		return "error " + wire.CodeOf(err).Name()
	}
	return w.words(answer)
}

var logNumber = regexp.MustCompile(`"Log":(\d+)`)

// words writes a value down, with the number of a log that the operation made as "new".
func (w *faultWorld) words(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return logNumber.ReplaceAllStringFunc(string(text), func(found string) string {
		if w.known[logNumber.FindStringSubmatch(found)[1]] {
			return found
		}
		return `"Log":new`
	})
}
