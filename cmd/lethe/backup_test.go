package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// command runs the binary and returns what it says.
func command(args ...string) (stdout, stderr string, code int) {
	cmd := exec.Command(binary, args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		return "", err.Error(), -1
	}
	return out.String(), complaints.String(), code
}

// A backup is taken while users write: it has whole conversations up to some moment, and what was acknowledged before it began.
func TestBackupUnderLoadAndRestore(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, "--data", data, "--dev")
	const users = 4
	var writing sync.WaitGroup
	stop := make(chan struct{})
	begun := make(chan struct{}, users)
	sent := make([]uint64, users)
	for i := range users {
		user := string(rune('a' + i))
		d := p.connect(user, p.devToken(user))
		writing.Add(1)
		go func() {
			defer writing.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				var ack wire.SendAck
				d.ask(wire.OpSend, &wire.Send{SendID: wire.ID{byte(i), byte(n), byte(n >> 8), 1}, ConversationID: "C2Cz", Type: wire.TypeText, Payload: []byte{0x80}}, &ack)
				sent[i] = ack.Seq
				if n == 20 {
					begun <- struct{}{}
				}
			}
		}()
	}
	for range users {
		<-begun
	}
	file := filepath.Join(t.TempDir(), "backup.db")
	out, complaint, code := command("backup", file, "--data", data)
	require.Zero(t, code, complaint)
	require.Contains(t, out, "backed up ")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, complaint, code = command("restore", file, "--data", data, "--replace")
	require.Equal(t, 1, code)
	require.Contains(t, complaint, "a program has the store open: stop it first")
	close(stop)
	writing.Wait()
	_, complaint, code = command("backup", file, "--data", data)
	require.Equal(t, 1, code, "a file that is there is not written over")
	require.Contains(t, complaint, "exists")
	token := p.devToken("a")
	p.end(syscall.SIGTERM)

	_, complaint, code = command("restore", file, "--data", data)
	require.Equal(t, 1, code)
	require.Contains(t, complaint, "--replace keeps it")
	out, complaint, code = command("restore", file, "--data", data, "--replace")
	require.Zero(t, code, complaint)
	require.Regexp(t, `kept the store that was there as \S+lethe.db.replaced-\S+Z\nrestored \S+ to \S+lethe.db, epoch \d+\n`, out)
	left, err := filepath.Glob(filepath.Join(data, "lethe.db*"))
	require.NoError(t, err)
	require.Len(t, left, 2, "%v", left)

	p = start(t, "--data", data, "--dev") // the key is the folder's: tokens still hold
	d := p.connect("a", token)
	for i := range users {
		user := string(rune('a' + i))
		n := p.connect(user, p.devToken(user)).count("C2Cz")
		require.GreaterOrEqual(t, n, uint64(21), "what was acknowledged before it")
		require.LessOrEqual(t, n, sent[i])
		require.Equal(t, n, p.connect("z", p.devToken("z")).count("C2C"+user))
	}
	next := d.send("C2Cz", 200)
	require.Greater(t, next.Seq, sent[0], "no seq twice")
	require.Greater(t, next.Seq, uint64(1<<20))
	p.silent = append(p.silent, d.ws)
	p.end(syscall.SIGTERM)
}

func TestRestoreIntoANewFolder(t *testing.T) {
	data := t.TempDir()
	p := start(t, "--data", data, "--dev")
	p.connect("a", p.devToken("a")).send("C2Cb", 1)
	file := filepath.Join(data, "backup.db")
	_, complaint, code := command("backup", file, "--data", data)
	require.Zero(t, code, complaint)
	p.end(syscall.SIGTERM)
	other := filepath.Join(t.TempDir(), "new")
	_, complaint, code = command("restore", file, "--data", other)
	require.Zero(t, code, complaint)
	p = start(t, "--data", other, "--dev")
	require.Equal(t, uint64(1), p.connect("b", p.devToken("b")).count("C2Ca"))
	p.end(syscall.SIGTERM)
}

func TestBadBackups(t *testing.T) {
	folder := t.TempDir()
	data := filepath.Join(folder, "data")
	p := start(t, "--data", data, "--dev")
	d := p.connect("a", p.devToken("a"))
	for i := range byte(200) {
		d.send("C2Cb", i)
	}
	p.end(syscall.SIGTERM)
	whole := filepath.Join(folder, "whole")
	_, complaint, code := command("backup", whole, "--data", data)
	require.Zero(t, code, complaint)
	raw, err := os.ReadFile(whole)
	require.NoError(t, err)
	damaged := append([]byte{}, raw...)
	for i := len(damaged) / 3; i < len(damaged)/3+8192; i++ {
		damaged[i] = 0xaa
	}
	for name, content := range map[string][]byte{"empty": {}, "text": []byte(strings.Repeat("no database", 1000)), "cut": raw[:len(raw)/2], "damaged": damaged} {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, content, 0o600))
		before, err := os.ReadDir(data)
		require.NoError(t, err)
		_, complaint, code := command("restore", file, "--data", data, "--replace")
		require.Equal(t, 1, code, name)
		require.True(t, strings.HasPrefix(complaint, "lethe: restore: "), complaint)
		after, err := os.ReadDir(data)
		require.NoError(t, err)
		require.Equal(t, len(before), len(after), "%s changes nothing", name)
	}
	_, complaint, code = command("backup", filepath.Join(folder, "b"), "--data", filepath.Join(folder, "none"))
	require.Equal(t, 1, code)
	require.Contains(t, complaint, "no such file")
	for _, args := range [][]string{{"backup"}, {"backup", "f"}, {"restore", "--data", data}, {"restore", "f"}, {"restore", "f", "--data", data, "--gap", "0"}} {
		_, complaint, code := command(args...)
		require.Equal(t, 2, code, "%v", args)
		require.Equal(t, 1, strings.Count(complaint, "\n"))
	}
}
