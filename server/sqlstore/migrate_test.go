package sqlstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// version1 makes the file that version 1 of the schema left of a small chat (testdata is its dump).
func version1(t *testing.T, more string) (path string) {
	t.Helper()
	dump, err := os.ReadFile(filepath.Join("testdata", "version1.sql"))
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "lethe.db")
	db := raw(t, path)
	_, err = db.Exec(string(dump) + more)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return path
}

func TestOlderDatabaseKeepsItsData(t *testing.T) {
	ctx := t.Context()
	path := version1(t, "")
	b := server.Who{App: "lethe", User: "b"}
	for range 2 { // the second time there is no step to take
		s := open(t, path)
		for who, want := range map[server.Who]map[string]uint64{a: {"C2Cb": 2, "GROUPg": 1}, b: {"C2Ca": 3, "GROUPg": 1}} {
			for conversation, n := range want {
				count, err := s.Count(ctx, who, wire.CountRequest{ConversationID: conversation})
				require.NoError(t, err)
				require.Equal(t, n, count.Messages, "%s's %s", who.User, conversation)
			}
		}
		n, _, err := s.Number(ctx, a)
		require.NoError(t, err)
		require.Equal(t, uint64(4), n)
		require.NoError(t, s.Close())
	}

	s := open(t, path)
	defer func() { require.NoError(t, s.Close()) }()
	payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), "m3")
	_, repeated, err := s.Send(ctx, a, wire.Send{SendID: wire.ID{3}, ConversationID: "C2Cb", Type: wire.TypeText, Payload: payload}, 5000)
	require.NoError(t, err)
	require.True(t, repeated, "a send from before the step is known by the same hash")
	r, _, err := s.Recall(ctx, a, wire.Recall{ConversationID: "C2Cb", Seq: 3}, server.Lethe, 5000)
	require.NoError(t, err)
	require.Equal(t, wire.Recalled{Seq: 3, By: "a", Time: 5000, Change: 1}, r)
	page, err := s.Page(ctx, b, wire.PageRequest{ConversationID: "C2Ca", Limit: 3}, 1<<20)
	require.NoError(t, err)
	messages, err := page.Batches[0].Messages()
	require.NoError(t, err)
	require.Equal(t, []string{wire.TypeText, wire.TypeText, wire.TypeRecalled}, []string{messages[0].Type, messages[1].Type, messages[2].Type})
	_, err = s.Join(ctx, b, wire.Join{ConversationID: "GROUPg"}, server.Lethe)
	require.Equal(t, wire.PermissionDenied, wire.CodeOf(err), "groups from before are closed")
}

func TestAFailedStepChangesNothing(t *testing.T) {
	path := version1(t, "CREATE TABLE recalls (x);")
	_, err := sqlstore.Open(t.Context(), path)
	require.ErrorContains(t, err, "schema 2")
	db := raw(t, path)
	var version, quotes int
	require.NoError(t, db.QueryRow(`PRAGMA user_version`).Scan(&version))
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM pragma_table_info('messages') WHERE name = 'quote'`).Scan(&quotes))
	require.Equal(t, []int{1, 0}, []int{version, quotes})
}

// What a recalled message said must not be found in the file.
func TestARecalledTextIsGoneFromTheFile(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "lethe.db")
	s := open(t, path)
	texts := make(map[string]bool)
	for i, long := range []int{1, 100, 3000} { // in a page, and with overflow pages of its own
		text := "a secret in " + string(rune('a'+i))
		texts[text] = true
		content := ""
		for range long {
			content += text
		}
		payload := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), content)
		_, _, err := s.Send(ctx, a, wire.Send{SendID: wire.ID{byte(i + 1)}, ConversationID: "C2Cb", Type: wire.TypeText, Payload: payload}, 1000)
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	held := func() (n int) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		log, err := os.ReadFile(path + "-wal") // of the running store only
		if !errors.Is(err, os.ErrNotExist) {
			require.NoError(t, err)
		}
		data = append(data, log...)
		for text := range texts {
			if bytes.Contains(data, []byte(text)) {
				n++
			}
		}
		return n
	}
	require.Equal(t, len(texts), held())

	s = open(t, path)
	for seq := range uint64(len(texts)) {
		_, _, err := s.Recall(ctx, a, wire.Recall{ConversationID: "C2Cb", Seq: seq + 1}, server.Lethe, 1000)
		require.NoError(t, err)
	}
	erase(t, s)
	require.Zero(t, held())
	require.NoError(t, s.Close())
	require.Zero(t, held())
}
