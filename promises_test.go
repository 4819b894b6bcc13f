package lethe_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shown is a link to what shows a promise: a Go test by its name, a browser test by its title, or a whole file.
var shown = regexp.MustCompile(`\[([^\]]+)\]\(\.\./([^)#]+)\)`)

// TestEveryPromiseIsShown reads docs/promises.md: 25 rows, each of which names tests that are there.
func TestEveryPromiseIsShown(t *testing.T) {
	text, err := os.ReadFile("docs/promises.md")
	require.NoError(t, err)
	rows := 0
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, " | ")
		number, err := strconv.Atoi(strings.TrimPrefix(cells[0], "| "))
		if err != nil {
			continue
		}
		rows++
		require.Equal(t, rows, number, line)
		links := shown.FindAllStringSubmatch(cells[len(cells)-1], -1)
		require.NotEmpty(t, links, "row %d names no test", number)
		for _, link := range links {
			source, err := os.ReadFile(filepath.FromSlash(link[2]))
			require.NoError(t, err, "row %d", number)
			switch name := strings.Trim(link[1], "`"); {
			case strings.HasPrefix(name, "Test"):
				require.Contains(t, string(source), "func "+name+"(", "row %d", number)
			case strings.HasPrefix(name, "“"):
				title := strings.Trim(name, "“”")
				require.Contains(t, string(source), title, "row %d", number)
			default:
				require.True(t, strings.HasSuffix(link[2], name), "row %d: %s is not %s", number, name, link[2])
			}
		}
	}
	require.Equal(t, 25, rows)
}
