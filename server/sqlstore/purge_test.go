package sqlstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// What retention, clearing or the last view's deletion took must not stand in the files of the running store, neither in
// the database nor in the write-ahead log.
func TestWhatIsPurgedIsGoneFromTheFiles(t *testing.T) {
	for name, take := range map[string]func(s *sqlstore.Store) error{
		"retention": func(*sqlstore.Store) error { return nil }, // time alone
		"clear": func(s *sqlstore.Store) error {
			_, err := s.Clear(t.Context(), "lethe", "a", server.Clear{ConversationID: "C2Cb"})
			return err
		},
		"clear messages": func(s *sqlstore.Store) error {
			_, err := s.Clear(t.Context(), "lethe", "a", server.Clear{ConversationID: "C2Cb", Ranges: wire.RangesOf(1, 2, 3, 4, 5)})
			return err
		},
		"both delete": func(s *sqlstore.Store) error {
			for i, row := range [][2]string{{"a", "C2Cb"}, {"b", "C2Ca"}} {
				if _, err := s.Delete(t.Context(), server.Who{App: "lethe", User: row[0]}, wire.Delete{
					OpID: wire.ID{byte(i + 1)}, ConversationID: row[1], Scope: wire.ScopeRemote, What: wire.WhatConversation, Anchor: 5,
				}, server.Lethe, 1000); err != nil {
					return err
				}
			}
			return nil
		},
		"wipe": func(s *sqlstore.Store) error {
			return errors.Join(s.Wipe(t.Context(), "lethe", "a"), s.Wipe(t.Context(), "lethe", "b"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			s := open(t, filepath.Join(folder, "lethe.db"))
			defer func() { require.NoError(t, s.Close()) }()
			marks := map[string]bool{}
			for i, long := range []int{1, 10, 200, 2000, 3000} { // within a page, and with overflow pages
				mark := fmt.Sprintf("marker %d of the text;", i)
				marks[mark] = true
				payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), strings.Repeat(mark, long))
				_, _, err := s.Send(t.Context(), a, wire.Send{SendID: wire.ID{byte(i + 1)}, ConversationID: "C2Cb", Type: wire.TypeText, Payload: payload}, 1000)
				require.NoError(t, err)
			}
			found := func() (n int) {
				require.NoError(t, fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
					if err != nil || d.IsDir() {
						return err
					}
					data, err := os.ReadFile(filepath.Join(folder, path))
					for mark := range marks {
						if bytes.Contains(data, []byte(mark)) {
							n++
						}
					}
					return err
				}))
				return n
			}
			require.GreaterOrEqual(t, found(), len(marks))
			require.NoError(t, take(s))
			now := int64(2000)
			if name == "retention" {
				now += 200 * 24 * 3600 * 1000
			}
			for more := true; more; {
				var err error
				more, err = s.Purge(t.Context(), "lethe", server.Lethe, now)
				require.NoError(t, err)
			}
			erase(t, s)
			require.Zero(t, found())
		})
	}
}

// A reader that is in the way of the checkpoint puts it off, and the next one makes up for it.
func TestEraseIsMadeUpFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lethe.db")
	s := open(t, path)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.Check(t.Context()))
	reader := raw(t, path)
	tx, err := reader.Begin()
	require.NoError(t, err)
	var checked int
	require.NoError(t, tx.QueryRow(`SELECT checked FROM store`).Scan(&checked))
	require.NoError(t, s.Check(t.Context()))
	more, err := s.Erase(t.Context())
	require.False(t, more)
	require.ErrorIs(t, err, server.ErrReaders)
	wal := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	require.NotZero(t, wal())
	require.NoError(t, tx.Rollback())
	erase(t, s)
	require.Zero(t, wal())
}

// Messages from before there was retention expire like others.
func TestOlderDatabaseExpires(t *testing.T) {
	s := open(t, version1(t, ""))
	defer func() { require.NoError(t, s.Close()) }()
	for more := true; more; {
		var err error
		more, err = s.Purge(t.Context(), "lethe", server.Lethe, 300*24*3600*1000)
		require.NoError(t, err)
	}
	for _, conversation := range []string{"C2Cb", "GROUPg"} {
		count, err := s.Count(t.Context(), a, wire.CountRequest{ConversationID: conversation})
		require.NoError(t, err)
		require.Zero(t, count.Messages)
		require.NotZero(t, count.Head)
	}
}
