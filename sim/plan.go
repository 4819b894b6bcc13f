package sim

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Plan is a history before it runs: who there is, what they do and what goes wrong. Which of the things that are ready happens
// first is the seed's to say.
type Plan struct {
	Seed    uint64
	Profile string // of the server's settings
	Big     bool   // one log is longer than a segment
	Nodes   int    // how many the server has
	Mixed   bool   // devices and nodes of several versions of the protocol
	Users   []int  // how many devices each has
	Steps   []Step

	folder string
}

// Step is one call or one fault.
type Step struct {
	After int           // so many things happen between the step before and this one,
	Wait  time.Duration // or: all that is ready happens and this time passes
	Who   int           // which of the tabs, devices or links, counted round
	Do    string
	A, B  int // what the step makes of them
}

// String is the step as Parse reads it.
func (s Step) String() string {
	when := strconv.Itoa(s.After)
	if s.Wait > 0 {
		when = s.Wait.String()
	}
	return fmt.Sprintf("%s %s %d %d %d", when, s.Do, s.Who, s.A, s.B)
}

// String is the plan as Parse reads it.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\nprofile %s\nbig %v\nnodes %d\nmixed %v\nusers", p.Seed, p.Profile, p.Big, p.Nodes, p.Mixed)
	for _, n := range p.Users {
		fmt.Fprintf(&b, " %d", n)
	}
	b.WriteString("\n")
	for _, s := range p.Steps {
		b.WriteString(s.String() + "\n")
	}
	return b.String()
}

// Parse reads a plan. Lines that begin with # are remarks.
func Parse(text string) (*Plan, error) {
	p := &Plan{Nodes: 1}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.parseLine(line); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	return p, nil
}

func (p *Plan) parseLine(line string) (err error) {
	words := strings.Fields(line)
	switch words[0] {
	case "seed":
		p.Seed, err = strconv.ParseUint(words[1], 10, 64)
	case "profile":
		p.Profile = words[1]
	case "big":
		p.Big, err = strconv.ParseBool(words[1])
	case "nodes":
		p.Nodes, err = strconv.Atoi(words[1])
	case "mixed":
		p.Mixed, err = strconv.ParseBool(words[1])
	case "users":
		for _, w := range words[1:] {
			n, err := strconv.Atoi(w)
			if err != nil {
				return err
			}
			p.Users = append(p.Users, n)
		}
	default:
		var s Step
		if strings.IndexFunc(words[0], func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
			s.Wait, err = time.ParseDuration(words[0])
		} else {
			s.After, err = strconv.Atoi(words[0])
		}
		if err == nil {
			_, err = fmt.Sscan(strings.Join(words[1:], " "), &s.Do, &s.Who, &s.A, &s.B)
		}
		if err == nil && kinds[s.Do].call == nil && kinds[s.Do].fault == nil {
			err = fmt.Errorf("no step %q", s.Do)
		}
		p.Steps = append(p.Steps, s)
	}
	return err
}

// NewPlan draws a history.
func NewPlan(seed uint64) *Plan {
	r := rand.New(rand.NewPCG(seed, 0x6c65746865))
	p := &Plan{Seed: seed, Profile: "lethe", Big: r.IntN(8) == 0, Nodes: 1}
	if r.IntN(3) == 0 {
		p.Nodes += 1 + r.IntN(2)
	}
	if r.IntN(5) == 0 {
		p.Profile = "tencent"
	}
	for range 2 + r.IntN(2)*r.IntN(4) {
		p.Users = append(p.Users, 1+r.IntN(2)*r.IntN(3))
	}
	calm := r.IntN(10) == 0 // a history without faults
	for range 30 + r.IntN(50) {
		s := Step{Who: r.IntN(64), A: r.IntN(1 << 16), B: r.IntN(1 << 16)}
		s.Do = draw(r, calm)
		switch r.IntN(10) {
		case 0:
			s.Wait = []time.Duration{time.Millisecond, time.Second, 3 * time.Second, 20 * time.Second}[r.IntN(4)]
		case 1, 2, 3:
			s.After = r.IntN(120)
		default:
			s.After = r.IntN(24)
		}
		p.Steps = append(p.Steps, s)
	}
	p.Mixed = r.IntN(4) == 0
	return p
}

// draw draws what a step does.
func draw(r *rand.Rand, calm bool) string {
	n := r.IntN(allWeights(calm))
	for _, name := range kindNames {
		k := kinds[name]
		if calm && k.fault != nil {
			continue
		}
		if n -= k.weight; n < 0 {
			return name
		}
	}
	panic("unreachable")
}

func allWeights(calm bool) (sum int) {
	for _, k := range kinds {
		if !calm || k.fault == nil {
			sum += k.weight
		}
	}
	return sum
}
