package sqlstore_test

import (
	"context"
	"encoding/binary"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/server/storetest"
)

// database is a disk with a store in a PostgreSQL database. Its steps are what the server is sent: with one that fails the
// connection is lost, before PostgreSQL gets it or after it has answered.
type database struct{ address string }

func (d *database) Open(ctx context.Context, c *fault.Counter) (server.Store, error) {
	return sqlstore.OpenPostgresBy(ctx, d.address, func(ctx context.Context, network, address string) (net.Conn, error) {
		inner, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &line{inner, c}, err
	})
}

// line is a connection that gets lost.
type line struct {
	net.Conn
	steps *fault.Counter
}

func (l *line) Write(b []byte) (n int, err error) {
	written := false
	err = l.steps.Around(func() (err error) {
		written = true
		n, err = l.Conn.Write(b)
		return err
	})
	if err != nil && written {
		l.drain()
	}
	return n, err
}

// drain waits until PostgreSQL is done with what it was sent: it says ReadyForQuery.
func (l *line) drain() {
	if l.SetReadDeadline(time.Now().Add(2*time.Second)) != nil {
		return
	}
	var got []byte
	buffer := make([]byte, 1<<16)
	for {
		n, err := l.Read(buffer)
		got = append(got, buffer[:n]...)
		for len(got) >= 5 {
			size := 1 + int(binary.BigEndian.Uint32(got[1:]))
			if len(got) < size {
				break
			}
			if got[0] == 'Z' {
				return
			}
			got = got[size:]
		}
		if err != nil {
			return
		}
	}
}

func (d *database) Copy(t *testing.T) storetest.Disk {
	t.Helper()
	address := pgtest.CopyOf(t, d.address)
	return &database{address}
}

func (d *database) Tables(t *testing.T) map[string][]storetest.Row {
	t.Helper()
	c, err := pgx.Connect(t.Context(), d.address)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close(context.Background())) }()
	names, err := c.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	tables := map[string][]storetest.Row{}
	for _, name := range all {
		rows, err := c.Query(t.Context(), `SELECT * FROM `+name)
		require.NoError(t, err)
		tables[name], err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (storetest.Row, error) {
			m, err := pgx.RowToMap(r)
			return storetest.Row(m), err
		})
		require.NoError(t, err)
	}
	return tables
}

// Sound asks for nothing: the disk is PostgreSQL's, and only connections are struck.
func (d *database) Sound(*testing.T) {}

func TestFaultsOnEveryWayToPostgres(t *testing.T) {
	if testing.Short() {
		t.Skip("each of some two hundred steps copies a database: minutes with the race detector beside other tests")
	}
	const stride = 41
	storetest.Faults(t, &database{pgtest.Database(t)}, storetest.Strikes{
		Errors: []error{syscall.ECONNRESET, syscall.EPIPE}, Stride: stride, Every: true, Least: 800 / stride,
	})
}
