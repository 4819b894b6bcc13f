package server

import (
	"sync"

	"github.com/lethe-im/lethe/server/failpoint"
	"github.com/lethe-im/lethe/wire"
)

// outbound is what a connection still has to write: frames, then perhaps a close code.
type outbound struct {
	limit int // bytes
	// write takes what waits, until next says that there is nothing. It runs on a goroutine of its own, one at a time.
	write func()

	mu     sync.Mutex
	moved  *sync.Cond
	frames []waiting
	bytes  int  // of all that waits or is being written
	pushed int  // of the events among them
	busy   bool // write runs, or will not any more
	ended  bool
	done   chan struct{} // closed when ended
	code   wire.CloseCode
}

type waiting struct {
	frame []byte
	push  bool
}

func newOutbound(limit int, write func()) *outbound {
	o := &outbound{limit: limit, write: write, done: make(chan struct{})}
	o.moved = sync.NewCond(&o.mu)
	return o
}

// answer queues a response. Requests are paced by room, so answers need no bound of their own.
func (o *outbound) answer(frame []byte) { o.put(waiting{frame: frame}) }

// push queues an event. Where more events wait than limit (one that is larger alone may), the client does not read:
// everything waiting is given up and the connection ends with CloseSlow. The client will come back and ask for what it lacks.
// It tells how many events were given up.
func (o *outbound) push(frame []byte) (dropped int) { return o.put(waiting{frame: frame, push: true}) }

func (o *outbound) put(w waiting) (dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return 0
	}
	if w.push && o.pushed > 0 && o.pushed+len(w.frame) > o.limit {
		dropped = 1
		for _, given := range o.frames {
			if given.push {
				dropped++
			}
		}
		o.frames = nil
		o.finish(wire.CloseSlow)
	} else {
		o.frames = append(o.frames, w)
		o.count(w, 1)
		o.begin()
	}
	return dropped
}

// begin has what waits written. The caller holds mu.
func (o *outbound) begin() {
	if !o.busy {
		o.busy = true
		go o.write()
	}
}

// closing is the code that the connection ends with, once it has ended.
func (o *outbound) closing() wire.CloseCode {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.code
}

func (o *outbound) count(w waiting, sign int) {
	o.bytes += sign * len(w.frame)
	if w.push {
		o.pushed += sign * len(w.frame)
	}
}

// end closes the connection with code after what is queued. The first code counts.
func (o *outbound) end(code wire.CloseCode) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finish(code)
}

// giveUp closes the connection with code, without what is queued.
func (o *outbound) giveUp(code wire.CloseCode) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames = nil
	o.finish(code)
}

// finish sets the code, once. The caller holds mu.
func (o *outbound) finish(code wire.CloseCode) {
	if !o.ended {
		o.ended, o.code = true, code
		close(o.done)
		o.moved.Broadcast()
		o.begin()
	}
}

// room waits until less than half the limit is waiting and tells whether the connection goes on.
func (o *outbound) room() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ended && o.bytes > o.limit/2 {
		o.moved.Wait()
	}
	return !o.ended
}

// next takes the next frame. No frame: the connection is to be closed with the code, or, if it is 0, nothing is to be done now
// and write must return.
func (o *outbound) next() (w waiting, code wire.CloseCode) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.frames) == 0 {
		o.frames = nil // a burst's backing array is not kept
		o.busy = o.ended
		return waiting{}, o.code
	}
	failpoint.Pass(failpoint.Answer)
	w = o.frames[0]
	o.frames[0] = waiting{}
	o.frames = o.frames[1:]
	return w, 0
}

// wrote takes a frame off the count, once it is on its way.
func (o *outbound) wrote(w waiting) {
	failpoint.Pass(failpoint.Answered)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(w, -1)
	o.moved.Broadcast()
}

// abandon ends the queue when nobody writes any more.
func (o *outbound) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frames = nil
	o.finish(wire.CloseNormal)
}
