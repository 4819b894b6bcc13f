package sqlstore_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/fault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// littered makes a file of several slices of pages, in whose free space stands what was removed. So few rows are that no
// page is given up.
func littered(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lethe.db")
	require.NoError(t, open(t, path).Close())
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=secure_delete(OFF)")
	require.NoError(t, err)
	for i := range 3000 {
		_, err := db.Exec(`INSERT INTO messages (app, log, seq, time, sender, type, send, payload) VALUES ('lethe', 1, ?, 1, 'a', 'x', x'', ?)`,
			i, strings.Repeat(fmt.Sprintf("litter %d;", i%10), 80))
		require.NoError(t, err)
	}
	_, err = db.Exec(`DELETE FROM messages WHERE seq % 10 = 1`)
	require.NoError(t, errors.Join(err, db.Close()))
	return path
}

// found tells whether the files of a store hold a text.
func found(t *testing.T, path, text string) bool {
	t.Helper()
	for _, content := range contents(t, filepath.Dir(path)) {
		if bytes.Contains(content, []byte(text)) {
			return true
		}
	}
	return false
}

// An erasure of which any step fails is made up for by the next one, all of it.
func TestErasureIsMadeUpFor(t *testing.T) {
	t.Parallel()
	clean := littered(t)
	require.True(t, found(t, clean, "litter 1;"))
	bitten := 0
	for _, after := range []bool{false, true} {
		stride := 7 * stride()
		for k := 1; ; k++ {
			if k > 12 { // the first steps of a slice, then some
				k += stride - 1
			}
			path := filepath.Join(t.TempDir(), "lethe.db")
			copyFile(t, clean, path)
			steps := &fault.Counter{}
			s, err := sqlstore.OpenBy(t.Context(), path, striking(steps))
			require.NoError(t, err)
			steps.Arm(fault.Fault{Step: k, Err: broken[0], After: after})
			for more := true; more && err == nil; {
				more, err = s.Erase(t.Context())
			}
			bit := steps.Bit()
			erase(t, s)
			require.False(t, found(t, path, "litter 1;"), "step %d, after %v", k, after)
			require.True(t, found(t, path, "litter 0;"))
			require.NoError(t, s.Close())
			if !bit {
				break
			}
			bitten++
		}
	}
	require.Greater(t, bitten, 20)
}

// What a purge has removed although it was told of a failure is erased as well.
func TestAPurgeOfUnknownEndIsErased(t *testing.T) {
	bitten := 0
	for k := 1; ; k++ {
		path := filepath.Join(t.TempDir(), "lethe.db")
		steps := &fault.Counter{}
		s, err := sqlstore.OpenBy(t.Context(), path, striking(steps))
		require.NoError(t, err)
		_, _, err = s.Send(t.Context(), a, wire.Send{SendID: wire.ID{1}, ConversationID: "C2Ca", Type: wire.TypeText, Payload: payloadOf("a secret")}, 1000)
		require.NoError(t, err)
		_, err = s.Delete(t.Context(), a, wire.Delete{
			OpID: wire.ID{2}, ConversationID: "C2Ca", Scope: wire.ScopeRemote, What: wire.WhatConversation, Anchor: 1,
		}, server.Lethe, 1000)
		require.NoError(t, err)
		erase(t, s) // nothing is noted any more
		steps.Arm(fault.Fault{Step: k, Err: broken[0], After: true})
		_, _ = s.Purge(t.Context(), "lethe", server.Lethe, 2000) // that it fails is the point
		bit := steps.Bit()
		steps.Arm(fault.Fault{})
		count, err := s.Count(t.Context(), a, wire.CountRequest{ConversationID: "C2Ca"})
		require.NoError(t, err)
		require.Zero(t, count.Messages)
		if tables := tables(t, path); !strings.Contains(tables, "messagesmap") {
			erase(t, s)
			require.False(t, found(t, path, "a secret"), "step %d", k)
		}
		require.NoError(t, s.Close())
		if !bit {
			break
		}
		bitten++
	}
	require.Greater(t, bitten, 5)
}
