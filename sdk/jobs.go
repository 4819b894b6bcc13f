package sdk

import "sync"

// jobs are the goroutines of a session. A sync.WaitGroup is not enough: a call of the app may still begin one while logout waits for
// the last, and a WaitGroup that is added to then panics in the one that waits.
type jobs struct {
	lock  sync.Mutex
	moved sync.Cond
	n     int  // under way
	last  bool // somebody waits for the last, or has waited
}

// run starts a job. Once the jobs have been waited for and all are over it does nothing.
func (j *jobs) run(job func()) {
	if j.add(1) {
		go func() {
			defer j.add(-1)
			job()
		}()
	}
}

func (j *jobs) add(n int) bool {
	j.lock.Lock()
	defer j.lock.Unlock()
	if j.last && j.n == 0 {
		return false
	}
	j.n += n
	j.moved.Broadcast()
	return true
}

// wait waits until all jobs are over, those too that they begin meanwhile. It may be called several times.
func (j *jobs) wait() {
	j.lock.Lock()
	defer j.lock.Unlock()
	j.moved.L = &j.lock
	for j.last = true; j.n > 0; {
		j.moved.Wait()
	}
}

// isOver tells whether a channel that says so by being closed is.
func isOver(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}
