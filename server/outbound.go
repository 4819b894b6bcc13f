package server

import (
	"sync"

	"github.com/lethe-im/lethe/wire"
)

// outbound is what a connection still has to write: frames, then perhaps a close code.
type outbound struct {
	limit int // bytes

	mu     sync.Mutex
	moved  *sync.Cond
	frames [][]byte
	bytes  int
	ended  bool
	code   wire.CloseCode
	dead   bool // nobody writes any more
}

func newOutbound(limit int) *outbound {
	o := &outbound{limit: limit}
	o.moved = sync.NewCond(&o.mu)
	return o
}

// answer queues a response. Requests are paced by room, so it always fits.
func (o *outbound) answer(frame []byte) { o.put(frame, false) }

// push queues an event. Where the client has not read what was pushed before, everything waiting is given up and the
// connection ends with CloseSlow: the client will come back and ask for what it lacks.
func (o *outbound) push(frame []byte) { o.put(frame, true) }

func (o *outbound) put(frame []byte, bounded bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return
	}
	if bounded && o.bytes+len(frame) > o.limit {
		o.frames, o.bytes = nil, 0
		o.ended, o.code = true, wire.CloseSlow
	} else {
		o.frames = append(o.frames, frame)
		o.bytes += len(frame)
	}
	o.moved.Broadcast()
}

// end closes the connection with code after what is queued. The first code counts.
func (o *outbound) end(code wire.CloseCode) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended {
		o.ended, o.code = true, code
		o.moved.Broadcast()
	}
}

// room waits until less than half the limit is waiting and tells whether the connection goes on.
func (o *outbound) room() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ended && !o.dead && o.bytes > o.limit/2 {
		o.moved.Wait()
	}
	return !o.ended && !o.dead
}

// next waits for the next frame. No frame: the connection is to be closed with code.
func (o *outbound) next() (frame []byte, code wire.CloseCode) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.frames) == 0 && !o.ended {
		o.moved.Wait()
	}
	if len(o.frames) == 0 {
		return nil, o.code
	}
	frame = o.frames[0]
	o.frames[0] = nil
	o.frames = o.frames[1:]
	return frame, 0
}

// wrote takes a frame's bytes off, once it is on its way.
func (o *outbound) wrote(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes = max(0, o.bytes-n)
	o.moved.Broadcast()
}

// abandon ends the queue when nobody writes any more.
func (o *outbound) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.dead = true, true
	o.frames, o.bytes = nil, 0
	o.moved.Broadcast()
}
