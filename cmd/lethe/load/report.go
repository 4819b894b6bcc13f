package load

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is what one time of work has shown.
type Report struct {
	Sockets int     `json:"sockets"`
	Active  int     `json:"active"`
	Gather  float64 `json:"gatherSeconds"` // until all had connected at first
	Seconds float64 `json:"seconds"`       // of work
	// Deletions and Sends are the acknowledged ones; those of them that waited for a lost connection count by themselves.
	Deletions       Spread `json:"deletions"`
	Sends           Spread `json:"sends"`
	DeletionsAcross Spread `json:"deletionsAcrossReconnects"`
	SendsAcross     Spread `json:"sendsAcrossReconnects"`
	// Away is how long sockets were without a connection, those that came back.
	Away Spread `json:"away"`
	// Errors are refusals by their code's name, close codes, and failures to connect.
	Errors map[string]int `json:"errors"`
	// Checked is nil where it was not asked for, as after an interruption.
	Checked *Checked `json:"checked,omitempty"`
}

// Away is how long sockets were without a connection, those that have come back since Work began.
func (c *Crowd) Away() Spread {
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	return spread(c.tally.away, time.Second)
}

// Spread are times in ms.
type Spread struct {
	N         int     `json:"n"`
	PerSecond float64 `json:"perSecond"`
	P50       float64 `json:"p50"`
	P90       float64 `json:"p90"`
	P99       float64 `json:"p99"`
	Max       float64 `json:"max"`
}

func spread(d []time.Duration, over time.Duration) (s Spread) {
	if len(d) == 0 {
		return s
	}
	d = slices.Clone(d)
	slices.Sort(d)
	// The smallest time that so large a part did not exceed.
	at := func(part float64) float64 {
		return float64(d[int(math.Ceil(part*float64(len(d))))-1].Microseconds()) / 1000
	}
	return Spread{N: len(d), PerSecond: float64(len(d)) / over.Seconds(), P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}

func (c *Crowd) report(over time.Duration) Report {
	t := &c.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	return Report{
		Sockets: c.o.Sockets, Active: c.o.Active, Gather: t.gathered.Seconds(), Seconds: over.Seconds(),
		Deletions: spread(t.deletions.took, over), Sends: spread(t.sends.took, over),
		DeletionsAcross: spread(t.deletions.across, over), SendsAcross: spread(t.sends.across, over),
		Away: spread(t.away, over), Errors: maps.Clone(t.errors),
	}
}

// Table writes the report for people.
func (r Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d sockets, connected in %.1f s; %d active for %.1f s\n\n", r.Sockets, r.Gather, r.Active, r.Seconds)
	fmt.Fprintln(t, "ms\tn\t/s\tp50\tp90\tp99\tmax\t")
	row := func(name string, s Spread) {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", name, s.N, s.PerSecond, s.P50, s.P90, s.P99, s.Max)
	}
	row("deletions", r.Deletions)
	row("sends", r.Sends)
	if r.Away.N > 0 {
		row("reconnects", r.Away)
		row("deletions across", r.DeletionsAcross)
		row("sends across", r.SendsAcross)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, name := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(w, "%d times: %s\n", r.Errors[name], name)
	}
	if k := r.Checked; k != nil {
		fmt.Fprintf(w, "in %d conversations: %d acknowledged operations lost, %d done twice, %d never answered\n", k.Conversations, k.Lost, k.Doubled, k.Open)
	}
	return nil
}
