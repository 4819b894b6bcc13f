package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

// counts lets random histories run in which what is counted must be what counting the rows one by one gives.
type counts struct {
	*testing.T
	s      *Store
	random *rand.Rand
	now    int64
	id     uint64
}

var (
	countedUsers         = []string{"a", "b", "c"}
	countedConversations = map[string][]string{
		"a": {"C2Cb", "GROUPg", "ROOMr", "@TIM#SYSTEM", "@TIM#SYSTEMnews"}, "b": {"C2Ca", "GROUPg", "ROOMr"}, "c": {"GROUPg", "ROOMr"},
	}
)

func (c *counts) who() server.Who {
	user := countedUsers[c.random.IntN(len(countedUsers))]
	return server.Who{App: "lethe", User: user, Device: user}
}

func (c *counts) next() (id wire.ID) {
	c.id++
	return wire.ID{byte(c.id), byte(c.id >> 8), 1}
}

// ranges are some seqs up to head, in runs.
func (c *counts) ranges(head uint64) wire.Ranges {
	first := 1 + c.random.Uint64N(head)
	seqs := []uint64{first}
	for range c.random.IntN(40) {
		seqs = append(seqs, min(head, first+c.random.Uint64N(600)))
	}
	return wire.RangesOf(seqs...)
}

// step does one thing at random. Refusals are as good as anything.
func (c *counts) step() error {
	ctx, who := c.Context(), c.who()
	conversations := countedConversations[who.User]
	conversation := conversations[c.random.IntN(len(conversations))]
	c.now += c.random.Int64N(10)
	payload := []byte{0x80}
	head := uint64(0)
	if n, err := c.s.Count(ctx, who, wire.CountRequest{ConversationID: conversation}); err == nil {
		head = n.Head
	}
	switch k := c.random.IntN(16); {
	case k < 3:
		_, _, err := c.s.Send(ctx, who, wire.Send{SendID: c.next(), ConversationID: conversation, Type: wire.TypeText, Payload: payload}, c.now)
		return err
	case k < 5:
		batch := make([]wire.Message, 1+c.random.IntN(700))
		to := []string{"C2Cb", "GROUPg"}[c.random.IntN(2)]
		for i := range batch {
			batch[i] = wire.Message{From: countedUsers[c.random.IntN(2)], Time: c.now, Type: wire.TypeText, Payload: payload}
		}
		_, _, _, err := c.s.Import(ctx, "lethe", "a", to, batch, c.now)
		return err
	case k == 5:
		_, err := c.s.Notice(ctx, "lethe", "a", []string{"", "news"}[c.random.IntN(2)], wire.Message{Type: wire.TypeText, Payload: payload}, c.now)
		return err
	case k == 6 && c.random.IntN(4) == 0: // many segments, few of which have anything
		_, err := c.s.BeginEpoch(ctx, time.UnixMilli(c.now), c.random.Uint64N(10_000), nil)
		return err
	case k == 7 && c.random.IntN(2) == 0:
		_, err := c.s.ClearRoom(ctx, "lethe", "r")
		return err
	case k == 8:
		_, err := c.s.Leave(ctx, who, wire.Leave{ConversationID: conversation})
		return err
	case k == 9:
		_, err := c.s.Join(ctx, who, wire.Join{ConversationID: conversation}, server.Settings{RoomCloudHistory: c.random.IntN(2) == 0})
		return err
	case k == 10:
		more, err := c.s.Purge(ctx, "lethe", server.Lethe, c.now)
		for more && err == nil {
			more, err = c.s.Purge(ctx, "lethe", server.Lethe, c.now)
		}
		return err
	case k == 11 && c.random.IntN(3) == 0:
		return c.s.PurgeRooms(ctx, "lethe", c.now-10)
	case head == 0:
		return nil
	case k == 12:
		clear := server.Clear{ConversationID: conversation, Ranges: c.ranges(head)}
		if c.random.IntN(6) == 0 {
			clear = server.Clear{ConversationID: conversation, Before: c.now - c.random.Int64N(100)}
		}
		_, err := c.s.Clear(ctx, "lethe", who.User, clear)
		return err
	case k == 13:
		_, err := c.s.Read(ctx, who, wire.Read{ConversationID: conversation, UpTo: 1 + c.random.Uint64N(head)})
		return err
	case k == 14:
		_, _, err := c.s.RecallByAdmin(ctx, "lethe", who.User, wire.Recall{ConversationID: conversation, Seq: 1 + c.random.Uint64N(head)}, c.now)
		return err
	default:
		d := wire.Delete{OpID: c.next(), ConversationID: conversation, Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: head, Ranges: c.ranges(head)}
		if c.random.IntN(10) == 0 {
			d.What, d.Ranges, d.Before = wire.WhatTime, nil, c.now-c.random.Int64N(100)
		}
		_, err := c.s.Delete(ctx, who, d, server.Lethe, c.now)
		return err
	}
}

// check compares every user's counts, above a few seqs, with the rows.
func (c *counts) check() {
	for _, user := range countedUsers {
		who := server.Who{App: "lethe", User: user, Device: user}
		for _, conversation := range countedConversations[user] {
			require.NoError(c, c.s.read(c.Context(), func(ctx context.Context, tx *transaction) error {
				v, err := openView(ctx, tx, who, conversation)
				if err != nil {
					require.False(c, IsFailure(err), "%v", err)
					return nil
				}
				for _, above := range []uint64{0, c.random.Uint64N(v.reach + 2), v.reach - min(v.reach, c.random.Uint64N(600))} {
					all, others, err := v.one(ctx, tx, user, above)
					require.NoError(c, err)
					n, err := v.tally(ctx, tx, above, "")
					require.NoError(c, err)
					require.Equal(c, all, n, "%s's %s above %d", user, conversation, above)
					unread, err := v.unread(ctx, tx, user, above)
					require.NoError(c, err)
					require.Equal(c, uint32(others), unread, "unread in %s's %s above %d", user, conversation, above)
				}
				return nil
			}))
		}
	}
}

// one counts the rows of the view above a seq one by one: all, and those of others.
func (v *view) one(ctx context.Context, tx *transaction, user string, above uint64) (all, others uint64, err error) {
	err = each(ctx, tx, `SELECT seq, sender FROM messages WHERE app = ? AND log = ?`, []any{v.app, v.id}, func(scan func(...any) error) error {
		var seq uint64
		var sender string
		err := scan(&seq, &sender)
		if seq > above && v.reaches(seq) && !v.history.Has(seq) {
			all++
			if sender != user {
				others++
			}
		}
		return err
	})
	return all, others, err
}

// storedRows is what the table stored has.
func (s *Store) storedRows(t testing.TB) (all []string) {
	t.Helper()
	require.NoError(t, s.read(t.Context(), func(ctx context.Context, tx *transaction) error {
		return each(ctx, tx, `SELECT app, log, sender, segment, w0, w1, w2, w3, n FROM stored ORDER BY app, log, sender, segment`, nil,
			func(scan func(...any) error) error {
				var app, sender string
				var n [7]int64
				err := scan(&app, &n[0], &sender, &n[1], &n[2], &n[3], &n[4], &n[5], &n[6])
				all = append(all, fmt.Sprint(app, sender, n))
				return err
			})
	}))
	return all
}

func TestCountsAreThoseOfTheRows(t *testing.T) {
	t.Parallel()
	steps := 400
	if testing.Short() {
		steps = 120
	}
	path := filepath.Join(t.TempDir(), "lethe.db")
	address := pgtest.Database(t)
	for name, open := range map[string]func() (*Store, error){
		"SQLite":     func() (*Store, error) { return Open(t.Context(), path) },
		"PostgreSQL": func() (*Store, error) { return OpenPostgres(t.Context(), address) },
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			s, err := open()
			require.NoError(t, err)
			c := &counts{T: t, s: s, random: rand.New(rand.NewPCG(seed, 0)), now: 1_000_000}
			_, err = s.PutGroup(t.Context(), "lethe", "g", "g", true)
			require.NoError(t, err)
			_, _, err = s.Members(t.Context(), "lethe", "g", countedUsers, nil)
			require.NoError(t, err)
			require.NoError(t, s.PutRoom(t.Context(), "lethe", "r", "r"))
			for i := range steps {
				err := c.step()
				require.False(t, IsFailure(err), "%v", err)
				if i%4 == 0 {
					c.check()
					c.checkHeads()
				}
			}
			c.check()

			// The step that makes the table counts the same.
			before := s.storedRows(t)
			require.NotEmpty(t, before)
			require.NoError(t, s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
				if err := tx.exec(ctx, `DROP TABLE stored`); err != nil {
					return err
				}
				if tx.locking {
					return tx.exec(ctx, `UPDATE lethe SET version = 6`)
				}
				return tx.exec(ctx, `PRAGMA user_version = 6`)
			}))
			require.NoError(t, s.Close())
			c.s, err = open()
			require.NoError(t, err)
			defer func() { require.NoError(t, c.s.Close()) }()
			require.Equal(t, before, c.s.storedRows(t))
			c.check()
		})
	}
}
