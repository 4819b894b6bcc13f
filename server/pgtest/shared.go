package pgtest

import (
	"sync"
	"testing"

	"github.com/lethe-im/lethe/server/ramdisk"
)

// shared is the server of a test binary: as fast as it can be, since nobody pulls its plug. So its files are in memory: a database
// has 300 of them.
var shared struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// room is what the server's files may take, bytes: the tests of sqlstore made 374 MB of them.
const room = 1 << 30

// StopShared stops the server that Database started, if it did: the end of a TestMain.
func StopShared() error {
	if shared.cluster == nil {
		return nil
	}
	return shared.cluster.Stop()
}

// Database makes an empty database for one test and returns its address. The server is started by the first call, and stopped
// by StopShared.
func Database(t testing.TB) (address string) {
	t.Helper()
	shared.once.Do(func() {
		folder, err := ramdisk.Make(room)
		if shared.err = err; err != nil {
			return
		}
		shared.cluster, shared.err = startIn(folder, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"shared_buffers=64MB", "autovacuum=off", "deadlock_timeout=20ms")
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	address, err := shared.cluster.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// CopyOf makes a copy of a database that nobody is connected to. It is removed when the test ends.
func CopyOf(t testing.TB, address string) (copied string) {
	t.Helper()
	copied, remove, err := shared.cluster.copyOf(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	return copied
}
