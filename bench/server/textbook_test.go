package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/pgtest"
)

func newTextbook(t *testing.T) (*textbook, *wal) {
	ctx := context.WithoutCancel(t.Context())
	address := pgtest.Database(t)
	book, err := openTextbook(ctx, address)
	require.NoError(t, err)
	t.Cleanup(book.close)
	log, err := openWAL(ctx, address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.close(ctx)) })
	return book, log
}

// The textbook must do what it is measured for: delete for one user what was named, and give a message to all.
func TestTextbookDeletesForOneUser(t *testing.T) {
	book, _ := newTextbook(t)
	const members, messages = 3, 20
	require.NoError(t, book.fill(t.Context(), 1, members, messages))
	require.NoError(t, book.fill(t.Context(), 2, members, messages))
	require.NoError(t, book.filled(t.Context()))
	sees := func(conversation, user, want int) {
		t.Helper()
		n, err := book.count(t.Context(), conversation, user)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	var m measure
	require.NoError(t, book.delete(t.Context(), &m, 1, 0, messages, 5, 5))
	sees(1, 0, 19)
	require.NoError(t, book.delete(t.Context(), &m, 1, 0, messages, 4, 9))
	sees(1, 0, 14) // 5 was gone
	require.NoError(t, book.send(t.Context(), &m, 1, 1))
	sees(1, 0, 15)
	sees(1, 2, 21)
	require.NoError(t, book.deleteGroup(t.Context(), &m, 1, 0, messages))
	sees(1, 0, 0)
	sees(1, 1, 21)
	sees(2, 0, messages)
	_, err := book.settle(t.Context(), nil)
	require.NoError(t, err)
	sees(1, 1, 21)
}

// What is written is read from PostgreSQL's log: a row for each message that the textbook deletes, and one for each reader of a
// message besides the message and the conversation.
func TestRowsAreCountedInTheLog(t *testing.T) {
	book, log := newTextbook(t)
	const members, messages = 4, 600
	require.NoError(t, book.fill(t.Context(), 1, members, messages))
	m := measure{meter: log}
	require.NoError(t, book.delete(t.Context(), &m, 1, 0, messages, 7, 7))
	require.NoError(t, book.delete(t.Context(), &m, 1, 0, messages, 11, 60))
	require.NoError(t, book.deleteGroup(t.Context(), &m, 1, 1, messages))
	require.NoError(t, book.send(t.Context(), &m, 1, 2))
	require.NoError(t, book.deleteGroup(t.Context(), &m, 2, 1, messages)) // there is no such one
	var rows []float64
	for _, w := range m.Wrote {
		rows = append(rows, w.Rows)
		require.GreaterOrEqual(t, w.Bytes, 20*w.Rows, "a record has a head")
		require.Zero(t, w.Images, "the PostgreSQL of the tests writes none")
	}
	require.Equal(t, []float64{1, 50, messages, members + 2, 0}, rows)
	require.Len(t, m.Times, len(rows))
}
