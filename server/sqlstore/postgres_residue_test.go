package sqlstore_test

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

// What PostgreSQL keeps of messages that nobody sees any more, after each of the things that can be done about it. The figures
// in docs/erasure.md are this test's.
func TestWhatPostgresKeepsOfWhatIsPurged(t *testing.T) {
	cluster, err := pgtest.Start("fsync=off", "autovacuum=off", "min_wal_size=32MB", "wal_recycle=off")
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Stop()) }()
	address, err := cluster.Database(t.Context())
	require.NoError(t, err)
	s := openPostgres(t, address)
	defer func() { require.NoError(t, s.Close()) }()
	c := connect(t, address)

	const n = 1000
	random := rand.New(rand.NewPCG(1, 1))
	letters := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('A' + random.IntN(26)))
		}
		return b.String()
	}
	marks, place := make([]string, n), map[string]int{}
	messages := make([]wire.Message, n)
	var deleted wire.Ranges // every second one
	for i := range messages {
		marks[i] = "#@" + letters(24)
		place[marks[i]] = i
		around := random.IntN(200)
		if i%50 == 0 {
			around = 4000 // not in the row but beside it (TOAST)
		}
		text := letters(around) + marks[i] + letters(around)
		messages[i] = wire.Message{From: "a", Time: 1000, Type: wire.TypeText, Payload: msgp.AppendString(nil, text)}
		if i%2 == 0 {
			deleted.Add(uint64(i + 1))
		}
	}
	_, _, _, err = s.Import(t.Context(), "lethe", "a", "C2Cb", messages, 1000)
	require.NoError(t, err)

	// found counts the marks of what is deleted and of what is kept.
	found := func(data []byte) (gone, kept int) {
		seen := map[int]bool{}
		for {
			at := bytes.Index(data, []byte("#@"))
			if at < 0 || at+26 > len(data) {
				break
			}
			if i, ok := place[string(data[at:at+26])]; ok {
				seen[i] = true
			}
			data = data[at+2:]
		}
		for i := range seen {
			if i%2 == 0 {
				gone++
			} else {
				kept++
			}
		}
		return gone, kept
	}
	search := func(stage string) (tables, log int) {
		_, err := c.Exec(t.Context(), `CHECKPOINT`)
		require.NoError(t, err)
		var inTables, inLog []byte
		require.NoError(t, fs.WalkDir(os.DirFS(cluster.Data()), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(cluster.Data(), path))
			if strings.HasPrefix(path, "pg_wal") {
				inLog = append(inLog, data...)
			} else {
				inTables = append(inTables, data...)
			}
			return err
		}))
		tables, kept := found(inTables)
		require.Equal(t, n/2, kept, "the search does not find what is there")
		log, _ = found(inLog)
		t.Logf("%s: of %d deleted messages %d are readable in the tables' files, %d in the write-ahead log", stage, n/2, tables, log)
		return tables, log
	}
	tables, _ := search("stored")
	require.Equal(t, n/2, tables)
	for user, conversation := range map[string]string{"a": "C2Cb", "b": "C2Ca"} {
		_, err := s.Delete(t.Context(), server.Who{App: "lethe", User: user}, wire.Delete{
			OpID: wire.ID{1}, ConversationID: conversation, Scope: wire.ScopeRemote, What: wire.WhatMessages, Anchor: n, Ranges: deleted,
		}, server.Lethe, 1000)
		require.NoError(t, err)
	}
	for more := true; more; {
		more, err = s.Purge(t.Context(), "lethe", server.Lethe, 1000)
		require.NoError(t, err)
	}
	// A backup that is made now has none of it: it is in no table.
	dump, err := exec.Command(cluster.Program("pg_dump"), "--dbname", address).Output()
	require.NoError(t, err)
	gone, kept := found(decodeHex(dump))
	require.Equal(t, []int{0, n / 2}, []int{gone, kept})

	search("purged")
	erase(t, s)
	vacuumed, _ := search("after Erase")
	require.Less(t, vacuumed, n/2, "Erase does nothing")
	for range 3 {
		_, err := c.Exec(t.Context(), `SELECT pg_switch_wal()`)
		require.NoError(t, err)
		_, err = c.Exec(t.Context(), `CHECKPOINT`)
		require.NoError(t, err)
	}
	_, log := search("after the log went on to new files, without wal_recycle")
	require.Zero(t, log)
	_, err = c.Exec(t.Context(), `VACUUM FULL messages`)
	require.NoError(t, err)
	tables, log = search("after VACUUM FULL")
	require.Equal(t, []int{0, 0}, []int{tables, log})
}

// decodeHex adds to a dump what its hexadecimal bytes say.
func decodeHex(dump []byte) []byte {
	var decoded []byte
	digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c) }
	for rest := dump; ; {
		_, after, ok := bytes.Cut(rest, []byte(`\\x`))
		if !ok {
			return append(decoded, dump...)
		}
		for len(after) > 1 && digit(after[0]) >= 0 && digit(after[1]) >= 0 {
			decoded = append(decoded, byte(digit(after[0])<<4|digit(after[1])))
			after = after[2:]
		}
		decoded = append(decoded, 0)
		rest = after
	}
}

// Rows that an open transaction could still see stay, and Erase says that it has to be made up for.
func TestAReaderIsInTheWayOfErase(t *testing.T) {
	address := pgtest.Database(t)
	s := openPostgres(t, address)
	defer func() { require.NoError(t, s.Close()) }()
	_, _, err := s.Send(t.Context(), a, wire.Send{SendID: wire.ID{1}, ConversationID: "C2Ca", Type: wire.TypeText, Payload: msgp.AppendString(nil, "x")}, 1000)
	require.NoError(t, err)
	erase(t, s)
	reader := connect(t, address)
	_, err = reader.Exec(t.Context(), `BEGIN ISOLATION LEVEL REPEATABLE READ`)
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), `SELECT count(*) FROM messages`)
	require.NoError(t, err)
	_, err = s.Clear(t.Context(), "lethe", "a", server.Clear{ConversationID: "C2Ca", Ranges: wire.RangesOf(1)})
	require.NoError(t, err)
	more, err := s.Erase(t.Context())
	require.ErrorIs(t, err, server.ErrReaders)
	require.False(t, more)
	_, err = reader.Exec(t.Context(), `COMMIT`)
	require.NoError(t, err)
	erase(t, s)
}
