package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// newer builds the next version of the server: it speaks one version more of the protocol, and its store has taken one step more, which
// adds a table and a column. The sources stay as they are: the go command is given what changes as an overlay.
var newer = sync.OnceValues(func() (string, error) {
	folder, err := filepath.Abs("../.cache/e2e/newer")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	replaced := map[string]string{}
	for file, change := range map[string][2]string{
		"../wire/frame.go": {fmt.Sprintf("Version    uint8 = %d\n", wire.Version), fmt.Sprintf("Version    uint8 = %d\n", wire.Version+1)},
		"../server/sqlstore/migrate.go": {"var schemaVersion = len(steps)\n", "var schemaVersion = len(steps)\n\n" +
			"func init() {\n\tsteps = append(steps, step{statements: []string{`CREATE TABLE later (app TEXT NOT NULL PRIMARY KEY)`, " +
			"`ALTER TABLE users ADD COLUMN later INTEGER NOT NULL DEFAULT 0`}})\n\tschemaVersion = len(steps)\n}\n"},
	} {
		source, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		text, err := os.ReadFile(source)
		if err != nil {
			return "", err
		}
		if strings.Count(string(text), change[0]) != 1 {
			return "", fmt.Errorf("%s does not have %q once", file, change[0])
		}
		replaced[source] = filepath.Join(folder, filepath.Base(file))
		if err := os.WriteFile(replaced[source], []byte(strings.Replace(string(text), change[0], change[1], 1)), 0o644); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	list, path := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "lethe")
	if err := os.WriteFile(list, overlay, 0o644); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-overlay", list, "-o", path, "../cmd/lethe").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, err
})

// Nodes are replaced by the next version, one after the other, under load: for a time both serve, on tables that the newer one has
// changed. Then the older one does not start any more.
func TestRollingRestartToTheNextVersion(t *testing.T) {
	path, err := newer()
	require.NoError(t, err)
	c := newCluster(t, aStore(t), 3)
	p := c.people()
	load := c.crowd(60, 200)
	for i, n := range c.nodes {
		p.work(t, i, 3)
		n.drain()
		n.nobodyListens()
		n.program = path
		n.start()
		p.work(t, i, 3)
	}
	load.check()
	require.NotZero(t, load.errors["closed 3000"], "who is sent away is told so")
	require.Zero(t, load.errors["the connection was lost"], "and nobody is cut off")
	p.converge()

	n := c.nodes[0]
	n.drain()
	older, err := binary()
	require.NoError(t, err)
	refused := exec.Command(older, "serve", "--addr", "127.0.0.1:0")
	refused.Env = append(os.Environ(), n.environment...)
	out, err := refused.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "newer Lethe")
	n.start()
}
