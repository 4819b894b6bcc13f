package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lethe-im/lethe/cmd/lethe/load"
)

// textbookRates are deletions of single messages from the textbook, by as many workers as Lethe's users, straight at the database:
// no server stands before it.
type textbookRates struct {
	*textbook
	workers, messages int
	next              int // the message that each worker deletes next
	rounds            []round
}

func (r *rig) openTextbookRate(ctx context.Context) (*textbookRates, error) {
	address, err := r.cluster.Database(ctx)
	if err != nil {
		return nil, err
	}
	t, err := openTextbook(ctx, address)
	if err != nil {
		return nil, err
	}
	all := &textbookRates{textbook: t, workers: r.plan.Workers, messages: 2 * r.plan.History, next: 1}
	for conversation := range all.workers {
		if err := t.fill(ctx, conversation, 2, all.messages); err != nil {
			t.close()
			return nil, err
		}
	}
	if err := t.filled(ctx); err != nil {
		t.close()
		return nil, err
	}
	return all, nil
}

// goRound deletes for a time and adds what was measured.
func (t *textbookRates) goRound(ctx context.Context, r *rig) error {
	if err := r.quiet(); err != nil {
		return err
	}
	p := processes{database: r.postgres}
	if _, err := t.work(ctx, r.plan.Warm); err != nil {
		return err
	}
	before, err := p.spent()
	if err != nil {
		return err
	}
	times, err := t.work(ctx, r.plan.Work)
	if err != nil {
		return err
	}
	after, err := p.spent()
	if err != nil {
		return err
	}
	one := round{Deletions: load.Spread{
		N: len(times), PerSecond: float64(len(times)) / r.plan.Work.Seconds(), P50: times.median(), P90: times.at(0.9), P99: times.p99(), Max: times.at(1),
	}}
	t.rounds = append(t.rounds, one.spending(after.since(before)))
	return nil
}

// errAllDeleted: there is not enough to delete for so long.
var errAllDeleted = errors.New("all is deleted: the history is too short")

func (t *textbookRates) work(ctx context.Context, d time.Duration) (times sample, err error) {
	until := time.Now().Add(d)
	var mu sync.Mutex
	var jobs sync.WaitGroup
	from, last := t.next, t.next
	for conversation := range t.workers {
		jobs.Go(func() {
			seq := from
			var own sample
			var failed error
			for ; failed == nil && time.Now().Before(until); seq++ {
				if seq > t.messages {
					failed = errAllDeleted
					break
				}
				start := time.Now()
				_, failed = t.pool.Exec(ctx, textbookDeleteOne, conversation%2, conversation, seq)
				own = append(own, ms(time.Since(start)))
			}
			mu.Lock()
			defer mu.Unlock()
			times, last, err = append(times, own...), max(last, seq), errors.Join(err, failed)
		})
	}
	jobs.Wait()
	t.next = last
	return times, err
}
