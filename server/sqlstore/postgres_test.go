package sqlstore_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/server/storetest"
	"github.com/lethe-im/lethe/wire"
)

func TestContractOnPostgres(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	storetest.Run(t, func(t *testing.T) server.Store {
		s := openPostgres(t, address)
		empty(t, address)
		return s
	})
}

func openPostgres(t *testing.T, address string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.OpenPostgres(context.Background(), address)
	require.NoError(t, err)
	return s
}

// connect opens a connection beside the store's.
func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c
}

// empty removes every row, which takes a small part of the time that a new database takes.
func empty(t *testing.T, address string) {
	t.Helper()
	c := connect(t, address)
	var all []string
	require.NoError(t, c.QueryRow(t.Context(), `SELECT array_agg('DELETE FROM ' || tablename) FROM pg_tables
		WHERE schemaname = 'public' AND tablename NOT IN ('lethe', 'store')`).Scan(&all))
	require.Greater(t, len(all), 10)
	_, err := c.PgConn().Exec(t.Context(), strings.Join(all, ";")).ReadAll()
	require.NoError(t, err)
}

// rowsIn are all tables of the schema with their number of rows.
func rowsIn(t *testing.T, address string) map[string]int {
	t.Helper()
	c := connect(t, address)
	found := map[string]int{}
	rows, err := c.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, table := range tables {
		var n int
		require.NoError(t, c.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
		found[table] = n
	}
	return found
}

func TestNewerPostgresIsLeftAlone(t *testing.T) {
	address := pgtest.Database(t)
	require.NoError(t, openPostgres(t, address).Close())
	c := connect(t, address)
	_, err := c.Exec(t.Context(), `UPDATE lethe SET version = 1000`)
	require.NoError(t, err)
	_, err = c.Exec(t.Context(), `DROP TABLE marks`)
	require.NoError(t, err)
	before := rowsIn(t, address)
	_, err = sqlstore.OpenPostgres(t.Context(), address)
	require.ErrorIs(t, err, sqlstore.ErrNewer)
	require.Equal(t, before, rowsIn(t, address))
}

func TestForeignPostgresIsLeftAlone(t *testing.T) {
	address := pgtest.Database(t)
	c := connect(t, address)
	_, err := c.Exec(t.Context(), `CREATE TABLE theirs (x TEXT)`)
	require.NoError(t, err)
	_, err = sqlstore.OpenPostgres(t.Context(), address)
	require.ErrorContains(t, err, "not a Lethe database")
	require.Equal(t, map[string]int{"theirs": 0}, rowsIn(t, address))

	// Beside theirs, in a schema of its own, it is at home.
	_, err = c.Exec(t.Context(), `CREATE SCHEMA chat`)
	require.NoError(t, err)
	require.NoError(t, openPostgres(t, address+"&search_path=chat").Close())
	require.Equal(t, map[string]int{"theirs": 0}, rowsIn(t, address))

	// Of another encoding not every text could be kept.
	_, err = c.Exec(t.Context(), `CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0`)
	require.NoError(t, err)
	latin, err := url.Parse(address)
	require.NoError(t, err)
	latin.Path = "/latin"
	_, err = sqlstore.OpenPostgres(t.Context(), latin.String())
	require.ErrorContains(t, err, "UTF8 is needed")
	require.Empty(t, rowsIn(t, latin.String()))
}

func TestAFailedStepChangesNothingOnPostgres(t *testing.T) {
	address := pgtest.Database(t)
	c := connect(t, address)
	_, err := c.Exec(t.Context(), `CREATE VIEW haves AS SELECT 1 AS x`)
	require.NoError(t, err)
	_, err = sqlstore.OpenPostgres(t.Context(), address)
	require.ErrorContains(t, err, "schema 3")
	require.Empty(t, rowsIn(t, address))
	_, err = c.Exec(t.Context(), `DROP VIEW haves`)
	require.NoError(t, err)
	require.NoError(t, openPostgres(t, address).Close())
}

func TestServersThatStartAtOnce(t *testing.T) {
	address := pgtest.Database(t)
	var all sync.WaitGroup
	stores, errs := make([]*sqlstore.Store, 6), make([]error, 6)
	for i := range stores {
		all.Go(func() { stores[i], errs[i] = sqlstore.OpenPostgres(t.Context(), address) })
	}
	all.Wait()
	for i, s := range stores {
		require.NoError(t, errs[i])
		require.NoError(t, s.Check(t.Context()))
		require.NoError(t, s.Close())
	}
	require.Equal(t, 1, rowsIn(t, address)["store"])
}

// An address that cannot be used is told without its password.
func TestThePasswordIsNotTold(t *testing.T) {
	for _, address := range []string{
		"postgres://lethe:s3%zzcccret@localhost/chat", "postgres://lethe:s3cccret@127.0.0.1:1/chat?connect_timeout=1",
		"host=127.0.0.1 port=1 user=lethe password=s3cccret", "host=127.0.0.1 port=zero user=lethe password=s3cccret",
		"postgres://lethe:s3cccret@127.0.0.1:port/chat", "postgres://lethe:s3cccret@127.0.0.1:1/chat?sslmode=perhaps",
		"mysql://lethe:s3cccret@127.0.0.1/chat", "lethe:s3cccret@127.0.0.1/chat",
		"postgres://lethe@127.0.0.1:1/chat?password=s3cccret", "postgres://lethe@127.0.0.1:x/chat?password=s3cccret",
	} {
		_, err := sqlstore.OpenPostgres(t.Context(), address)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "cccret")
		t.Log(err)
	}
}

// Two servers on one database: what one has written the other one sees, and seqs and numbers have no gaps between them.
func TestTwoServersShareAStore(t *testing.T) {
	address := pgtest.Database(t)
	stores := []*sqlstore.Store{openPostgres(t, address), openPostgres(t, address)}
	const each = 40
	var all sync.WaitGroup
	seqs, numbers := make([]uint64, 2*each), make([]uint64, 2*each)
	errs := make([]error, 2*each)
	for i, s := range stores {
		all.Go(func() {
			for k := range each {
				at := i*each + k
				ack, _, err := s.Send(t.Context(), a, wire.Send{
					SendID: wire.ID{1, byte(at)}, ConversationID: "C2Cb", Type: wire.TypeText, Payload: msgp.AppendMapHeader(nil, 0),
				}, 1000)
				if err == nil {
					var deleted wire.DeleteAck
					deleted, err = s.Delete(t.Context(), a, wire.Delete{
						OpID: wire.ID{2, byte(at)}, ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatMessages,
						Anchor: ack.Seq, Ranges: wire.RangesOf(ack.Seq),
					}, server.Lethe, 1000)
					numbers[at] = deleted.N
				}
				seqs[at], errs[at] = ack.Seq, err
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	slices.Sort(seqs)
	slices.Sort(numbers)
	for i := range seqs {
		require.Equal(t, uint64(i+1), seqs[i])
		require.Equal(t, uint64(i+2), numbers[i], "number 1 is the span")
	}
	for _, s := range stores {
		count, err := s.Count(t.Context(), a, wire.CountRequest{ConversationID: "C2Cb"})
		require.NoError(t, err)
		require.Equal(t, wire.Count{Messages: 0, Head: 2 * each}, count)
		require.NoError(t, s.Close())
	}
}

// PostgreSQL holds no NUL in a text, and says so as a failure of its own: it is the caller's.
func TestTextThatPostgresCannotHold(t *testing.T) {
	s := openPostgres(t, pgtest.Database(t))
	defer func() { require.NoError(t, s.Close()) }()
	for _, bad := range []string{"a\x00b", "a\xffb"} {
		_, err := s.PutGroup(t.Context(), "lethe", "g", bad, false)
		require.Equal(t, wire.ParameterInvalid, wire.CodeOf(err))
	}
	_, err := s.PutGroup(t.Context(), "lethe", "g", "an ü", false)
	require.NoError(t, err)
}

// Of several servers one at a time purges; the lock goes with its connection, however that ends.
func TestOneServerPurges(t *testing.T) {
	address := pgtest.Database(t)
	one, two := openPostgres(t, address), openPostgres(t, address)
	defer func() { require.NoError(t, errors.Join(one.Close(), two.Close())) }()
	_, _, err := one.Send(t.Context(), a, wire.Send{SendID: wire.ID{1}, ConversationID: "C2Ca", Type: wire.TypeText, Payload: msgp.AppendMapHeader(nil, 0)}, 1000)
	require.NoError(t, err)
	_, err = one.Clear(t.Context(), "lethe", "a", server.Clear{ConversationID: "C2Ca"})
	require.NoError(t, err)

	other := connect(t, address)
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, 0x7377656570)
	require.NoError(t, err)
	for _, s := range []*sqlstore.Store{one, two} {
		more, err := s.Purge(t.Context(), "lethe", server.Lethe, 1000)
		require.NoError(t, err)
		require.False(t, more)
		more, err = s.Erase(t.Context())
		require.NoError(t, err)
		require.False(t, more)
		require.NoError(t, s.Forget(t.Context(), 10_000))
	}
	require.Equal(t, 1, rowsIn(t, address)["messages"])
	require.Equal(t, 1, rowsIn(t, address)["sends"])
	var ended bool
	require.NoError(t, connect(t, address).QueryRow(t.Context(), `SELECT pg_terminate_backend($1, 10000)`, other.PgConn().PID()).Scan(&ended))
	require.True(t, ended)
	_, err = two.Purge(t.Context(), "lethe", server.Lethe, 1000)
	require.NoError(t, err)
	require.NoError(t, two.Forget(t.Context(), 10_000))
	require.Zero(t, rowsIn(t, address)["messages"])
	require.Zero(t, rowsIn(t, address)["sends"])
}

// Whoever holds the lock of those who purge keeps nobody from forgetting, also while others write.
func TestTheLockOfThoseWhoPurgeSeesNothing(t *testing.T) {
	address := pgtest.Database(t)
	s := openPostgres(t, address)
	defer func() { require.NoError(t, s.Close()) }()
	var seen int
	require.NoError(t, s.Alone(t.Context(), func() error {
		require.NoError(t, s.Check(t.Context())) // a transaction that is newer
		return connect(t, address).QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xmin IS NOT NULL`).Scan(&seen)
	}))
	require.Zero(t, seen)
}
