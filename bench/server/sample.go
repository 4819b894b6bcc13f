package main

import (
	"math"
	"slices"
)

// sample is what was measured of one thing, each time it was done.
type sample []float64

// at is the smallest value that so large a part of the sample does not exceed. An empty sample has none: NaN.
func (s sample) at(part float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max(int(math.Ceil(part*float64(len(s)))), 1)-1]
}

func (s sample) median() float64 { return s.at(0.5) }

// p99 is the largest value where there are fewer than a hundred.
func (s sample) p99() float64 { return s.at(0.99) }
