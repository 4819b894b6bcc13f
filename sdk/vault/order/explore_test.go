package order

import (
	"fmt"
	"hash/maphash"
	"strings"
)

// scenario is what two tabs do, from where, and what may befall them.
type scenario struct {
	name    string
	first   func(*world)
	scripts [tabs]func(rules) []program
	deaths  uint8  // tabs that may die, each followed by a starting one
	cuts    uint8  // power cuts
	fails   uint8  // commits that may fail
	most    int    // about how many states are looked at, 0 for all
	after   []task // what a tab that took a dead one's place does in the end
}

// search is one walk through all states of a scenario, the nearest first.
type search struct {
	scenario
	rules
	scripts   [tabs][]program
	restarted []program
	seen      map[[2]uint64]struct{}
	nodes     []node
}

// node is how a state was first reached.
type node struct {
	from   int32
	choice uint16
}

type result struct {
	states    int
	violation string
	trace     []string
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func explore(s scenario, r rules) result {
	e := &search{scenario: s, rules: r, seen: map[[2]uint64]struct{}{}}
	for i := range e.scripts {
		e.scripts[i] = s.scripts[i](r)
	}
	e.restarted = []program{named("start", start(r)), named("reclaim", reclaim(r))}
	e.restarted = append(e.restarted, script(s.after...)(r)...)
	first := e.initial()
	level := []world{first}
	ids := []int32{0}
	e.add(&first, 0, 0)
	for len(level) > 0 {
		if s.most > 0 && len(e.nodes) > s.most {
			break
		}
		var next []world
		var nextIDs []int32
		for i := range level {
			w, id := &level[i], ids[i]
			moves, broken := 0, ""
			var at int32
			e.successors(w, func(choice uint16, _ int, _ string, to *world) bool {
				moves++
				known := e.add(to, id, choice)
				if known < 0 {
					return true
				}
				if broken = to.violation(e.rules); broken != "" {
					at = known
					return false
				}
				next, nextIDs = append(next, *to), append(nextIDs, known)
				return true
			})
			if broken != "" {
				return result{len(e.nodes), broken, e.trace(at)}
			}
			if e.finished(w) {
				broken = w.leftover()
			} else if moves == 0 {
				broken = "stuck"
			}
			if broken != "" {
				return result{len(e.nodes), broken, e.trace(id)}
			}
		}
		level, ids = next, nextIDs
	}
	return result{states: len(e.nodes)}
}

func (e *search) initial() world {
	var w world
	w.db.free = 1<<pairs - 1
	if e.first != nil {
		e.first(&w)
	}
	w.deaths, w.cuts, w.fails = e.deaths, e.cuts, e.scenario.fails
	w.held = w.visible()
	w.rename()
	return w
}

// add takes a state into the set; it returns -1 where it is there.
func (e *search) add(w *world, from int32, choice uint16) int32 {
	h := [2]uint64{maphash.Comparable(seeds[0], *w), maphash.Comparable(seeds[1], *w)}
	if _, known := e.seen[h]; known {
		return -1
	}
	e.seen[h] = struct{}{}
	e.nodes = append(e.nodes, node{from, choice})
	return int32(len(e.nodes) - 1)
}

func (e *search) programOf(t *tab, i int) program {
	script := e.scripts[i]
	if t.restarted {
		script = e.restarted
	}
	if int(t.program) >= len(script) {
		return nil
	}
	return script[t.program]
}

func (e *search) finished(w *world) bool {
	for i := range w.tab {
		if e.programOf(&w.tab[i], i) != nil {
			return false
		}
	}
	return true
}

// successors gives every state that one step, one failure, one death or one power cut leads to.
func (e *search) successors(w *world, give func(choice uint16, tab int, name string, to *world) bool) {
	choice := uint16(0)
	move := func(i int, name string, do func(*act)) bool {
		choice++
		to := *w
		x := act{rules: e.rules, program: e.programOf(&w.tab[i], i), w: &to, t: &to.tab[i], me: uint8(i) + 1, power: w.cuts > 0}
		do(&x)
		if x.blocked {
			return true
		}
		e.settle(&to)
		return give(choice, i, name, &to)
	}
	for i := range w.tab {
		p := e.programOf(&w.tab[i], i)
		if p == nil {
			continue
		}
		s := p[w.tab[i].step]
		if !move(i, s.name, s.run) {
			return
		}
		for _, o := range s.fails {
			if w.fails > 0 && !move(i, s.name+string(o), func(x *act) { x.outcome = o; x.w.fails--; s.run(x) }) {
				return
			}
		}
		if w.deaths > 0 && !move(i, "dies", func(x *act) { x.w.deaths--; x.die() }) {
			return
		}
	}
	if w.cuts == 0 {
		return
	}
	var open []int
	for i, f := range w.file {
		if f.now != f.flushed {
			open = append(open, i)
		}
	}
	if w.intent[0] != w.intent[1] {
		open = append(open, slots)
	}
	for past := -1; past < int(w.pastN); past++ {
		for set := range 1 << len(open) {
			kept := uint32(0)
			for j, i := range open {
				if set&(1<<j) != 0 {
					kept |= 1 << i
				}
			}
			choice++
			to := *w
			to.cuts--
			to.cut(past, kept)
			e.settle(&to)
			if !give(choice, tabs, cutName(past), &to) {
				return
			}
		}
	}
}

func cutName(past int) string {
	if past < 0 {
		return "power cut"
	}
	return "power cut, which loses commits"
}

// trace walks to a state again and names the steps.
func (e *search) trace(id int32) []string {
	var choices []uint16
	for ; id != 0; id = e.nodes[id].from {
		choices = append(choices, e.nodes[id].choice)
	}
	w := e.initial()
	var out []string
	for i := len(choices) - 1; i >= 0; i-- {
		var to world
		e.successors(&w, func(choice uint16, tab int, name string, next *world) bool {
			if choice != choices[i] {
				return true
			}
			if tab < tabs {
				p := e.programOf(&w.tab[tab], tab)
				name = fmt.Sprintf("tab %d, %s: %s", tab+1, p[0].of, name)
			}
			out, to = append(out, name), *next
			return false
		})
		w = to
	}
	return out
}

func (r result) String() string {
	if r.violation == "" {
		return fmt.Sprintf("%d states", r.states)
	}
	return fmt.Sprintf("%s\n    %s", r.violation, strings.Join(r.trace, "\n    "))
}
