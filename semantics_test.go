package lethe_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	// | R12 | lines | what a document says | what Lethe does | [file](../file): `test`<br>… |
	semanticsRow = regexp.MustCompile(`^\| ([RT])(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	semanticsRef = regexp.MustCompile("^\\[([^\\]]+)\\]\\(\\.\\./([^)]+)\\): `([^`]+)`$")
	// The titles of node's tests, in any of the three quotes.
	nodeTitle = regexp.MustCompile("\\btest\\(\\s*(?:'((?:[^'\\\\]|\\\\.)*)'|\"((?:[^\"\\\\]|\\\\.)*)\"|`((?:[^`\\\\]|\\\\.)*)`)")
	inTitle   = regexp.MustCompile(`\\\$\\\{.*?\\\}`)
)

// TestSemanticsNamesTests holds docs/semantics.md to what it promises: each row has tests, and they exist.
func TestSemanticsNamesTests(t *testing.T) {
	rows := map[string]int{}
	for n, line := range linesOf(t, "docs/semantics.md") {
		if !strings.HasPrefix(line, "| R") && !strings.HasPrefix(line, "| T") {
			continue
		}
		row := semanticsRow.FindStringSubmatch(line)
		require.NotNil(t, row, "docs/semantics.md:%d is no row", n+1)
		rows[row[1]]++
		require.Equal(t, strconv.Itoa(rows[row[1]]), row[2], "docs/semantics.md:%d: rows are numbered without gaps", n+1)
		for _, reference := range strings.Split(row[6], "<br>") {
			found := semanticsRef.FindStringSubmatch(reference)
			require.NotNil(t, found, "docs/semantics.md:%d names no test: %s", n+1, reference)
			require.Equal(t, found[1], found[2], "docs/semantics.md:%d: a link leads where it says", n+1)
			require.True(t, hasTest(t, found[1], found[3]), "docs/semantics.md:%d: %s has no test %q", n+1, found[1], found[3])
		}
	}
	require.Greater(t, rows["R"], 30)
	require.Greater(t, rows["T"], 15)
}

// hasTest tells whether a file has a test of that name. A title that is put together fits what it can become of parts that
// stand in the file, or of numbers.
func hasTest(t *testing.T, file, name string) bool {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	if strings.HasSuffix(file, "_test.go") {
		return regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(t \*testing\.T\)`).Match(source)
	}
	for _, title := range nodeTitle.FindAllStringSubmatch(string(source), -1) {
		fixed := title[1] + title[2]
		if fixed == name {
			return true
		}
		made := regexp.MustCompile("^" + inTitle.ReplaceAllString(regexp.QuoteMeta(title[3]), "(.+)") + "$")
		if parts := made.FindStringSubmatch(name); title[3] != "" && parts != nil && containsAll(string(source), parts[1:]) {
			return true
		}
	}
	return false
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if _, err := strconv.Atoi(part); err != nil && !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func TestSemanticsWouldMissATest(t *testing.T) {
	require.True(t, hasTest(t, "e2e/rooms.test.mjs", "no client call deletes their messages"))
	require.True(t, hasTest(t, "e2e/groups.test.mjs", "quit: messages and conversation are deletable in every scope"))
	require.True(t, hasTest(t, "semantics_test.go", "TestSemanticsWouldMissATest"))
	require.False(t, hasTest(t, "e2e/rooms.test.mjs", "every client call deletes their messages"))
	require.True(t, hasTest(t, "e2e/rongcloud.test.mjs", "the document’s deleteMessages"))
	require.False(t, hasTest(t, "e2e/rongcloud.test.mjs", "the document’s deleteEverything"))
	require.False(t, hasTest(t, "e2e/faces-bad-input.test.mjs", "34206: something that nobody tests"))
	require.False(t, hasTest(t, "semantics_test.go", "TestSemanticsWouldMiss"))
}
