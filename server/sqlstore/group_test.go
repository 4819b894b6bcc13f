package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// grouped is a store with a table of numbers, and a write under way that holds up the others until go is closed.
type grouped struct {
	*testing.T
	*Store
	group *group
	goOn  chan struct{}
	jobs  sync.WaitGroup
}

func newGrouped(t *testing.T) *grouped {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "lethe.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	g := &grouped{T: t, Store: s, group: &s.database.(*sqliteFile).group, goOn: make(chan struct{})}
	require.NoError(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
		err := tx.exec(ctx, `CREATE TABLE numbers (n INTEGER PRIMARY KEY)`)
		return err
	}))
	held := make(chan struct{})
	g.jobs.Go(func() {
		_ = s.write(context.Background(), func(context.Context, *transaction) error {
			close(held)
			<-g.goOn
			return nil
		})
	})
	<-held
	return g
}

// queue has fn wait for its turn after those before it.
func (g *grouped) queue(ctx context.Context, fn func(context.Context, *transaction) error) (result func() error) {
	g.group.mu.Lock()
	before := len(g.group.waiting)
	g.group.mu.Unlock()
	var err error
	ended := make(chan struct{})
	g.jobs.Go(func() {
		defer close(ended)
		defer func() {
			if p := recover(); p != nil {
				err = errors.New(p.(string))
			}
		}()
		err = g.write(ctx, fn)
	})
	require.Eventually(g, func() bool {
		g.group.mu.Lock()
		defer g.group.mu.Unlock()
		return len(g.group.waiting) == before+1
	}, 5*time.Second, time.Millisecond)
	return func() error { <-ended; return err }
}

// release lets all go on and waits for them.
func (g *grouped) release() {
	close(g.goOn)
	g.jobs.Wait()
}

func insert(n int) func(context.Context, *transaction) error {
	return func(ctx context.Context, tx *transaction) error {
		err := tx.exec(ctx, `INSERT INTO numbers (n) VALUES (?)`, n)
		return err
	}
}

func (g *grouped) numbers() (all []int) {
	require.NoError(g, g.read(g.Context(), func(ctx context.Context, tx *transaction) error {
		return each(ctx, tx, `SELECT n FROM numbers ORDER BY n`, nil, func(scan func(...any) error) error {
			var n int
			err := scan(&n)
			all = append(all, n)
			return err
		})
	}))
	return all
}

// Writes that wait together share a transaction, and each is refused alone: by an error, a panic, or a context that has ended.
func TestWritesShareATransaction(t *testing.T) {
	g := newGrouped(t)
	refused := errors.New("refused")
	ended, cancel := context.WithCancel(t.Context())
	first := g.queue(t.Context(), insert(1))
	second := g.queue(t.Context(), func(ctx context.Context, tx *transaction) error {
		return errors.Join(insert(2)(ctx, tx), refused)
	})
	third := g.queue(t.Context(), func(ctx context.Context, tx *transaction) error {
		_ = insert(3)(ctx, tx)
		panic("broken")
	})
	fourth := g.queue(ended, insert(4))
	cancel()
	var seen int
	fifth := g.queue(t.Context(), func(ctx context.Context, tx *transaction) error {
		// What the first has written is not committed yet: it is the same transaction.
		if g.numbers() != nil {
			return errors.New("the others are committed already")
		}
		return errors.Join(tx.row(ctx, `SELECT count(*) FROM numbers`).Scan(&seen), insert(5)(ctx, tx))
	})
	g.release()
	require.NoError(t, first())
	require.ErrorIs(t, second(), refused)
	require.EqualError(t, third(), "broken")
	require.ErrorIs(t, fourth(), context.Canceled)
	require.NoError(t, fifth())
	require.Equal(t, 1, seen, "the first's only: the refused ones are rolled back")
	require.Equal(t, []int{1, 5}, g.numbers())
}

// Where the transaction ends as a whole, as it does on a full disk, none of those that shared it is acknowledged.
func TestABrokenTransactionFailsAllItsWrites(t *testing.T) {
	g := newGrouped(t)
	first := g.queue(t.Context(), insert(1))
	second := g.queue(t.Context(), func(ctx context.Context, tx *transaction) error {
		err := tx.exec(ctx, `ROLLBACK`) // what SQLite does by itself then
		return errors.Join(err, errors.New("disk full"))
	})
	third := g.queue(t.Context(), insert(3))
	g.release()
	require.Error(t, first())
	require.EqualError(t, second(), "disk full")
	require.Error(t, third())
	require.Empty(t, g.numbers())
	require.NoError(t, g.write(t.Context(), insert(4)), "it goes on")
	require.Equal(t, []int{4}, g.numbers())
}

// A context that ends while a write runs must not end the transaction of the others: SQLite rolls back what it interrupts.
func TestAnEndedContextInterruptsNobody(t *testing.T) {
	g := newGrouped(t)
	first := g.queue(t.Context(), insert(1))
	ctx, cancel := context.WithCancel(t.Context())
	second := g.queue(ctx, func(ctx context.Context, tx *transaction) error {
		cancel()
		return insert(2)(ctx, tx)
	})
	g.release()
	require.NoError(t, first())
	require.NoError(t, second())
	require.Equal(t, []int{1, 2}, g.numbers())
}

// A statement whose rows are still being read is not started again under them.
func TestStatementsAreNotSharedWhileRead(t *testing.T) {
	g := newGrouped(t)
	g.release()
	const all = `SELECT n FROM numbers ORDER BY n`
	var pairs [][2]int
	require.NoError(t, g.write(t.Context(), func(ctx context.Context, tx *transaction) error {
		for n := range 3 {
			if err := insert(n)(ctx, tx); err != nil {
				return err
			}
		}
		return each(ctx, tx, all, nil, func(scan func(...any) error) error {
			var outer int
			if err := scan(&outer); err != nil {
				return err
			}
			return each(ctx, tx, all, nil, func(scan func(...any) error) error {
				var inner int
				err := scan(&inner)
				pairs = append(pairs, [2]int{outer, inner})
				return err
			})
		})
	}))
	require.Len(t, pairs, 9)
	require.Equal(t, [2]int{2, 2}, pairs[8])
}
