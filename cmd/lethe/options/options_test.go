package options

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, file string, environment []string, args ...string) (o Options, unknown []string, err error) {
	t.Helper()
	if file != "" {
		path := filepath.Join(t.TempDir(), "lethe.json")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		environment = append(environment, "LETHE_CONFIG="+path)
	}
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	Flags(f, &o)
	require.NoError(t, f.Parse(args))
	unknown, err = Finish(f, &o, environment)
	return o, unknown, err
}

// Every option can be given in each of the three ways, and the nearer one counts.
func TestFlagBeforeEnvironmentBeforeFile(t *testing.T) {
	for i := range Table {
		x := &Table[i]
		if x.Flag == "config" {
			continue
		}
		values := []string{"first", "second", "third"}
		switch x.In(&Options{}).(type) {
		case *bool:
			values = []string{"true", "false", "true"}
		case *time.Duration:
			values = []string{"1s", "2s", "3s"}
		}
		if x.Check != nil {
			values = nil
			for _, v := range []string{"debug", "info", "warn", "json", "text", "json", "0.1", "0.2", "0.3"} {
				if x.Check(v) == "" {
					values = append(values, v)
				}
			}
			values = append(values, values[0])
		}
		is := func(o Options, value string) {
			t.Helper()
			got := ""
			switch p := x.In(&o).(type) {
			case *bool:
				got = fmt.Sprint(*p)
			case *time.Duration:
				got = p.String()
			case *string:
				got = *p
			}
			require.Equal(t, value, got, x.Flag)
		}
		file := fmt.Sprintf(`{%q: %q}`, x.Flag, values[0])
		o, _, err := read(t, file, nil)
		require.NoError(t, err)
		is(o, values[0])
		o, _, err = read(t, file, []string{x.Variable() + "=" + values[1]})
		require.NoError(t, err)
		is(o, values[1])
		o, _, err = read(t, file, []string{x.Variable() + "=" + values[1]}, "--"+x.Flag+"="+values[2])
		require.NoError(t, err)
		is(o, values[2])
		o, _, err = read(t, file, []string{x.Variable() + "="})
		require.NoError(t, err)
		is(o, values[0])
	}
}

func TestFileInItsOwnTypes(t *testing.T) {
	o, _, err := read(t, `{"dev": true, "origins": ["a.example.com", "*.b.example.com"], "trace-rate": 0.25, "drain-wait": "1m30s"}`, nil)
	require.NoError(t, err)
	require.True(t, o.Dev)
	require.Equal(t, "a.example.com,*.b.example.com", o.Origins)
	require.Equal(t, "0.25", o.TraceRate)
	require.Equal(t, 90*time.Second, o.DrainWait)
	require.Equal(t, "127.0.0.1:8080", o.Addr)
}

func TestWrongConfiguration(t *testing.T) {
	for file, want := range map[string]string{
		`{"adr": "x"}`:                `configuration in lethe.json: unknown key "adr"; lethe serve -h lists them`,
		`{"config": "other.json"}`:    `unknown key "config"`,
		`{"key": "secret-of-tokens"}`: `unknown key "key"`,
		`{"dev": "perhaps"}`:          `configuration in lethe.json: dev: "perhaps" is no true or false`,
		`{"addr": ["a"]}`:             "addr: not a value of this option",
		`{"origins": [1]}`:            "origins: not a value of this option",
		`{"data": null}`:              "data: not a value of this option",
		`{"log": "loud"}`:             `--log: "loud" is none of debug, info, warn, error`,
		`{} {}`:                       "more than one value",
		`[]`:                          "configuration in lethe.json",
	} {
		_, _, err := read(t, file, nil)
		require.ErrorContains(t, err, want, file)
		require.NotContains(t, err.Error(), "secret-of-tokens")
		require.NotContains(t, err.Error(), "\n")
	}
	for variable, want := range map[string]string{
		"LETHE_DEV=perhaps":     `LETHE_DEV: "perhaps" is no true or false`,
		"LETHE_DRAIN_WAIT=soon": `LETHE_DRAIN_WAIT: "soon" is no time such as "1m30s"`,
		"LETHE_TRACE_RATE=2":    `--trace-rate: "2" is no number from 0 to 1`,
		"LETHE_CONFIG=/none":    "configuration in none",
	} {
		_, _, err := read(t, "", []string{variable})
		require.ErrorContains(t, err, want)
	}
	_, unknown, err := read(t, "", []string{"LETHE_KEY=x", "LETHE_PORT=tcp://10.0.0.1", "LETHE_ADRR=y", "HOME=z"})
	require.NoError(t, err, "an orchestrator makes variables of its own")
	require.Equal(t, []string{"LETHE_ADRR", "LETHE_PORT"}, unknown)
}

func TestTheTableIsInTheDocument(t *testing.T) {
	document, err := os.ReadFile("../../../docs/ops.md")
	require.NoError(t, err)
	require.Contains(t, string(document), Markdown(), "go generate ./cmd/lethe/options")
	for i := range Table {
		require.Equal(t, 1, strings.Count(Markdown(), "| `--"+Table[i].Flag+"` |"))
	}
}
