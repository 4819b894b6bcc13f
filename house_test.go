// Package lethe_test holds the house to its rules: which way imports run, how long a file gets, what nothing is called.
package lethe_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/lethe-im/lethe/"

// pkg is a package as go list tells of it.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list runs go list for a platform, over the packages that have files there.
func list(t *testing.T, environment []string, patterns ...string) []pkg {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Imports,Deps"}, patterns...)...)
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	require.NoError(t, err)
	var found []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found = append(found, p)
	}
}

// room is the top folder of one of our packages, "" for others'.
func room(importPath string) string {
	inside, ours := strings.CutPrefix(importPath, module)
	if !ours {
		return ""
	}
	return strings.Split(inside, "/")[0]
}

// reach says which rooms the packages of a room may need, directly or not. Rooms that are not named may need all.
var reach = map[string][]string{
	"wire":   {"wire"},
	"fault":  {"fault"},
	"sdk":    {"wire", "fault", "sdk"},
	"idb":    {"wire", "fault", "sdk", "idb"},
	"ws":     {"wire", "sdk", "ws"},
	"wasm":   {"wire", "sdk", "idb", "ws", "wasm"},
	"server": {"wire", "fault", "server"},
}

func TestImportsRunOneWay(t *testing.T) {
	for name, environment := range map[string][]string{
		"native": nil,
		"js":     {"GOOS=js", "GOARCH=wasm"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[string]bool{}
			for _, p := range list(t, environment, "./...") {
				from := room(p.ImportPath)
				allowed, ruled := reach[from]
				if !ruled || strings.Contains(p.ImportPath, "/wstest") { // a test's server is no part of the transport
					continue
				}
				seen[from] = true
				for _, dep := range p.Deps {
					if to := room(dep); to != "" && !slices.Contains(allowed, to) {
						t.Errorf("%s needs %s", p.ImportPath, dep)
					}
				}
				if from == "wire" || from == "sdk" || from == "server" {
					require.NotContains(t, p.Imports, "syscall/js", p.ImportPath)
				}
			}
			require.Contains(t, seen, "sdk")
		})
	}
}

// What makes things fail is for tests: nothing that users run has it in it.
func TestFaultsStayInTests(t *testing.T) {
	for _, p := range slices.Concat(list(t, nil, "./cmd/lethe"), list(t, []string{"GOOS=js", "GOARCH=wasm"}, "./wasm")) {
		require.NotContains(t, p.Deps, module+"fault", p.ImportPath)
	}
	contract := list(t, nil, "./server/storetest")
	require.Contains(t, contract[0].Deps, module+"fault")
}

func TestWasmStaysSmall(t *testing.T) {
	js := []string{"GOOS=js", "GOARCH=wasm"}
	core := list(t, js, "./wasm")
	require.Len(t, core, 1)
	require.Contains(t, core[0].Deps, module+"sdk")
	for _, heavy := range []string{"net/http", "crypto/tls"} {
		require.NotContains(t, core[0].Deps, heavy, "wasm must not link %s", heavy)
	}
	// msgp's runtime links encoding/json; our own code in the wasm does without.
	for _, p := range list(t, js, append(ours(core[0].Deps), core[0].ImportPath)...) {
		require.NotContains(t, p.Imports, "encoding/json", p.ImportPath)
	}
}

func ours(importPaths []string) (found []string) {
	for _, p := range importPaths {
		if room(p) != "" {
			found = append(found, p)
		}
	}
	return found
}

const longest = 450

var (
	code      = []string{".go", ".ts", ".mjs", ".js", ".css", ".html", ".sh"}
	generated = regexp.MustCompile(`(_gen\.go|\.gen\.ts)$`)
	// Words that say nothing about what a thing is.
	vague = regexp.MustCompile(`(?i)(^|[-_.])(utils?|common|managers?|helpers?)([-_.]|$)`)
	// The same in the names of types and functions.
	vagueDeclaration = regexp.MustCompile(`^\s*(?:export )?(?:type|class|interface|func|function)\s+(?:\([^)]*\) )?\w*(?:Utils?|Managers?|Helpers?)\b`)
)

func TestFilesAreShortAndNamed(t *testing.T) {
	read := 0
	for _, file := range sources(t) {
		for _, element := range strings.Split(file, "/") {
			require.NotRegexp(t, vague, element, file)
		}
		if !slices.Contains(code, path.Ext(file)) || generated.MatchString(file) {
			continue
		}
		read++
		lines := linesOf(t, file)
		require.LessOrEqual(t, len(lines), longest, "%s has too many lines", file)
		for n, line := range lines {
			require.NotRegexp(t, vagueDeclaration, line, "%s:%d", file, n+1)
		}
	}
	require.Greater(t, read, 50)
}

// sources lists the project's own files.
func sources(t *testing.T) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", ".cache", "node_modules", "bin", "dist", "test-results":
				return fs.SkipDir
			}
			return nil
		}
		files = append(files, filepath.ToSlash(file))
		return nil
	}))
	return files
}

func linesOf(t *testing.T, file string) (lines []string) {
	t.Helper()
	opened, err := os.Open(file)
	require.NoError(t, err)
	defer opened.Close()
	scanner := bufio.NewScanner(opened)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	require.NoError(t, scanner.Err())
	return lines
}
