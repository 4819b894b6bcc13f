// Command gen writes the table of options into docs/ops.md.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/lethe-im/lethe/cmd/lethe/options"
)

const (
	file  = "../../../docs/ops.md"
	begin = "<!-- options: made by go generate ./cmd/lethe/options -->\n"
	end   = "<!-- /options -->\n"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return errors.New("docs/ops.md has no place for the table")
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+options.Markdown()+"\n"+end+after), 0o644)
}
