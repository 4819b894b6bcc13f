package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/ramdisk"
)

var (
	seed   = flag.Uint64("sim.seed", 0, "run this history alone, and tell what happens")
	plan   = flag.String("sim.plan", "", "run the history in this file alone, and tell what happens")
	number = flag.Int("sim.n", 5000, "how many histories")
	from   = flag.Uint64("sim.from", 1, "the seed of the first one")
	first  = flag.Bool("sim.first", false, "run one process's share, until a history fails: how long does it take to see a fault in the code?")
	share  = flag.String("sim.share", "", "the file into which a process that runs a share of the histories writes its report")
)

// stage is where histories run: one after the other, on one processor, with stores that are copies of a template.
type stage struct {
	t          *testing.T
	folder     string
	small, big *template
}

func newStage(t *testing.T) *stage {
	t.Helper()
	processors, percent := runtime.GOMAXPROCS(1), debug.SetGCPercent(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(processors)
		debug.SetGCPercent(percent)
	})
	folder := ramdisk.Folder(t)
	broaden(t)
	cryptotest.SetGlobalRandom(t, 1) // all processes have the same
	g := &stage{t: t, folder: folder}
	var err error
	g.small, err = newTemplate(filepath.Join(folder, "small.db"), false)
	require.NoError(t, err)
	g.big, err = newTemplate(filepath.Join(folder, "big.db"), true)
	require.NoError(t, err)
	return g
}

// broaden has goroutines begin with stacks as large as those of a history come to need, where the runtime may choose
// (GODEBUG=adaptivestackstart=1): it goes by what it finds when it collects garbage, and between histories there is nobody.
// To grow them was a twelfth of the time.
func broaden(t *testing.T) {
	t.Helper()
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	for range 64 {
		go deep(20, end)
	}
}

// deep waits on a stack of depth KiB.
func deep(depth int, end chan struct{}) byte {
	var frame [1 << 10]byte
	if depth == 0 {
		<-end
		return frame[0]
	}
	return deep(depth-1, end) + frame[depth]
}

// run runs a plan. Garbage is collected between histories only, so that the collector does not come between goroutines.
func (g *stage) run(p *Plan, telling bool) (out Outcome) {
	runtime.GC()
	p.folder = g.folder
	x := g.small
	if p.Big {
		x = g.big
	}
	g.t.Run("", func(t *testing.T) { out = Run(t, p, x, telling) })
	return out
}

// explain shrinks a plan that has failed, and tells what is left of it.
func (g *stage) explain(p *Plan, failed []string) {
	g.t.Helper()
	small := shrink(p, func(q *Plan) []string { return g.run(q, false).Failed }, 400)
	out := g.run(small, false)
	g.t.Errorf("history %d: %s\nalone: go test ./sim -run TestHistories -sim.seed=%d (make sim SEED=%d)\n"+
		"shrunk to %d steps, which belong into sim/corpus/NAME.txt:\n# %s\n%s",
		p.Seed, strings.Join(failed, "\n"), p.Seed, p.Seed, len(small.Steps), strings.Join(out.Failed, "\n# "), small)
}

// report is what a share of the histories came to.
type report struct {
	Histories int
	Events    int
	Took      time.Duration
	Bites     map[string]int
	Failed    map[uint64][]string
}

// TestHistories runs the histories, half of them in another process each, and asserts that all faults have struck.
func TestHistories(t *testing.T) {
	switch {
	case *seed != 0 || *plan != "":
		tellOne(t)
		return
	case *share != "":
		runShare(t)
		return
	}
	if *first {
		untilOneFails(t)
		return
	}
	const processes = 2
	all := report{Bites: map[string]int{}, Failed: map[uint64][]string{}}
	var mu sync.Mutex
	var running sync.WaitGroup
	start := time.Now()
	for i := range processes {
		running.Go(func() {
			r, err := runProcess(t, *from+uint64(i**number/processes), (i+1)**number/processes-i**number/processes)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			all.Histories += r.Histories
			all.Events += r.Events
			all.Took += r.Took
			maps.Copy(all.Failed, r.Failed)
			for what, n := range r.Bites {
				all.Bites[what] += n
			}
		})
	}
	running.Wait()
	t.Logf("%d histories, %d events, %.0f histories a second; %s a history in each process",
		all.Histories, all.Events, float64(all.Histories)/time.Since(start).Seconds(), (all.Took / time.Duration(max(all.Histories, 1))).Round(time.Millisecond/10))
	for _, what := range slices.Sorted(maps.Keys(all.Bites)) {
		t.Logf("%8d %s", all.Bites[what], what)
	}
	if len(all.Failed) > 0 {
		g := newStage(t)
		for i, s := range slices.Sorted(maps.Keys(all.Failed)) {
			if i == 3 {
				t.Errorf("and %d others", len(all.Failed)-i)
				break
			}
			g.explain(NewPlan(s), all.Failed[s])
		}
		return
	}
	for _, what := range append(kindNames, effects...) {
		if *number >= 1000 && all.Bites[what] == 0 {
			t.Errorf("%q never struck, or never succeeded", what)
		}
	}
}

// effects are what faults do beside happening.
var effects = []string{
	"lost commit", "lost key write", "lost poke", "quota", "repeated send", "repeated operation", "cancelled send",
	"history with several nodes", "poke between nodes", "lost poke between nodes", "late poke between nodes", "look of a bus that is back",
	"crash of one node of several", "another node after a loss",
	"older device", "newer device", "newer node", "unknown operation", "unknown event",
}

// runProcess runs a share of the histories in a process of its own: a panic ends that one.
func runProcess(t *testing.T, from uint64, n int) (r report, err error) {
	file := filepath.Join(t.TempDir(), "report.json")
	c := exec.Command(os.Args[0], "-test.run=^TestHistories$", "-test.timeout=0", "-sim.share="+file,
		"-sim.from="+strconv.FormatUint(from, 10), "-sim.n="+strconv.Itoa(n))
	text, failed := c.CombinedOutput()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if failed != nil {
		at, _ := os.ReadFile(file + ".at")
		return r, fmt.Errorf("history %[1]s ended its process (%[2]w): make sim SEED=%[1]s\n%[3]s", at, failed, tail(string(text), 60))
	}
	return r, err
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

func runShare(t *testing.T) {
	g := newStage(t)
	r := report{Bites: map[string]int{}, Failed: map[uint64][]string{}}
	start := time.Now()
	for s := *from; s < *from+uint64(*number); s++ {
		require.NoError(t, os.WriteFile(*share+".at", []byte(strconv.FormatUint(s, 10)), 0o600))
		out := g.run(NewPlan(s), false)
		r.Histories++
		r.Events += out.Events
		for what, n := range out.Bites {
			r.Bites[what] += n
		}
		if len(out.Failed) > 0 {
			r.Failed[s] = out.Failed
		}
	}
	r.Took = time.Since(start)
	b, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*share, b, 0o600))
}

// untilOneFails runs histories until one fails.
func untilOneFails(t *testing.T) {
	g := newStage(t)
	for s := *from; s < *from+uint64(*number); s++ {
		if out := g.run(NewPlan(s), false); len(out.Failed) > 0 {
			t.Fatalf("history %d, the %dth: %s", s, s-*from+1, strings.Join(out.Failed, "\n"))
		}
	}
}

// tellOne runs one history and tells what happens.
func tellOne(t *testing.T) {
	p := NewPlan(*seed)
	if *plan != "" {
		b, err := os.ReadFile(*plan)
		require.NoError(t, err)
		p, err = Parse(string(b))
		require.NoError(t, err)
	}
	fmt.Println(p)
	g := newStage(t)
	out := g.run(p, true)
	fmt.Println(strings.Join(out.Log, "\n"))
	if len(out.Failed) > 0 {
		g.explain(p, out.Failed)
	}
}

// TestCorpus runs the histories that have failed once.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("corpus/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	g := newStage(t)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		p, err := Parse(string(b))
		require.NoError(t, err, file)
		if out := g.run(p, false); len(out.Failed) > 0 {
			t.Errorf("%s: %s", file, strings.Join(out.Failed, "\n"))
		}
	}
}

// TestReplay runs histories twice: the same seed gives the same trace. One that differs does not count where the machine was too busy.
// So many, because it is a rare history in which the runtime can draw lots: of 240, a pause of one millisecond before erasing let 8
// differ, in half of their pairs.
func TestReplay(t *testing.T) {
	const histories = 100
	g := newStage(t)
	compared := 0
	for s := uint64(1); s <= histories; s++ {
		for range 8 {
			a, b := g.run(NewPlan(s), true), g.run(NewPlan(s), true)
			if (a.Disturbed || b.Disturbed) && a.Trace != b.Trace {
				continue
			}
			require.Equal(t, a.Notes, b.Notes, "history %d", s)
			require.Equal(t, a.Trace, b.Trace)
			compared++
			break
		}
	}
	require.Greater(t, compared, histories*9/10)
}

func TestPlanReadsAsWritten(t *testing.T) {
	for s := uint64(1); s < 100; s++ {
		p := NewPlan(s)
		q, err := Parse(p.String())
		require.NoError(t, err)
		require.Equal(t, p, q)
	}
}
