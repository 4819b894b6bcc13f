package storetest

import (
	"os"
	"syscall"
	"testing"
)

// room is what must be free in memory for a test's files, bytes: those of the SQLite stores' faults took 39 MB at most.
const room = 256 << 20

// Memory is a new folder in memory, removed when the test ends: for stores that wait for no disk, because what becomes of their
// files is simulated or is not what the test is about. There making and removing files costs a fifth less of all that the tests of
// faults do (measured 2026-12-01). Where the machine has no such place, or no room in it, it is a folder like any other.
func Memory(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	var there syscall.Statfs_t
	if err := syscall.Statfs(memory, &there); err != nil || there.Bavail*uint64(there.Bsize) < room {
		return t.TempDir()
	}
	folder, err := os.MkdirTemp(memory, "lethe-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("%v", err)
		}
	})
	return folder
}
