package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

func newPostgres(t *testing.T) (*Store, *postgres) {
	t.Helper()
	s, err := OpenPostgres(t.Context(), pgtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, s.database.(*postgres)
}

// deadlocks are how many PostgreSQL has ended in this database. Connections tell theirs when they end.
func (p *postgres) deadlocks(t *testing.T) (n int) {
	t.Helper()
	p.pool.Reset()
	require.Eventually(t, func() bool {
		var others int
		require.NoError(t, p.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&others))
		return others == 0
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, p.pool.QueryRow(t.Context(), `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&n))
	return n
}

// Two who wait for each other in a circle: PostgreSQL ends one, and it is run again.
func TestADeadlockIsRunAgain(t *testing.T) {
	s, p := newPostgres(t)
	for _, user := range []string{"a", "b"} {
		own := change{who: server.Who{App: "lethe", User: user}}
		require.NoError(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			_, err := own.take(ctx, tx)
			return err
		}))
	}
	var all, met sync.WaitGroup
	met.Add(2)
	var runs atomic.Int32
	errs := make([]error, 2)
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		all.Go(func() {
			first := true
			errs[i] = s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
				runs.Add(1)
				for place, user := range order {
					own := change{who: server.Who{App: "lethe", User: user}}
					if _, err := own.take(ctx, tx); err != nil {
						return err
					}
					if place == 0 && first {
						first = false
						met.Done()
						met.Wait()
					}
				}
				return nil
			})
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	// The one that was ended may come between again before the other wakes.
	require.GreaterOrEqual(t, runs.Load(), int32(3), "one of them a second time")
	require.Equal(t, int(runs.Load())-2, p.deadlocks(t))
	for _, user := range []string{"a", "b"} {
		n, _, err := s.Number(t.Context(), server.Who{App: "lethe", User: user})
		require.NoError(t, err)
		require.Equal(t, uint64(3), n, "once by each")
	}
}

// What is refused, or fails for good, is not tried again.
func TestWhatIsTriedAgainIsBounded(t *testing.T) {
	s, _ := newPostgres(t)
	runs := 0
	require.ErrorIs(t, s.write(t.Context(), func(context.Context, *transaction) error {
		runs++
		return errOvertaken
	}), errOvertaken)
	require.Equal(t, tries, runs)
	runs = 0
	require.Error(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
		runs++
		return tx.row(ctx, `SELECT no FROM such_table`).Scan(new(int))
	}))
	require.Equal(t, 1, runs)
}

// A read sees the store as it was when its first statement ran.
func TestAReadIsOneSnapshot(t *testing.T) {
	s, _ := newPostgres(t)
	who := server.Who{App: "lethe", User: "a"}
	take := func() {
		require.NoError(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			own := change{who: who}
			_, err := own.take(ctx, tx)
			return err
		}))
	}
	take()
	require.NoError(t, s.read(t.Context(), func(ctx context.Context, tx *transaction) error {
		before, _, err := number(ctx, tx, who)
		require.NoError(t, err)
		take()
		after, _, err := number(ctx, tx, who)
		require.NoError(t, err)
		require.Equal(t, before, after)
		return tx.exec(ctx, `SELECT 1`)
	}))
	n, _, err := s.Number(t.Context(), who)
	require.NoError(t, err)
	require.Equal(t, uint64(2), n)
	require.Error(t, s.read(t.Context(), func(ctx context.Context, tx *transaction) error {
		own := change{who: who}
		_, err := own.take(ctx, tx)
		return err
	}), "a read writes nothing")
}

// A statement whose answer nobody looks at still fails the transaction, whatever it travels with.
func TestALateFailureRollsBack(t *testing.T) {
	s, _ := newPostgres(t)
	who := server.Who{App: "lethe", User: "a"}
	for name, last := range map[string]func(ctx context.Context, tx *transaction) error{
		"with the commit": func(context.Context, *transaction) error { return nil },
		"with a query":    func(ctx context.Context, tx *transaction) error { return tx.row(ctx, `SELECT 1`).Scan(new(int)) },
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
				own := change{who: who}
				if _, err := own.take(ctx, tx); err != nil {
					return err
				}
				require.NoError(t, tx.exec(ctx, `INSERT INTO store (epoch, checked) VALUES (1 / 0, 0)`))
				return last(ctx, tx)
			}))
			n, _, err := s.Number(t.Context(), who)
			require.NoError(t, err)
			require.Zero(t, n)
		})
	}
}

// A room is closed while one who is in it and has written there is wiped: both take the visit away, and what is remembered of the
// message.
func TestARoomIsClosedWhileAVisitorIsWiped(t *testing.T) {
	s, p := newPostgres(t)
	const app, devices = "lethe", 6
	for round := range 60 {
		require.NoError(t, s.PutRoom(t.Context(), app, "r", "r"))
		for i := range devices {
			who := server.Who{App: app, User: "u", Device: fmt.Sprint((i + round) % devices)}
			_, err := s.Device(t.Context(), who, 1)
			require.NoError(t, err)
			_, err = s.Join(t.Context(), who, wire.Join{ConversationID: "ROOMr"}, server.Lethe)
			require.NoError(t, err)
			_, _, err = s.Send(t.Context(), who, wire.Send{
				SendID: wire.ID{byte(round), byte(i + 1)}, ConversationID: "ROOMr", Type: wire.TypeText, Payload: []byte{0x80},
			}, 1)
			require.NoError(t, err)
		}
		var jobs sync.WaitGroup
		var closed, wiped error
		jobs.Go(func() { _, closed = s.CloseRoom(t.Context(), app, "r") })
		jobs.Go(func() { wiped = s.Wipe(t.Context(), app, "u") })
		jobs.Wait()
		require.NoError(t, closed)
		require.NoError(t, wiped)
	}
	require.Zero(t, p.deadlocks(t))
}

// Everything at once, by everybody: locks are taken in one order, so nobody waits in a circle.
func TestNobodyWaitsInACircle(t *testing.T) {
	s, p := newPostgres(t)
	const app, users, rounds = "lethe", 6, 40
	ctx := t.Context()
	var clock atomic.Int64
	clock.Store(1_000_000)
	id := func() (id wire.ID) {
		n := clock.Add(1)
		for i := range 8 {
			id[i] = byte(n >> (8 * i))
		}
		return id
	}
	for _, group := range []string{"g", "h"} {
		_, err := s.PutGroup(ctx, app, group, group, true)
		require.NoError(t, err)
		var names []string
		for i := range users {
			names = append(names, fmt.Sprint("u", i))
		}
		_, _, err = s.Members(ctx, app, group, names, nil)
		require.NoError(t, err)
		require.NoError(t, s.PutRoom(ctx, app, group, group))
	}
	var jobs sync.WaitGroup
	var refused, done atomic.Int64
	failures := make(chan error, 1000)
	try := func(err error) {
		switch code := wire.CodeOf(err); {
		case err == nil:
			done.Add(1)
		case code != wire.Internal:
			refused.Add(1)
		default:
			failures <- err
		}
	}
	for u := range users {
		for device := range 2 {
			jobs.Go(func() {
				for r := range rounds {
					user := fmt.Sprint("u", u)
					who := server.Who{App: app, User: user, Device: fmt.Sprint("d", device)}
					other := fmt.Sprint("u", (u+r+device)%users)
					group := "GROUP" + []string{"g", "h"}[(r+device)%2]
					roomID := []string{"g", "h"}[r%2]
					now := clock.Load()
					_, err := s.Device(ctx, who, now)
					try(err)
					for _, conversation := range []string{"C2C" + other, group, "ROOM" + roomID} {
						sent := id()
						ack, _, err := s.Send(ctx, who, wire.Send{SendID: sent, ConversationID: conversation, Type: wire.TypeText, Payload: []byte{0x80}}, now)
						try(err)
						_, err = s.Delete(ctx, who, wire.Delete{
							OpID: id(), ConversationID: conversation, Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: ack.Seq, Hide: true,
						}, server.Lethe, now)
						try(err)
						_, err = s.Cancel(ctx, who, wire.Cancel{OpID: id(), SendID: sent, ConversationID: conversation, Scope: wire.ScopeBoth}, server.Lethe, now)
						try(err)
						_, err = s.Read(ctx, who, wire.Read{ConversationID: conversation, UpTo: ack.Seq})
						try(err)
						_, _, err = s.Recall(ctx, who, wire.Recall{ConversationID: conversation, Seq: ack.Seq}, server.Lethe, now)
						try(err)
						try(s.Have(ctx, who, []wire.Head{{ConversationID: conversation, Head: ack.Seq}}, now))
					}
					switch (r + u + device) % 8 {
					case 0:
						try(s.Wipe(ctx, app, other))
					case 1:
						_, _, err := s.Members(ctx, app, group[len("GROUP"):], []string{user, other}, []string{fmt.Sprint("u", (u+r+device+1)%users)})
						try(err)
					case 2:
						_, err := s.Join(ctx, who, wire.Join{ConversationID: "ROOM" + roomID}, server.Lethe)
						try(err)
						_, err = s.Join(ctx, who, wire.Join{ConversationID: group}, server.Lethe)
						try(err)
					case 3:
						_, err := s.Clear(ctx, app, user, server.Clear{ConversationID: group})
						try(err)
						try(s.Revoke(ctx, app, server.Revocation{User: user, Device: who.Device, Before: now}))
					case 4:
						try(s.Forget(ctx, now-100))
						try(s.PurgeRooms(ctx, app, now))
					case 5:
						_, err := s.PutGroup(ctx, app, group[len("GROUP"):], fmt.Sprint(r), true)
						try(err)
						_, err = s.Leave(ctx, who, wire.Leave{ConversationID: group})
						try(err)
					case 6:
						_, err := s.CloseRoom(ctx, app, roomID)
						try(err)
						try(s.PutRoom(ctx, app, roomID, "again"))
					}
					_, err = s.Purge(ctx, app, server.Lethe, now)
					try(err)
				}
			})
		}
	}
	jobs.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	t.Logf("%d done, %d refused", done.Load(), refused.Load())
	require.Greater(t, done.Load(), int64(users*rounds*10))
	require.Zero(t, p.deadlocks(t))
}
