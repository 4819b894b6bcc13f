package sqlstore_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlitetest"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/server/storetest"
	"github.com/lethe-im/lethe/wire"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) server.Store {
		s, _ := sqlitetest.Open(t)
		return s
	})
}

func open(t *testing.T, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(context.Background(), path)
	require.NoError(t, err)
	return s
}

// erase erases until nothing is left to do.
func erase(t require.TestingT, s *sqlstore.Store) {
	for more := true; more; {
		var err error
		more, err = s.Erase(context.Background())
		require.NoError(t, err)
	}
}

// raw opens the file beside the store.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

var a = server.Who{App: "lethe", User: "a"}

func TestReopenKeepsEverything(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "with ? and # and ü.db")
	s := open(t, path)
	payload := msgp.AppendMapHeader(nil, 0)
	messages := make([]wire.Message, 600)
	for i := range messages {
		messages[i] = wire.Message{From: "a", Time: int64(1000 + i), Type: wire.TypeText, Payload: payload}
	}
	_, _, log, err := s.Import(ctx, "lethe", "a", "C2Cb", messages, 10_000)
	require.NoError(t, err)
	op := wire.Delete{OpID: wire.ID{1}, ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 600, Ranges: wire.RangesOf(1, 600)}
	ack, err := s.Delete(ctx, a, op, server.Lethe, 10_000)
	require.NoError(t, err)
	rows, err := s.Rows(ctx, a, 0, 100)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.FileExists(t, path)

	s = open(t, path)
	defer func() { require.NoError(t, s.Close()) }()
	again, err := s.Delete(ctx, a, op, server.Lethe, 10_000)
	require.NoError(t, err)
	require.Equal(t, ack, again)
	count, err := s.Count(ctx, a, wire.CountRequest{ConversationID: "C2Cb"})
	require.NoError(t, err)
	require.Equal(t, wire.Count{Messages: 598, Head: 600}, count)
	got, err := s.Rows(ctx, a, 0, 100)
	require.NoError(t, err)
	require.Equal(t, rows, got)
	sent, _, err := s.Send(ctx, a, wire.Send{SendID: wire.ID{2}, ConversationID: "C2Cb", Type: wire.TypeText, Payload: payload}, 10_000)
	require.NoError(t, err)
	require.Equal(t, wire.SendAck{Log: log, Seq: 601, Time: 10_000}, sent)
}

func TestNewerDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lethe.db")
	require.NoError(t, open(t, path).Close())
	db := raw(t, path)
	_, err := db.Exec(`PRAGMA user_version = 1000`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	requireNewerLeftAlone(t, path)
}

// A newer server that was killed may have left what says so in the log only.
func TestNewerDatabaseThatWasKilledIsLeftAlone(t *testing.T) {
	path, killed := filepath.Join(t.TempDir(), "lethe.db"), filepath.Join(t.TempDir(), "lethe.db")
	require.NoError(t, open(t, path).Close())
	db := raw(t, path)
	_, err := db.Exec(`PRAGMA user_version = 1000`)
	require.NoError(t, err)
	for _, part := range []string{"", "-wal"} {
		copyFile(t, path+part, killed+part)
	}
	require.NoError(t, db.Close())
	log, err := os.ReadFile(killed + "-wal")
	require.NoError(t, err)
	require.NotEmpty(t, log)

	requireNewerLeftAlone(t, killed)
	after, err := os.ReadFile(killed + "-wal")
	require.NoError(t, err)
	require.Equal(t, log, after)
}

// requireNewerLeftAlone opens a file that the store must refuse and leave as it is.
func requireNewerLeftAlone(t *testing.T, path string) {
	t.Helper()
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = sqlstore.Open(t.Context(), path)
	require.ErrorIs(t, err, sqlstore.ErrNewer)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	folder := t.TempDir()
	other := filepath.Join(folder, "other.db")
	db := raw(t, other)
	_, err := db.Exec(`CREATE TABLE theirs (x)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	text := filepath.Join(folder, "text")
	require.NoError(t, os.WriteFile(text, []byte("this is no database at all, but some text of more than a header's length .................................."), 0o600))
	for _, path := range []string{other, text} {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = sqlstore.Open(t.Context(), path)
		require.Error(t, err)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
	_, err = sqlstore.Open(t.Context(), filepath.Join(folder, "missing", "lethe.db"))
	require.Error(t, err)
}

func TestClosedStoreFails(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "lethe.db"))
	require.NoError(t, s.Close())
	require.Error(t, s.Check(t.Context()))
	_, _, err := s.Number(t.Context(), a)
	require.Error(t, err)
	require.Equal(t, wire.Internal, wire.CodeOf(err))
}
