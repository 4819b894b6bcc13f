package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/lethe-im/lethe/server/natsbus/natstest"
)

// patient is a data folder that nothing is wrong with, and what the doctor is asked of it.
type patient struct {
	*testing.T
	folder string
	data   string
	o      serving
	m      machine
}

func healthy(t *testing.T) *patient {
	folder := t.TempDir()
	p := &patient{T: t, folder: folder, data: filepath.Join(folder, "data"), m: thisMachine}
	s := start(t, "--data", p.data, "--dev")
	s.connect("a", s.devToken("a")).send("C2Cb", 1)
	s.end(syscall.SIGTERM)
	p.o.Data, p.o.App, p.o.Addr = p.data, "lethe", "127.0.0.1:8080"
	p.m.files = func() (uint64, error) { return 65536, nil }
	p.m.disk = func(string) (uint64, uint64, error) { return 100 << 30, 200 << 30, nil }
	return p
}

func (p *patient) ask() report {
	p.Helper()
	var r report
	examine(p.Context(), &p.o, nil, p.m, &r)
	return r
}

// write makes a file in the patient's folder.
func (p *patient) write(name, text string) (path string) {
	p.Helper()
	path = filepath.Join(p.folder, name)
	require.NoError(p, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func (p *patient) exec(statement string) {
	p.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.data, storeName))
	require.NoError(p, err)
	_, err = db.Exec(statement)
	require.NoError(p, errors.Join(err, db.Close()))
}

func TestDoctorFindsNothing(t *testing.T) {
	p := healthy(t)
	for _, f := range p.ask() {
		require.Equal(t, levelOK, f.Level, f)
	}
}

func TestDoctorFinds(t *testing.T) {
	for name, x := range map[string]struct {
		harm  func(p *patient)
		level string
		check string
		text  string
	}{
		"no --data":         {func(p *patient) { p.o.Data = "" }, levelFail, "data", "no folder"},
		"a new folder":      {func(p *patient) { p.o.Data += "/new" }, levelWarn, "data", "is missing"},
		"a file":            {func(p *patient) { p.o.Data = p.write("file", "") }, levelFail, "data", "no folder"},
		"an open folder":    {func(p *patient) { require.NoError(p, os.Chmod(p.data, 0o755)) }, levelWarn, "data", "755"},
		"a folder not ours": {func(p *patient) { p.m.write = func(string) error { return os.ErrPermission } }, levelFail, "data", "permission"},
		"a full disk":       {func(p *patient) { p.m.disk = func(string) (uint64, uint64, error) { return 50 << 20, 200 << 30, nil } }, levelFail, "disk", "50 MiB"},
		"a nearly full one": {func(p *patient) { p.m.disk = func(string) (uint64, uint64, error) { return 9 << 30, 200 << 30, nil } }, levelWarn, "disk", "9216 MiB"},
		"few files":         {func(p *patient) { p.m.files = func() (uint64, error) { return 1024, nil } }, levelWarn, "files-limit", "1024"},
		"a clock of 1970":   {func(p *patient) { p.m.now = func() time.Time { return time.Unix(9, 0) } }, levelFail, "clock", "1970"},
		"a late clock":      {func(p *patient) { p.m.now = func() time.Time { return time.Now().Add(-time.Hour) } }, levelFail, "clock", "behind the newest message"},
		"no key":            {func(p *patient) { require.NoError(p, os.Remove(filepath.Join(p.data, "key"))) }, levelWarn, "key", "there is none"},
		"a short key":       {func(p *patient) { p.o.KeyFile = p.write("k", "short") }, levelFail, "key", "5 bytes"},
		"a simple key":      {func(p *patient) { p.o.KeyFile = p.write("k", strings.Repeat("abc", 20)) }, levelFail, "key", "guessed"},
		"an open key":       {func(p *patient) { require.NoError(p, os.Chmod(filepath.Join(p.data, "key"), 0o644)) }, levelWarn, "key", "644"},
		"no store":          {func(p *patient) { require.NoError(p, os.Remove(filepath.Join(p.data, storeName))) }, levelWarn, "store", "is missing"},
		"another file": {func(p *patient) {
			require.NoError(p, os.WriteFile(filepath.Join(p.data, storeName), []byte(strings.Repeat("x", 9000)), 0o600))
		}, levelFail, "store", "cannot be read"},
		"a damaged store": {func(p *patient) {
			p.exec(`CREATE TABLE t (x); CREATE INDEX t_x ON t (x); INSERT INTO t VALUES (1), (2);
				PRAGMA writable_schema = 1; UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 't') WHERE name = 't_x'`)
		}, levelFail, "store", "is damaged"},
		"a newer store":   {func(p *patient) { p.exec(`PRAGMA user_version = 1000`) }, levelFail, "schema", "newer Lethe"},
		"an older store":  {func(p *patient) { p.exec(`PRAGMA user_version = 4`) }, levelWarn, "schema", "version 4"},
		"limits":          {func(p *patient) { p.o.Limits = p.write("l", `{"helo": "5s"}`) }, levelFail, "limits", "helo"},
		"settings":        {func(p *patient) { p.o.Settings = p.write("s", `{"profile": "slack"}`) }, levelFail, "settings", "slack"},
		"no page":         {func(p *patient) { p.o.Web = p.folder }, levelWarn, "web", "no page"},
		"no TLS":          {func(p *patient) { p.o.Addr = ":8080" }, levelWarn, "tls", "in the clear"},
		"tokens for all":  {func(p *patient) { p.o.Addr, p.o.Dev = "0.0.0.0:8080", true }, levelFail, "dev", "token of any user"},
		"an open admin":   {func(p *patient) { p.o.Admin = "0.0.0.0:9090" }, levelWarn, "admin", "0.0.0.0:9090"},
		"no address":      {func(p *patient) { p.o.Addr = "8080" }, levelFail, "address", "8080"},
		"a URL as origin": {func(p *patient) { p.o.Origins = "https://a.example.com" }, levelFail, "origins", "https://a.example.com"},
		"every origin":    {func(p *patient) { p.o.Origins = "*" }, levelFail, "options", "every page"},
		"no NATS":         {func(p *patient) { p.o.Bus = "nats://u:" + password + "@" + freePort(t) }, levelFail, "bus", "does not answer"},
		"no NATS address": {func(p *patient) { p.o.Bus = "nats://u:" + password + "@%zz" }, levelFail, "bus", "does not answer"},
		"no PostgreSQL": {func(p *patient) {
			p.o.Data, p.o.Store, p.o.KeyFile = "", "postgres://u:"+password+"@"+freePort(t)+"/x", filepath.Join(p.data, "key")
		}, levelFail, "store", "refused"},
		"no collector":       {func(p *patient) { p.o.Trace = "http://" + freePort(t) }, levelWarn, "trace", "does not answer"},
		"a collector's name": {func(p *patient) { p.o.Trace = "collector" }, levelFail, "trace", "is none"},
		"a proxy's name":     {func(p *patient) { p.o.Proxies = "proxy.local" }, levelFail, "options", "proxy.local"},
	} {
		t.Run(name, func(t *testing.T) {
			p := healthy(t)
			x.harm(p)
			found := report{}
			for _, f := range p.ask() {
				if f.Level != levelOK {
					found = append(found, f)
				}
			}
			require.NotEmpty(t, found)
			f := found[0]
			require.Equal(t, []string{x.level, x.check}, []string{f.Level, f.Check}, f)
			require.Contains(t, f.Text, x.text)
			require.NotEmpty(t, f.Do, "what to do")
			require.NotContains(t, f.Text, password)
		})
	}
}

func TestDoctorReachesOthers(t *testing.T) {
	p := healthy(t)
	p.o.Bus, p.o.Trace = "nats://"+natstest.Start(t).Address(), newReceiver(t).URL
	answered := 0
	for _, f := range p.ask() {
		require.Equal(t, levelOK, f.Level, f)
		if f.Check == "bus" || f.Check == "trace" {
			answered++
		}
	}
	require.Equal(t, 2, answered)
}

func TestDoctorOnTheCommandLine(t *testing.T) {
	p := healthy(t)
	out, complaint, code := command("doctor", "--data", p.data)
	require.Zero(t, code, out)
	require.Empty(t, complaint)
	require.Regexp(t, `(?m)^OK   store        \S+lethe.db is whole, epoch 1$`, out)
	key, err := os.ReadFile(filepath.Join(p.data, "key"))
	require.NoError(t, err)
	require.NotContains(t, out, strings.TrimSpace(string(key)))

	p.exec(`PRAGMA user_version = 1000`)
	out, _, code = command("doctor", "--data", p.data, "--json")
	require.Equal(t, 1, code)
	var r report
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.True(t, r.failed())
	out, _, code = command("doctor", "--data", p.data, "--log", "loud")
	require.Equal(t, 1, code)
	require.Contains(t, out, "FAIL options")
	_, complaint, code = command("doctor", "--nonsense")
	require.Equal(t, 2, code)
	require.Contains(t, complaint, "nonsense")

	t.Setenv("LETHE_ADRR", "x")
	out, _, code = command("doctor", "--data", t.TempDir())
	require.Zero(t, code, out)
	require.Contains(t, out, "WARN options      LETHE_ADRR is no option: ")

	// The server may be running.
	t.Setenv("LETHE_ADRR", "")
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, "--data", data, "--dev")
	s.connect("a", s.devToken("a")).send("C2Cb", 1)
	out, _, code = command("doctor", "--data", data)
	require.Zero(t, code, out)
	s.end(syscall.SIGTERM)
}
