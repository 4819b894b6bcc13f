package sdk

import (
	"sync"
	"testing"
	"testing/synctest"
)

func TestJobsAreWaitedForWithThoseThatTheyBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j jobs
		first, second, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
		j.run(func() {
			<-first
			j.run(func() { <-second })
		})
		go func() {
			j.wait()
			close(over)
		}()
		synctest.Wait()
		j.run(func() {}) // one is still under way
		close(first)
		synctest.Wait()
		select {
		case <-over:
			t.Fatal("the second was not waited for")
		default:
		}
		close(second)
		<-over
		j.wait()
	})
}

func TestNoJobBeginsAfterTheLast(t *testing.T) {
	var j jobs
	j.wait()
	j.run(func() { t.Error("it was run") })
	j.wait()
}

// Found by the simulation under the race detector: whoever waits was woken, and before it came to run a call began another job.
// A sync.WaitGroup panics then.
func TestJobsThatBeginWhileTheLastEnds(t *testing.T) {
	for range 20_000 {
		var j jobs
		var calls sync.WaitGroup
		after := false
		j.run(func() {})
		for range 2 {
			calls.Go(func() {
				j.run(func() {
					if after {
						t.Error("it began after the last")
					}
				})
			})
		}
		j.wait()
		after = true
		calls.Wait()
	}
}
