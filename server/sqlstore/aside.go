package sqlstore

import (
	"context"
	"errors"
	"sync"
)

// aside runs functions on a few goroutines of its own, one each at a time. SQLite needs a stack of 32 KiB or so: on the goroutine
// of each connection that was idle again it stayed there, and was most of what a connection cost; a new goroutine for each function
// has to grow it.
type aside struct {
	work    chan func()
	ended   chan struct{}
	workers sync.WaitGroup
}

// errClosed is the answer to who comes after the end.
var errClosed = errors.New("the store is closed")

func newAside(workers int) *aside {
	a := &aside{work: make(chan func()), ended: make(chan struct{})}
	for range workers {
		a.workers.Go(func() {
			for {
				select {
				case fn := <-a.work:
					fn()
				case <-a.ended:
					return
				}
			}
		})
	}
	return a
}

// run runs fn and waits for it; a panic comes out here. An end of ctx ends the wait for a goroutine. Errors: errClosed.
func (a *aside) run(ctx context.Context, fn func() error) (err error) {
	var panicked any
	done := make(chan struct{})
	select {
	case a.work <- func() {
		defer close(done)
		defer func() { panicked = recover() }()
		err = fn()
	}:
	case <-a.ended:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-done
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// close waits for what runs. It is called once.
func (a *aside) close() {
	close(a.ended)
	a.workers.Wait()
}
