package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// headsOneByOne answers as Heads does, a conversation at a time.
func (s *Store) headsOneByOne(ctx context.Context, who server.Who, asked []wire.Head) (heads wire.Heads, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		for _, device := range asked {
			heads.Done++
			v, err := openView(ctx, tx, who, device.ConversationID)
			if err != nil && !IsFailure(err) {
				heads.Unknown = append(heads.Unknown, device.ConversationID)
				continue
			}
			if err != nil {
				return err
			}
			state, err := v.state(ctx, tx, who)
			if err != nil {
				return err
			}
			if device.Head == 0 || device.Head != state.Head || device.ReadUpTo != state.ReadUpTo || device.Recall != state.Recall {
				if state.Unread, err = v.unread(ctx, tx, who.User, max(state.ReadUpTo, device.ReadUpTo)); err != nil {
					return err
				}
				heads.States = append(heads.States, state)
			}
		}
		return nil
	})
	return heads, err
}

// restOneByOne answers as Rest does, a conversation at a time.
func (s *Store) restOneByOne(ctx context.Context, who server.Who, named func(string) bool) (heads wire.Heads, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *transaction) error {
		var conversations []string
		if err := each(ctx, tx, `SELECT DISTINCT conversation, log FROM spans WHERE app = ? AND uid = ? ORDER BY log`,
			[]any{who.App, who.User}, func(scan func(...any) error) error {
				var conversation string
				err := scan(&conversation, new(uint64))
				if !named(conversation) {
					conversations = append(conversations, conversation)
				}
				return err
			}); err != nil {
			return err
		}
		for _, conversation := range conversations {
			v, err := openView(ctx, tx, who, conversation)
			if err != nil {
				return err
			}
			if v.history.Hides(v.reach) {
				continue
			}
			state, err := v.state(ctx, tx, who)
			if err != nil {
				return err
			}
			heads.States = append(heads.States, state)
		}
		return nil
	})
	return heads, err
}

// checkHeads compares what one of the users is answered, asking for all at once and in parts, with what one by one gives.
func (c *counts) checkHeads() {
	ctx, who := c.Context(), c.who()
	who.Waiting = c.random.IntN(3) == 0
	// Some are asked for twice.
	asked := []wire.Head{{ConversationID: "nonsense"}, {ConversationID: "C2Cnobody"}, {ConversationID: "GROUPr"}}
	for _, conversation := range slices.Concat(countedConversations[who.User], []string{"C2Cb", "ROOMr"}) {
		h := wire.Head{ConversationID: conversation}
		// As a rule the device has all, or nearly.
		if state, err := c.s.headsOneByOne(ctx, who, []wire.Head{h}); err == nil && len(state.States) > 0 && c.random.IntN(4) > 0 {
			h.Head, h.ReadUpTo, h.Recall = state.States[0].Head, state.States[0].ReadUpTo, state.States[0].Recall
			if c.random.IntN(2) == 0 {
				h.ReadUpTo += c.random.Uint64N(300)
			}
		}
		asked = append(asked, h)
	}
	c.random.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
	want, err := c.s.headsOneByOne(ctx, who, asked)
	require.NoError(c, err)
	got, err := c.s.Heads(ctx, who, asked, 1<<20)
	require.NoError(c, err)
	require.Equal(c, want, got, "%v asks %v", who, asked)
	var parts wire.Heads
	for rest := asked; len(rest) > 0; rest = rest[got.Done:] {
		got, err = c.s.Heads(ctx, who, rest, 1+c.random.IntN(800))
		require.NoError(c, err)
		require.NotZero(c, got.Done)
		parts.States, parts.Unknown, parts.Done = append(parts.States, got.States...), append(parts.Unknown, got.Unknown...), parts.Done+got.Done
	}
	require.Equal(c, want, parts)

	skip := map[string]bool{countedConversations[who.User][c.random.IntN(2)]: c.random.IntN(2) == 0}
	named := func(conversation string) bool { return skip[conversation] }
	want, err = c.s.restOneByOne(ctx, who, named)
	require.NoError(c, err)
	got, err = c.s.Rest(ctx, who, named, 1<<20)
	require.NoError(c, err)
	require.Equal(c, want, got, "%v without %v", who, skip)
}

// statementsOf is how many statements a call runs.
func statementsOf(t testing.TB, call func(context.Context) error) (n int) {
	t.Helper()
	require.NoError(t, call(WatchStatements(t.Context(), func(string) func(error) { n++; return func(error) {} })))
	return n
}

// circle puts a user into so many groups, in each of which another has written once, and returns what a device that has all knows
// of them.
func (s *Store) circle(t testing.TB, user string, groups int) (all []wire.Head) {
	t.Helper()
	ctx := t.Context()
	for i := range groups {
		id := fmt.Sprint(user, i)
		_, err := s.PutGroup(ctx, "lethe", id, id, false)
		require.NoError(t, err)
		_, _, err = s.Members(ctx, "lethe", id, []string{user, "other"}, nil)
		require.NoError(t, err)
		_, _, err = s.Send(ctx, server.Who{App: "lethe", User: "other"}, wire.Send{
			SendID: wire.ID{byte(i), byte(i >> 8), user[0]}, ConversationID: "GROUP" + id, Type: wire.TypeText, Payload: []byte{0x80},
		}, 2000)
		require.NoError(t, err)
		all = append(all, wire.Head{ConversationID: "GROUP" + id, Head: 1})
	}
	return all
}

// After a store was lost the newest seq that a user may know of can be one that no message has.
func TestHeadsWhereNoMessageHasTheNewestSeq(t *testing.T) {
	for name, s := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			who := server.Who{App: "lethe", User: "u", Device: "1"}
			s.circle(t, "u", 3)
			_, err := s.BeginEpoch(t.Context(), time.UnixMilli(3000), 1000, nil)
			require.NoError(t, err)
			_, _, err = s.Members(t.Context(), "lethe", "u1", nil, []string{"u"})
			require.NoError(t, err)
			asked := []wire.Head{{ConversationID: "GROUPu0"}, {ConversationID: "GROUPu1"}, {ConversationID: "GROUPu2"}}
			want, err := s.headsOneByOne(t.Context(), who, asked)
			require.NoError(t, err)
			got, err := s.Heads(t.Context(), who, asked, 1<<20)
			require.NoError(t, err)
			require.Equal(t, want, got)
			left := got.States[1]
			require.Equal(t, []any{uint64(1001), uint64(1), int64(2000), uint32(1)}, []any{left.Head, left.Last.Seq, left.Time, left.Unread})
			got, err = s.Rest(t.Context(), who, nothingNamed, 1<<20)
			require.NoError(t, err)
			require.ElementsMatch(t, want.States, got.States)
		})
	}
}

func nothingNamed(string) bool { return false }

// What connecting asks for takes as many statements for 50 conversations as for one.
func TestStatementsOfHeadsDoNotGrow(t *testing.T) {
	for name, s := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			who := server.Who{App: "lethe", User: "u", Device: "1"}
			all := s.circle(t, "u", 50)
			differing := make([]wire.Head, len(all))
			for i := range all {
				differing[i] = wire.Head{ConversationID: all[i].ConversationID}
			}
			for _, c := range []struct {
				what     string
				heads    []wire.Head
				states   int
				most     int
				deletion bool
			}{
				{what: "unchanged", heads: all, most: 1},
				{what: "one unread each", heads: differing, states: 50, most: 4},
				{what: "the newest deleted", heads: differing, states: 50, most: 5, deletion: true},
			} {
				if c.deletion {
					for i, h := range all {
						_, err := s.Delete(t.Context(), who, wire.Delete{
							OpID: wire.ID{byte(i), 1}, ConversationID: h.ConversationID, Scope: wire.ScopeBoth, What: wire.WhatMessages,
							Anchor: 1, Ranges: wire.RangesOf(1),
						}, server.Lethe, 3000)
						require.NoError(t, err)
					}
				}
				n := statementsOf(t, func(ctx context.Context) error {
					h, err := s.Heads(ctx, who, c.heads, 1<<20)
					require.Len(t, h.States, c.states)
					return err
				})
				require.LessOrEqual(t, n, c.most, c.what)
				n = statementsOf(t, func(ctx context.Context) error {
					h, err := s.Rest(ctx, who, nothingNamed, 1<<20)
					require.Len(t, h.States, 50)
					return err
				})
				require.LessOrEqual(t, n, 6, "the rest, %s", c.what)
			}
			n := statementsOf(t, func(ctx context.Context) error {
				h, err := s.Rest(ctx, who, func(string) bool { return true }, 1<<20)
				require.Empty(t, h.States)
				return err
			})
			require.Equal(t, 1, n, "all named")
		})
	}
}

// What is read without a transaction has one statement: two would not be one snapshot.
func TestReadsOfOneStatement(t *testing.T) {
	who := server.Who{App: "lethe", User: "u", Device: "1"}
	for name, s := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			s.circle(t, "u", 3)
			logs, err := s.Logs(t.Context(), who)
			require.NoError(t, err)
			require.Len(t, logs, 3)
			_, err = s.ChangeSettings(t.Context(), "lethe", server.Lethe, func(*server.Settings) error { return nil })
			require.NoError(t, err)
			for what, call := range map[string]func(context.Context) error{
				"number":   func(ctx context.Context) error { _, _, err := s.Number(ctx, who); return err },
				"settings": func(ctx context.Context) error { _, _, err := s.Settings(ctx, "lethe"); return err },
				"revoked": func(ctx context.Context) error {
					_, err := s.Revoked(ctx, server.Grant{App: "lethe", User: "u"})
					return err
				},
				"revocations":  func(ctx context.Context) error { _, err := s.Revocations(ctx, "lethe", 0, 9); return err },
				"logs":         func(ctx context.Context) error { _, err := s.Logs(ctx, who); return err },
				"conversation": func(ctx context.Context) error { _, _, err := s.Conversation(ctx, "lethe", logs[0].Log); return err },
			} {
				require.Equal(t, 1, statementsOf(t, call), what)
			}
		})
	}
}

// What connecting costs: 50 conversations of which the device has all, none of which it has, and the rest after the first.
func BenchmarkHeads(b *testing.B) {
	for name, s := range bothStores(b) {
		who := server.Who{App: "lethe", User: "u", Device: "1"}
		all := s.circle(b, "u", 50)
		s.circle(b, "v", 1000) // others' rows
		none := make([]wire.Head, len(all))
		for i := range all {
			none[i] = wire.Head{ConversationID: all[i].ConversationID}
		}
		heads := func(asked []wire.Head) func() error {
			return func() error { _, err := s.Heads(b.Context(), who, asked, 1<<20); return err }
		}
		rest := func(named bool) func() error {
			return func() error {
				_, err := s.Rest(b.Context(), who, func(string) bool { return named }, 1<<20)
				return err
			}
		}
		for what, run := range map[string]func() error{
			"heads, unchanged": heads(all), "heads, all new": heads(none), "one head": heads(none[:1]), "rest, all named": rest(true), "rest, none named": rest(false),
		} {
			b.Run(fmt.Sprintf("%s/%s", name, what), func(b *testing.B) {
				for b.Loop() {
					require.NoError(b, run())
				}
			})
		}
	}
}
