package ledger

import "sort"

// Interval is the seqs From … To, both included.
type Interval struct {
	From uint64 `msg:"f"`
	To   uint64 `msg:"t"`
}

// Intervals is a set of seqs as disjoint intervals, rising, none touching the next.
type Intervals []Interval

// Add joins an interval. An empty one (From > To) adds nothing.
func (s Intervals) Add(x Interval) Intervals {
	if x.From > x.To {
		return s
	}
	out := make(Intervals, 0, len(s)+1)
	i := 0
	for ; i < len(s) && s[i].To+1 < x.From; i++ {
		out = append(out, s[i])
	}
	for ; i < len(s) && s[i].From <= x.To+1; i++ {
		x.From, x.To = min(x.From, s[i].From), max(x.To, s[i].To)
	}
	out = append(out, x)
	return append(out, s[i:]...)
}

// Remove takes an interval out.
func (s Intervals) Remove(x Interval) Intervals {
	out := make(Intervals, 0, len(s)+1)
	for _, y := range s {
		if x.From > x.To || y.To < x.From || y.From > x.To {
			out = append(out, y)
			continue
		}
		if y.From < x.From {
			out = append(out, Interval{From: y.From, To: x.From - 1})
		}
		if y.To > x.To {
			out = append(out, Interval{From: x.To + 1, To: y.To})
		}
	}
	return out
}

// Touches tells whether any seq of the interval is in the set.
func (s Intervals) Touches(x Interval) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].To >= x.From })
	return i < len(s) && s[i].From <= x.To
}

// Has tells whether seq is in the set.
func (s Intervals) Has(seq uint64) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].To >= seq })
	return i < len(s) && s[i].From <= seq
}

// GapBelow returns the highest run of seqs that is not in the set, below the given seq and above floor.
func (s Intervals) GapBelow(below, floor uint64) (Interval, bool) {
	for i := len(s) - 1; i >= 0 && below > floor+1; i-- {
		if s[i].From >= below {
			continue
		}
		if s[i].To < below-1 {
			return Interval{From: max(s[i].To, floor) + 1, To: below - 1}, true
		}
		below = s[i].From
	}
	if below <= floor+1 {
		return Interval{}, false
	}
	return Interval{From: floor + 1, To: below - 1}, true
}
