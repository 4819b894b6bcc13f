// Package ramdisk gives tests folders in memory: for files that wait for no disk, because what becomes of them is simulated, or is
// not what the test is about. Making and removing files on a disk was a fifth of what the tests of faults cost (2026-12-01).
package ramdisk

import (
	"os"
	"syscall"
	"testing"
)

// place is where Linux has such folders.
const place = "/dev/shm"

// Make makes a folder, which the caller removes. Where the machine has no such place, or less than room bytes free in it, it is
// among the other temporary files.
func Make(room uint64) (string, error) {
	var there syscall.Statfs_t
	if err := syscall.Statfs(place, &there); err == nil && there.Bavail*uint64(there.Bsize) >= room {
		if folder, err := os.MkdirTemp(place, "lethe-"); err == nil {
			return folder, nil
		}
	}
	return os.MkdirTemp("", "lethe-")
}

// room is what a test's SQLite files may take, bytes: those of the faults took 39 MB at most, all at once.
const room = 256 << 20

// Folder makes a folder that is removed when the test ends.
func Folder(t testing.TB) string {
	t.Helper()
	folder, err := Make(room)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}
