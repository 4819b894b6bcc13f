package sim

import "strings"

// With fewer steps the same seed lets other things happen first: a few others are tried, too.
const (
	schedules     = 3
	otherSchedule = 7 << 40 // what a seed says of devices stays
)

// shrink makes a plan that fails smaller, as long as it fails in the same way: without faults, then without calls, devices,
// users and nodes, then with less between the steps. fails runs a plan and tells what is wrong, nothing if it passes; tries bounds how often.
func shrink(p *Plan, fails func(*Plan) []string, tries int) *Plan {
	class := classOf(fails(p))
	if class == "" {
		return p
	}
	best := *p
	try := func(change func(*Plan)) bool {
		if tries--; tries < 0 {
			return false
		}
		q := best
		q.Users, q.Steps = append([]int(nil), best.Users...), append([]Step(nil), best.Steps...)
		change(&q)
		for range schedules {
			if classOf(fails(&q)) == class {
				best = q
				return true
			}
			q.Seed += otherSchedule
		}
		return false
	}
	for changed := true; changed && tries > 0; {
		changed = false
		for _, wanted := range []bool{true, false} { // faults, then calls
			for size := len(best.Steps); size > 0; size /= 2 {
				for at := 0; at+size <= len(best.Steps); {
					removed := try(func(q *Plan) { q.Steps = without(q.Steps, at, size, wanted) })
					if changed = changed || removed; !removed {
						at += size
					}
				}
			}
		}
		for i := range best.Users {
			for best.Users[i] > 1 && try(func(q *Plan) { q.Users[i]-- }) {
				changed = true
			}
		}
		for len(best.Users) > 2 && try(func(q *Plan) { q.Users = q.Users[:len(q.Users)-1] }) {
			changed = true
		}
		for best.Nodes > 1 && try(func(q *Plan) { q.Nodes-- }) {
			changed = true
		}
		if best.Mixed && try(func(q *Plan) { q.Mixed = false }) {
			changed = true
		}
		if best.Big && try(func(q *Plan) { q.Big = false }) {
			changed = true
		}
		for i := range best.Steps {
			if best.Steps[i].After > 0 && try(func(q *Plan) { q.Steps[i].After /= 4 }) {
				changed = true
			}
		}
	}
	return &best
}

// classOf is the invariant that broke.
func classOf(failed []string) string {
	if len(failed) == 0 {
		return ""
	}
	class, _, _ := strings.Cut(failed[0], ":")
	return class
}

// without takes the faults, or all steps, of a stretch away.
func without(steps []Step, at, size int, faults bool) []Step {
	kept := append([]Step(nil), steps[:at]...)
	for _, s := range steps[at : at+size] {
		if faults && kinds[s.Do].fault == nil {
			kept = append(kept, s)
		}
	}
	return append(kept, steps[at+size:]...)
}
