package natsbus

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/lethe-im/lethe/server"
)

// Only send talks to NATS: its library holds a lock while it writes, and a line that hangs would hold operations too.

// Publish pokes the connections of this node at once and queues the poke for other nodes. It never waits for NATS.
func (b *Bus) Publish(t server.Topic, p server.Poke) {
	b.local.Publish(t, p)
	b.mu.Lock()
	full := len(b.queue) >= queueLimit
	if !full {
		b.queue = append(b.queue, outgoing{t, p})
	}
	b.mu.Unlock()
	if full {
		b.drop(1)
	}
	signal(b.wake)
}

// drop notes pokes that other nodes do not get. They are told to look, once NATS takes something again.
func (b *Bus) drop(n int) {
	b.dropped.Add(uint64(n))
	b.owing.Store(true)
}

// Subscribe calls fn for pokes of this node's connections at once, and for those of other nodes as soon as NATS knows of the
// subscription. Then fn is called once, for what was published in between.
func (b *Bus) Subscribe(t server.Topic, fn func(server.Poke)) (cancel func()) {
	end := b.local.Subscribe(t, fn)
	b.mu.Lock()
	x := b.topics[t]
	if x == nil {
		x = &interest{}
		b.topics[t] = x
	}
	x.listeners++
	if x.subscription == nil {
		b.changed[t] = struct{}{}
	}
	b.mu.Unlock()
	signal(b.wake)
	ended := false
	return func() {
		end()
		b.mu.Lock()
		defer b.mu.Unlock()
		if ended {
			return
		}
		ended = true
		if x.listeners--; x.listeners == 0 {
			b.changed[t] = struct{}{}
			signal(b.wake)
		}
	}
}

// send tells NATS what is queued, until the Bus is closed.
func (b *Bus) send() {
	for {
		b.subscribeAll()
		b.publishAll()
		if b.owing.Load() && b.connected.Load() && !b.tellMissed() {
			time.AfterFunc(retryWait, func() { signal(b.wake) })
		}
		select {
		case <-b.ending:
			if !b.publishAll() || b.nats.FlushTimeout(closeWait) != nil {
				b.logger.Warn("NATS has not taken the last pokes")
			}
			return
		case <-b.wake:
		}
	}
}

// subscribeAll tells NATS which topics have listeners now.
func (b *Bus) subscribeAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for t := range b.changed {
		delete(b.changed, t)
		x := b.topics[t]
		if x == nil {
			continue // it came and went
		}
		var err error
		switch {
		case x.listeners == 0:
			delete(b.topics, t)
			if s := x.subscription; s != nil {
				delete(b.subscribed, s)
				b.mu.Unlock()
				err = s.Unsubscribe()
				b.mu.Lock()
			}
		case x.subscription == nil:
			b.mu.Unlock()
			var s *nats.Subscription
			s, err = b.nats.ChanSubscribe(subject(t), b.in)
			b.mu.Lock()
			if x.subscription = s; err == nil {
				b.subscribed[s] = t
				b.fresh = append(b.fresh, t)
				signal(b.confirm)
			}
		}
		if err != nil && !b.nats.IsClosed() {
			b.logger.Error("nats: subscriptions", "err", err)
		}
	}
}

// publishAll hands the queue to NATS and tells whether it took all.
func (b *Bus) publishAll() bool {
	b.mu.Lock()
	queue := b.queue
	b.queue = nil
	b.mu.Unlock()
	message := make([]byte, 0, pokeSize)
	for i, o := range queue {
		if err := b.nats.Publish(subject(o.topic), appendPoke(message, o.poke)); err != nil {
			b.drop(len(queue) - i)
			return false
		}
		b.published.Add(1)
	}
	return true
}

// tellMissed tells the other nodes that pokes of this one were dropped.
func (b *Bus) tellMissed() bool {
	b.owing.Store(false)
	if err := b.nats.Publish(lookSubject, nil); err != nil {
		b.owing.Store(true)
		return false
	}
	return true
}

// confirmAll waits until NATS has the new subscriptions and pokes them then: what was published before did not come.
func (b *Bus) confirmAll() {
	for {
		select {
		case <-b.stop:
			return
		case <-b.confirm:
		}
		b.mu.Lock()
		fresh := b.fresh
		b.fresh = nil
		b.mu.Unlock()
		for b.nats.FlushTimeout(writeWait) != nil { // away or slow
			select {
			case <-b.stop:
				return
			case <-time.After(retryWait):
			}
		}
		for _, t := range fresh {
			b.local.Publish(t, server.Poke{})
		}
	}
}
