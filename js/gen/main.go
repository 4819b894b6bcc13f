// Command gen makes js/types.gen.ts, docs/errors.md and docs/api.md from the Go side of the API, so that TypeScript and
// the docs cannot drift from it. It runs in the repository's root: go run ./js/gen.
package main

import (
	"fmt"
	"os"

	"github.com/lethe-im/lethe/wire"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate() error {
	comments, err := readComments("sdk/api.go", "sdk/method.go", "wire/errors.go", "wire/close.go")
	if err != nil {
		return err
	}
	methods, codes := describe(comments)
	shapes := collectShapes(comments, methods)
	if err := os.MkdirAll("docs", 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"js/types.gen.ts": typeScript(shapes, methods, codes),
		"docs/errors.md":  errorsPage(codes, wire.CloseCodes, comments),
		"docs/api.md":     apiPage(shapes, methods),
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
