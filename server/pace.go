package server

import (
	"sync"
	"time"
)

// pace gives each name so many turns a second, and a burst of them after a rest. It forgets who has rested long enough.
type pace struct {
	rate  float64
	burst float64

	mu      sync.Mutex
	buckets map[string]*bucket
	swept   time.Time
}

// bucket is how many turns were left at a time; below zero, turns are promised.
type bucket struct {
	left float64
	at   time.Time
}

func newPace(rate float64, burst int) *pace {
	return &pace{rate: rate, burst: float64(burst), buckets: map[string]*bucket{}}
}

// take takes a turn if there is one now.
func (p *pace) take(name string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.at(name, now)
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// wait takes the next turn and tells how long it is until then.
func (p *pace) wait(name string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.at(name, now)
	b.left--
	return time.Duration(max(-b.left, 0) / p.rate * float64(time.Second))
}

// at is the bucket as it is now.
func (p *pace) at(name string, now time.Time) *bucket {
	p.sweep(now)
	b := p.buckets[name]
	if b == nil {
		b = &bucket{left: p.burst, at: now}
		p.buckets[name] = b
	}
	b.left = min(p.burst, b.left+now.Sub(b.at).Seconds()*p.rate)
	b.at = now
	return b
}

// sweep forgets the full buckets, about as often as an empty one takes to fill.
func (p *pace) sweep(now time.Time) {
	full := time.Duration(p.burst / p.rate * float64(time.Second))
	if now.Sub(p.swept) < full {
		return
	}
	p.swept = now
	for name, b := range p.buckets {
		if b.left+now.Sub(b.at).Seconds()*p.rate >= p.burst {
			delete(p.buckets, name)
		}
	}
}
