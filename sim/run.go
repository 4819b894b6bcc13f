package sim

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/lethe-im/lethe/server"
)

// Outcome is what a history came to.
type Outcome struct {
	Trace  uint64
	Events int
	Bites  map[string]int
	Failed []string
	// Disturbed: the machine was so busy that the trace may be another one.
	Disturbed bool
	Log       []string // what happened, in words
	Notes     []string // that of it which is in the trace
}

// Run runs a plan on a copy of the template.
func Run(t *testing.T, p *Plan, x *template, telling bool) (out Outcome) {
	// Keys, nonces and ids follow from the seed, too: logs are numbered by chance, and what comes first may go by that.
	cryptotest.SetGlobalRandom(t, p.Seed)
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			plan: p, rng: rand.New(rand.NewPCG(p.Seed, 0x73696d)), stir: make(chan struct{}, 1), bites: map[string]int{},
			telling: telling, since: time.Now(),
		}
		w.model, w.hosts, w.bus.w = newModel(w), make([]*host, p.Nodes), w
		if err := w.run(x); err != nil {
			w.fail("the simulation: %v", err)
		}
		out = Outcome{Trace: w.trace, Events: w.step(), Bites: w.bites, Failed: w.failed, Log: w.log, Notes: w.notes, Disturbed: w.disturbed}
	})
	return out
}

func (w *world) userNames() []string { return templateUsers[:len(w.plan.Users)] }

// token is a user's, good for longer than any history.
func (w *world) token(user string) string {
	s, err := server.SignToken(key, app, user, "", begins.Add(-48*time.Hour), begins.Add(1000*time.Hour))
	if err != nil {
		w.fail("token: %v", err)
	}
	return s
}

func (w *world) run(x *template) error {
	if err := x.copyTo(w); err != nil {
		return err
	}
	for node := range w.hosts {
		if err := w.startNode(node); err != nil {
			return err
		}
	}
	if len(w.hosts) > 1 {
		w.bite("history with several nodes")
	}
	for i, n := range w.plan.Users {
		for k := range n {
			d := newDevice(w, templateUsers[i], k)
			d.keyless = w.plan.Seed%7 == 3 && k == 0
			d.speaks = w.plan.ageOf(len(w.devices), older, same, newer)
			w.devices = append(w.devices, d)
			w.begin(d.openTab(), Step{Do: "login"})
		}
	}
	for _, s := range w.plan.Steps {
		if s.Wait > 0 {
			w.elapse(s.Wait)
		} else {
			w.let(s.After)
		}
		w.take(s)
		if len(w.failed) > 0 {
			break
		}
	}
	if len(w.failed) == 0 {
		w.quiesce()
		w.check()
	}
	return w.end()
}

// take begins a step.
func (w *world) take(s Step) {
	synctest.Wait()
	w.note("* " + s.String())
	k := kinds[s.Do]
	if k.fault != nil {
		if k.fault(w, s) {
			w.bite(s.Do)
		}
		return
	}
	if t := w.anyTab(s); t != nil {
		w.begin(t, s)
	}
}

// quiet is longer than what may hold a device up: a ping that finds its connection dead, the wait until it comes back, a pipe that
// holds messages back, and a look for lost pokes. calm is for what was under way then.
const (
	quiet = 110 * time.Second
	calm  = 30 * time.Second
)

// quiesce heals all faults, brings every device with a storage back, and lets everything happen that is to happen.
func (w *world) quiesce() {
	w.tell("everything heals")
	heal(w, Step{})
	emptyDisk(w, Step{})
	w.bus.loses = 0
	for _, d := range w.devices {
		for _, t := range append([]*tab(nil), d.tabs...) {
			if t.broken() {
				t.die(true)
			}
		}
		if len(d.tabs) == 0 {
			d.openTab()
		}
		for _, t := range d.tabs {
			w.begin(t, Step{Do: "login"})
			w.begin(t, Step{Do: "online"})
		}
	}
	w.elapse(quiet)
	for _, d := range w.devices { // who was logging in or out then is told again
		for _, t := range d.tabs {
			w.begin(t, Step{Do: "login"})
			w.begin(t, Step{Do: "online"})
		}
	}
	w.elapse(calm)
}

// end ends everything, so that the bubble can end.
func (w *world) end() error {
	for _, d := range w.devices {
		for len(d.tabs) > 0 {
			d.tabs[0].die(true)
		}
	}
	var all error
	for _, h := range w.live() {
		all = errors.Join(all, w.endNode(h, true))
	}
	synctest.Wait()
	return all
}
