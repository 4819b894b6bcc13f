package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

// bothStores opens an empty store on each database.
func bothStores(t testing.TB) map[string]*Store {
	t.Helper()
	file, err := Open(context.Background(), filepath.Join(t.TempDir(), "lethe.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	shared, err := OpenPostgres(context.Background(), pgtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shared.Close()) })
	return map[string]*Store{"SQLite": file, "PostgreSQL": shared}
}

// crowd makes a group of so many members and messages.
func (s *Store) crowd(t testing.TB, group string, members, messages int) {
	t.Helper()
	ctx := context.Background()
	_, err := s.PutGroup(ctx, "lethe", group, group, false)
	require.NoError(t, err)
	names := make([]string, members)
	for i := range names {
		names[i] = fmt.Sprintf("u%05d", i)
	}
	_, _, err = s.Members(ctx, "lethe", group, names, nil)
	require.NoError(t, err)
	for messages > 0 {
		batch := make([]wire.Message, min(messages, 5000))
		for i := range batch {
			batch[i] = wire.Message{From: names[i%members], Time: 1000, Type: wire.TypeText, Payload: []byte{0x80}}
		}
		_, _, _, err := s.Import(ctx, "lethe", "", "GROUP"+group, batch, 1000)
		require.NoError(t, err)
		messages -= len(batch)
	}
}

// written is how many rows a transaction on the store has written.
func (s *Store) written(t testing.TB, fn func(ctx context.Context, tx *transaction) error) (rows int) {
	t.Helper()
	count := `SELECT total_changes()`
	if _, ok := s.database.(*postgres); ok {
		count = `SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_xact_user_tables`
	}
	require.NoError(t, s.write(context.Background(), func(ctx context.Context, tx *transaction) error {
		var before int
		if err := tx.row(ctx, count).Scan(&before); err != nil {
			return err
		}
		if err := fn(ctx, tx); err != nil {
			return err
		}
		err := tx.row(ctx, count).Scan(&rows)
		rows -= before
		return err
	}))
	return rows
}

var wholeConversation = wire.Delete{ConversationID: "GROUPg", Scope: wire.ScopeBoth, What: wire.WhatConversation, Hide: true}

// A message and a deletion write a few rows, however many members and messages the group has.
func TestRowsWrittenDoNotGrow(t *testing.T) {
	t.Parallel()
	who := server.Who{App: "lethe", User: "u00001"}
	large := 10_000
	if testing.Short() {
		large = 1000
	}
	for name, s := range bothStores(t) {
		t.Run(name, func(t *testing.T) {
			var sends, deletes, wholes []int
			for i, members := range []int{2, large} {
				group := fmt.Sprint("g", i)
				messages := max(1000, 10*members) // more than a segment, so that all of one is deleted
				s.crowd(t, group, members, messages)
				c := wire.Conversation{Kind: wire.GroupKind, Target: group}
				send := wire.Send{SendID: wire.ID{byte(i + 1)}, ConversationID: c.String(), Type: wire.TypeText, Payload: []byte{0x80}}
				sends = append(sends, s.written(t, func(ctx context.Context, tx *transaction) error {
					_, _, err := applySend(ctx, tx, who, send, c, 2000)
					return err
				}))
				one := wire.Delete{
					OpID: wire.ID{1, byte(i)}, ConversationID: c.String(), Scope: wire.ScopeBoth, What: wire.WhatMessages,
					Anchor: uint64(messages), Ranges: wire.RangesOf(1),
				}
				whole := wholeConversation
				whole.OpID, whole.ConversationID, whole.Anchor = wire.ID{2, byte(i)}, c.String(), uint64(messages)
				remove := func(d wire.Delete) int {
					op, err := newOperation(wire.OpDelete, d.OpID, &d)
					require.NoError(t, err)
					return s.written(t, func(ctx context.Context, tx *transaction) error {
						_, err := applyDelete(ctx, tx, who, d, server.Lethe, 2000, &op)
						return err
					})
				}
				deletes = append(deletes, remove(one))
				wholes = append(wholes, remove(whole))
			}
			t.Logf("rows written in groups of 2 and %d: by a message %v, by deleting one %v, by deleting all %v", large, sends, deletes, wholes)
			for _, rows := range [][]int{sends, deletes, wholes} {
				require.Equal(t, rows[0], rows[1])
				require.Positive(t, rows[0])
			}
		})
	}
}
