package server_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// stands tells whether a text stands in any file of the store.
func (w *world) stands(text string) bool {
	files, err := os.ReadDir(w.folder)
	require.NoError(w, err)
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(w.folder, file.Name()))
		require.NoError(w, err)
		if strings.Contains(string(data), text) {
			return true
		}
	}
	return false
}

const secret = "a text that nothing else in these files has"

// said has a send b the text, and both delete it.
func (w *world) said(a, b *client) {
	w.Helper()
	ack := ask[wire.SendAck](a, wire.OpSend, &wire.Send{SendID: newID(), ConversationID: "C2Cb", Type: wire.TypeText, Payload: text(secret)})
	require.True(w, w.stands(secret))
	for c, conversation := range map[*client]string{a: "C2Cb", b: "C2Ca"} {
		ask[wire.DeleteAck](c, wire.OpDelete, &wire.Delete{
			OpID: newID(), ConversationID: conversation, Scope: wire.ScopeBoth, What: wire.WhatConversation, Anchor: ack.Seq,
		})
	}
}

func TestWhatNobodySeesIsSoonGone(t *testing.T) {
	w := newWorld(t)
	w.said(w.hello("a"), w.hello("b"))
	w.gone("the text", func() bool { return !w.stands(secret) })
}

// A reader that takes its time keeps the write-ahead log from being cut. It is tried again until it is.
func TestPurgingOutlastsAReader(t *testing.T) {
	w := newWorld(t)
	db, err := sql.Open("sqlite", filepath.Join(w.folder, "lethe.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	reader, err := db.Begin()
	require.NoError(t, err)
	var n int
	require.NoError(t, reader.QueryRow(`SELECT count(*) FROM messages`).Scan(&n))
	w.said(w.hello("a"), w.hello("b"))
	w.gone("the rows", func() bool {
		require.NoError(t, db.QueryRow(`SELECT count(*) FROM messages`).Scan(&n))
		return n == 0
	})
	require.ErrorIs(t, w.server.Purge(t.Context()), server.ErrReaders)
	require.True(t, w.stands(secret), "the reader is in the way")
	require.NoError(t, reader.Rollback())
	w.gone("the text", func() bool { return !w.stands(secret) })
}

// What the server before has left is purged at the start.
func TestPurgesAtTheStart(t *testing.T) {
	w := newWorld(t)
	a, b := w.hello("a"), w.hello("b")
	stop, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	w.said(a, b)
	require.NoError(t, w.server.Shutdown(stop))
	require.True(t, w.stands(secret))
	s, err := server.New(server.Options{Store: w.store, Apps: map[string]server.App{app: {Key: key, Settings: server.Lethe}}})
	require.NoError(t, err)
	w.gone("the text", func() bool { return !w.stands(secret) })
	require.NoError(t, s.Shutdown(stop))
}

// gone waits until a condition holds.
func (w *world) gone(what string, condition func() bool) {
	w.Helper()
	require.Eventually(w, condition, 20*time.Second, 20*time.Millisecond, what)
}
