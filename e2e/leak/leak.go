//go:build !js

// Package leak tells whether a package's tests have left something running or open.
package leak

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package, for its TestMain, ends what they share, and fails if a goroutine, a file or a socket of
// theirs is left.
func Main(m *testing.M, ends ...func() error) {
	before := Begin()
	code := m.Run()
	for _, end := range ends {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if left := before.Left(); left != "" && code == 0 {
		fmt.Fprintf(os.Stderr, "the tests have left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// Before is what was open before the tests.
type Before []string

// Begin notes what is open.
func Begin() Before { return open() }

// Left waits up to 5 s for goroutines to end and files to be closed, and tells which do not: empty if none is left.
func (b Before) Left() (left string) {
	for range 50 {
		http.DefaultClient.CloseIdleConnections() // the tests' own
		if left = goroutines() + b.files(); left == "" {
			return ""
		}
		time.Sleep(100 * time.Millisecond)
	}
	return left
}

// watched are the packages whose goroutines must end: ours, and what they start through libraries.
var watched = []string{"lethe-im/lethe/", "nhooyr.io/websocket", "database/sql", "modernc.org/sqlite", "net/http"}

// goroutines are the stacks of those that are left.
func goroutines() (left string) {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	_, others, _ := strings.Cut(string(stacks), "\n\n") // the first is this one
	for stack := range strings.SplitSeq(others, "\n\n") {
		if strings.HasPrefix(stack, "goroutine 1 [") { // TestMain's, seen from a test
			continue
		}
		if slices.ContainsFunc(watched, func(name string) bool { return strings.Contains(stack, name) }) {
			left += stack + "\n\n"
		}
	}
	return left
}

// files are those that are open and were not before.
func (b Before) files() (left string) {
	before := slices.Clone(b)
	for _, file := range open() {
		if i := slices.Index(before, file); i >= 0 {
			before = slices.Delete(before, i, i+1)
			continue
		}
		left += "open: " + file + "\n"
	}
	return left
}

// open names all open files and sockets of this process, where the system tells. The runtime's own (epoll) are left out.
func open() (names []string) {
	const folder = "/proc/self/fd"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(folder, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) || strings.HasPrefix(target, "anon_inode:") { // ReadDir's own is closed again
			continue
		}
		names = append(names, target)
	}
	return names
}
