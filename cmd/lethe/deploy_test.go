package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/lethe-im/lethe/cmd/lethe/options"
)

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	require.NoError(t, err)
	return string(text)
}

// understood reads the arguments as serve does.
func understood(t *testing.T, args, environment []string) (o options.Options) {
	t.Helper()
	require.Equal(t, "serve", args[0])
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	options.Flags(f, &o)
	require.NoError(t, f.Parse(args[1:]), "%v", args)
	require.Empty(t, f.Args())
	unknown, err := options.Finish(f, &o, environment)
	require.NoError(t, err)
	require.Empty(t, unknown)
	require.True(t, o.Data != "" || o.Store != "")
	return o
}

// last is the last value of a Dockerfile's instruction, which is a list.
func last(t *testing.T, dockerfile, instruction string) (list []string) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^`+instruction+` (\[.*\])$`).FindAllStringSubmatch(dockerfile, -1)
	require.NotEmpty(t, found, instruction)
	require.NoError(t, json.Unmarshal([]byte(found[len(found)-1][1]), &list))
	return list
}

func TestUnit(t *testing.T) {
	unit := deployed(t, "lethe.service")
	found := regexp.MustCompile(`(?m)^ExecStart=(\S+) (.*)$`).FindStringSubmatch(unit)
	require.NotNil(t, found)
	require.Equal(t, "/usr/local/bin/lethe", found[1])
	o := understood(t, strings.Fields(found[2]), nil)
	require.Equal(t, "/var/lib/lethe", o.Data, "StateDirectory=lethe")
	require.Contains(t, unit, "\nStateDirectory=lethe\n")
	patience := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(unit)
	d, err := time.ParseDuration(patience[1])
	require.NoError(t, err)
	require.Greater(t, d, 2*drainTime)

	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not here")
	}
	file := filepath.Join(t.TempDir(), "lethe.service")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(unit, found[1], binary, 1)), 0o600))
	out, err := exec.Command(verify, "verify", "--man=no", file).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out))
}

func TestImage(t *testing.T) {
	dockerfile := deployed(t, "Dockerfile")
	require.Equal(t, []string{"/usr/local/bin/lethe"}, last(t, dockerfile, "ENTRYPOINT"))
	o := understood(t, last(t, dockerfile, "CMD"), nil)
	require.Contains(t, dockerfile, "VOLUME "+o.Data+"\n")
	require.Contains(t, dockerfile, "EXPOSE "+strings.TrimPrefix(o.Addr, "0.0.0.0:")+"\n")
	module, err := os.Open(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	defer func() { require.NoError(t, module.Close()) }()
	for lines := bufio.NewScanner(module); lines.Scan(); {
		if version, ok := strings.CutPrefix(lines.Text(), "go "); ok {
			require.Contains(t, dockerfile, "FROM golang:"+strings.TrimSuffix(version, ".0")+" AS build")
			return
		}
	}
	require.Fail(t, "go.mod names no version")
}

func TestCompose(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Image       string
			Build       struct{ Context, Dockerfile string }
			Command     []string
			Environment map[string]string
			Volumes     []string
			Ports       []string
			Grace       string `yaml:"stop_grace_period"`
		}
		Volumes map[string]any
	}
	require.NoError(t, yaml.Unmarshal([]byte(deployed(t, "compose.yaml")), &file))
	servers := 0
	for name, s := range file.Services {
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			require.Contains(t, file.Volumes, volume, name)
		}
		if s.Image != "" {
			continue
		}
		servers++
		require.FileExists(t, filepath.Join("..", "..", "deploy", s.Build.Context, s.Build.Dockerfile))
		var environment []string
		for k, v := range s.Environment {
			environment = append(environment, fmt.Sprintf("%s=%s", k, v))
		}
		o := understood(t, s.Command, environment)
		if o.Data != "" {
			require.Contains(t, s.Volumes[0], ":"+o.Data)
		}
		require.Contains(t, s.Ports[0], "127.0.0.1:", "only what ends TLS reaches it")
		grace, err := time.ParseDuration(s.Grace)
		require.NoError(t, err)
		require.Greater(t, grace, o.DrainWait+2*drainTime)
	}
	require.Equal(t, 2, servers)
}
