package main

import (
	"fmt"
	"slices"
	"time"
)

// The parts that are measured, one after the other.
const (
	partCosts   = "costs"
	partRates   = "rates"
	partSockets = "sockets"
)

var parts = []string{partCosts, partRates, partSockets}

// plan is how much is measured.
type plan struct {
	Name string
	Only []string // parts
	// Patience is how long is waited in all for other work on the machine to leave the processors alone.
	Patience time.Duration

	// Rates: so many users are at work, each with one operation under way and so many messages of its partner's to delete. Each
	// kind of work goes on for Work, Rounds times, after Warm. Pace is the operations a second where the rate is given.
	Workers, History, Rounds int
	Warm, Work               time.Duration
	Pace                     float64

	// Sockets: the memory of one is the slope from the first number to the second; Rest is how long they are watched doing nothing.
	Sockets [2]int
	Rest    time.Duration
	// Members are fewer sockets, of users who have so many conversations each.
	Members       [2]int
	Conversations int

	// Costs: conversations of so many messages, the last the largest, in which Copies users have rows in the textbook's table.
	Sizes  []int
	Copies int
	Range  int // messages that a range has, in the largest
	// Deleters is how often a whole conversation is deleted on Lethe, by a user each; the textbook's copies allow Copies - 1.
	Deleters int
	// Groups of so many members and CrowdMessages messages.
	Crowds        []int
	CrowdMessages int
	Repeats       int // of what is not a whole conversation
	// Settled is how long nothing may have been written when what deletions leave to do is taken for done.
	Settled time.Duration
	// Purged is the size of a conversation that both its users delete.
	Purged int
}

var full = plan{
	Name: "full", Patience: 2 * time.Minute,
	Workers: 256, History: 600, Rounds: 3, Warm: 2 * time.Second, Work: 4 * time.Second, Pace: 500,
	Sockets: [2]int{1000, 10_000}, Rest: 20 * time.Second, Members: [2]int{200, 1200}, Conversations: 50,
	Sizes: []int{1000, 10_000, 100_000, 1_000_000}, Copies: 5, Range: 1000, Deleters: 20,
	Crowds: []int{100, 1000, 10_000}, CrowdMessages: 100, Repeats: 10, Settled: 3 * time.Second, Purged: 20_000,
}

// quick shows that all of it runs. Its figures say nothing.
var quick = plan{
	Name:    "quick",
	Workers: 16, History: 400, Rounds: 1, Warm: 100 * time.Millisecond, Work: 500 * time.Millisecond, Pace: 50,
	Sockets: [2]int{50, 250}, Rest: time.Second, Members: [2]int{10, 50}, Conversations: 5,
	Sizes: []int{100, 5000}, Copies: 3, Range: 100, Deleters: 3,
	Crowds: []int{10, 200}, CrowdMessages: 20, Repeats: 3, Settled: 300 * time.Millisecond, Purged: 200,
}

// check refuses parts that there are none of.
func (p plan) check() error {
	for _, part := range p.Only {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("there is no part %q, but %v", part, parts)
		}
	}
	return nil
}
