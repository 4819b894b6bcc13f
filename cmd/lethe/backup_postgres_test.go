package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/pgtest"
	"github.com/lethe-im/lethe/wire"
)

// pg_dump takes a store as it stands, under load; pg_restore and lethe restore make one of it that goes on.
func TestPostgresBackupAndRestore(t *testing.T) {
	cluster, err := pgtest.Start()
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Stop()) }()
	address, err := cluster.Database(t.Context())
	require.NoError(t, err)
	other, err := cluster.Database(t.Context())
	require.NoError(t, err)
	t.Setenv("LETHE_KEY", strings.Repeat("0123456789abcdef", 2))

	p := start(t, "--dev", "--store", address)
	d := p.connect("a", p.devToken("a"))
	for i := range byte(5) {
		d.send("C2Cb", i)
	}
	file := filepath.Join(t.TempDir(), "lethe.dump")
	out, err := exec.Command(cluster.Program("pg_dump"), "--format=custom", "--file="+file, address).CombinedOutput()
	require.NoError(t, err, string(out))
	var ack wire.DeleteAck
	d.ask(wire.OpDelete, &wire.Delete{OpID: wire.ID{1}, ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: 5}, &ack)
	lost := d.send("C2Cb", 9)
	p.end(syscall.SIGTERM)

	_, complaint, code := command("backup", file+".2", "--store", address)
	require.Equal(t, 2, code)
	require.Contains(t, complaint, "pg_dump")
	_, complaint, code = command("restore", file, "--store", other)
	require.Equal(t, 2, code)
	require.Contains(t, complaint, "pg_restore fills the database")
	out, err = exec.Command(cluster.Program("pg_restore"), "--no-owner", "--exit-on-error", "--dbname="+other, file).CombinedOutput()
	require.NoError(t, err, string(out))
	said, complaint, code := command("restore", "--store", other)
	require.Zero(t, code, complaint)
	require.Regexp(t, `^restored the database, epoch \d{9,}\n$`, said)

	p = start(t, "--dev", "--store", other)
	d = p.connect("a", p.devToken("a"))
	require.Equal(t, uint64(5), d.count("C2Cb"))
	var rows wire.Rows
	d.ask(wire.OpRows, &wire.RowsRequest{Epoch: 1, Since: 99}, &rows)
	require.Zero(t, rows.After, "another epoch: from the beginning")
	// What the device knows of the lost store it may say here: its anchor is one that will never be given out.
	d.ask(wire.OpDelete, &wire.Delete{OpID: wire.ID{2}, ConversationID: "C2Cb", Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: lost.Seq}, &ack)
	require.Zero(t, d.count("C2Cb"))
	require.Greater(t, d.send("C2Cb", 10).Seq, lost.Seq+1000)
	require.Equal(t, uint64(1), d.count("C2Cb"))
	p.silent = append(p.silent, d.ws)
	p.end(syscall.SIGTERM)
	require.NoError(t, os.Remove(file))
}
