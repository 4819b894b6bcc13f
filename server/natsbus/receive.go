package natsbus

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/lethe-im/lethe/server"
)

// lookCut is how often every connected user is poked while NATS is away.
const lookCut = 5 * time.Second

// lookRest is the least time between two looks of everybody, so that many nodes that come back together do not poke everybody
// once each; lookSlice is how evenly lookCut's are spread over the time.
const (
	lookRest  = time.Second
	lookSlice = 100 * time.Millisecond
)

// receive pokes the connections of this node with what others publish.
func (b *Bus) receive() {
	full := false
	for {
		var m *nats.Msg
		select {
		case <-b.stop:
			return
		case m = <-b.in:
		}
		// NATS's library drops what finds the channel full. Only this takes from it, so if it was full it still almost is.
		if len(b.in) >= queueLimit-1 && !full {
			full = true
			b.overflows.Add(1)
			b.logger.Warn("pokes of other nodes come too fast: some are lost and looked up")
		}
		if m.Subject == lookSubject {
			b.lookSoon()
		} else if t, ok := b.topicOf(m.Sub); ok {
			b.received.Add(1)
			b.local.Publish(t, parsePoke(m.Data))
		}
		if full && len(b.in) == 0 {
			full = false
			b.lookSoon()
		}
	}
}

func (b *Bus) topicOf(s *nats.Subscription) (server.Topic, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.subscribed[s]
	return t, ok
}

// lookSoon lets everybody here be poked: something may have been missed.
func (b *Bus) lookSoon() { signal(b.looking) }

// look pokes everybody when something may have been missed, and one user after the other while NATS is away.
func (b *Bus) look() {
	var last time.Time
	var round cutRound
	tick := time.NewTicker(lookSlice)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-b.looking:
			if rest := time.Until(last.Add(lookRest)); rest > 0 {
				time.AfterFunc(rest, b.lookSoon)
				continue
			}
			// What was told to NATS before must be there: what is published from here on comes. If it is away again, it comes back.
			if b.nats.FlushTimeout(writeWait) != nil && b.connected.Load() {
				time.AfterFunc(retryWait, b.lookSoon)
				continue
			}
			b.looks.Add(1)
			b.pokeAll(b.listened(func(server.Topic) bool { return true }))
			last = time.Now()
		case <-tick.C:
			if b.connected.Load() {
				round = cutRound{}
			} else {
				b.pokeAll(round.next(b))
			}
		}
	}
}

func (b *Bus) pokeAll(topics []server.Topic) {
	for _, t := range topics {
		b.local.Publish(t, server.Poke{})
	}
}

// listened are the topics with listeners here that are wanted.
func (b *Bus) listened(wanted func(server.Topic) bool) []server.Topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	topics := make([]server.Topic, 0, len(b.topics))
	for t := range b.topics {
		if wanted(t) {
			topics = append(topics, t)
		}
	}
	return topics
}

// cutRound goes through the connected users. Who is poked looks at all the logs as well.
type cutRound struct {
	topics []server.Topic
	size   int // of a slice
	end    time.Time
}

// next are the users that are due now.
func (r *cutRound) next(b *Bus) (due []server.Topic) {
	if now := time.Now(); !now.Before(r.end) {
		r.topics = b.listened(func(t server.Topic) bool { return t.User != "" })
		slices := int(lookCut / lookSlice)
		r.size = (len(r.topics) + slices - 1) / slices
		r.end = now.Add(lookCut)
	}
	n := min(r.size, len(r.topics))
	due, r.topics = r.topics[:n], r.topics[n:]
	return due
}
