package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
)

// largestGroup is how many writes share a transaction at most.
const largestGroup = 256

// group lets writes that come while another one is being synced share the next transaction, and so its sync: the disk's syncs a
// second no longer bound the writes a second. Each runs in a savepoint of its own, is refused alone, and returns only when all are
// committed. A single one is a transaction as it would be without.
type group struct {
	db *sql.DB

	mu      sync.Mutex
	waiting []*writing
	working bool // a goroutine takes what waits
}

// writing is one write that waits.
type writing struct {
	ctx   context.Context
	fn    func(context.Context, *transaction) error
	err   error
	panic any // what fn panicked with
	done  chan struct{}
}

// write runs fn in the writing transaction, alone or with others, and commits. What fn returned is rolled back if it failed. Once
// it runs, ctx does not end it any more: SQLite would roll the others back with it.
func (g *group) write(ctx context.Context, fn func(context.Context, *transaction) error) error {
	w := &writing{ctx: ctx, fn: fn, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	if !g.working {
		g.working = true
		go g.work()
	}
	g.mu.Unlock()
	<-w.done
	if w.panic != nil {
		panic(w.panic)
	}
	return w.err
}

// work commits one group after the other until nobody waits.
func (g *group) work() {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), largestGroup)
		if n == 0 {
			g.working = false
			g.mu.Unlock()
			return
		}
		writes := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.mu.Unlock()
		g.commit(writes)
		for _, w := range writes {
			close(w.done)
		}
	}
}

// commit runs the writes in one transaction. Where that fails as a whole, all of them fail that had not before.
func (g *group) commit(writes []*writing) {
	err := transact(context.Background(), g.db, driver.TxOptions{}, func(ctx context.Context, tx *transaction) error {
		for _, w := range writes {
			if err := w.run(ctx, tx, len(writes) == 1); err != nil {
				return err
			}
		}
		return nil
	})
	for _, w := range writes {
		if err != nil && w.err == nil && w.panic == nil {
			w.err = err
		}
	}
}

// run runs fn, in a savepoint unless it is alone. It returns an error only where the transaction cannot go on; fn's own is kept.
func (w *writing) run(ctx context.Context, tx *transaction, alone bool) (broken error) {
	if w.err = w.ctx.Err(); w.err != nil {
		return nil
	}
	if alone {
		w.call(tx)
		return w.failure()
	}
	if err := tx.exec(ctx, `SAVEPOINT write`); err != nil {
		return err
	}
	w.call(tx)
	if w.failure() != nil {
		// A full disk and the like end the whole transaction, and then this fails.
		if err := tx.exec(ctx, `ROLLBACK TO write`); err != nil {
			return fmt.Errorf("%w (after: %v)", err, w.failure()) // its code is not the others'
		}
	}
	err := tx.exec(ctx, `RELEASE write`)
	return err
}

// call runs fn and keeps how it ended.
func (w *writing) call(tx *transaction) {
	defer func() { w.panic = recover() }()
	w.err = w.fn(context.WithoutCancel(w.ctx), tx)
}

var errPanic = errors.New("a write panicked")

func (w *writing) failure() error {
	if w.panic != nil {
		return errPanic
	}
	return w.err
}
