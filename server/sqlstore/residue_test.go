package sqlstore_test

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

const day = int64(24 * 3600 * 1000)

// residue is a store on the disk with groups of two, all of whose messages carry marks that nothing else has.
type residue struct {
	*testing.T
	s      *sqlstore.Store
	folder string
	random *mathrand.Rand
	sent   []*marked
	now    int64
}

type marked struct {
	conversation string
	seq          uint64
	mark         string
	gone         bool
}

const conversations = 20

func newResidue(t *testing.T) *residue {
	r := &residue{T: t, folder: t.TempDir(), now: 1000 * day}
	seed := mathrand.Uint64()
	t.Logf("seed %d", seed)
	r.random = mathrand.New(mathrand.NewPCG(seed, 0))
	r.s = open(t, filepath.Join(r.folder, "lethe.db"))
	t.Cleanup(func() { require.NoError(t, r.s.Close()) })
	for i := range conversations {
		_, err := r.s.PutGroup(t.Context(), "lethe", fmt.Sprint("g", i), "", false)
		require.NoError(t, err)
		_, _, err = r.s.Members(t.Context(), "lethe", fmt.Sprint("g", i), []string{"a", "b"}, nil)
		require.NoError(t, err)
	}
	return r
}

func (r *residue) id() (id wire.ID) {
	_, err := rand.Read(id[:])
	require.NoError(r, err)
	return id
}

// payload has a new mark somewhere in a text, which now and then is longer than a page of the file.
func (r *residue) payload() (mark string, payload msgp.Raw) {
	var b [15]byte
	_, err := rand.Read(b[:])
	require.NoError(r, err)
	mark = base32.StdEncoding.EncodeToString(b[:])
	around := r.random.IntN(300)
	if r.random.IntN(20) == 0 {
		around = r.random.IntN(10_000)
	}
	text := strings.Repeat("x", around) + mark + strings.Repeat("y", around)
	return mark, msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), text)
}

// fill puts messages into the conversations by turns, a few at a time, so that the tree of messages grows in all its places
// and its pages are split and filled again.
func (r *residue) fill(n int) {
	for n > 0 {
		some := make([]wire.Message, 1+r.random.IntN(8))
		n -= len(some)
		conversation := fmt.Sprint("GROUPg", r.random.IntN(conversations))
		marks := make([]string, len(some))
		for i := range some {
			some[i] = wire.Message{From: "a", Time: r.now, Type: wire.TypeText}
			marks[i], some[i].Payload = r.payload()
		}
		first, _, _, err := r.s.Import(r.Context(), "lethe", "a", conversation, some, r.now)
		require.NoError(r, err)
		for i, mark := range marks {
			r.sent = append(r.sent, &marked{conversation, first + uint64(i), mark, false})
		}
	}
}

// delete has the users delete messages.
func (r *residue) delete(messages []*marked, users ...string) {
	ranges := map[string]wire.Ranges{}
	for _, m := range messages {
		of := ranges[m.conversation]
		of.Add(m.seq)
		ranges[m.conversation] = of
	}
	for conversation, of := range ranges {
		for _, user := range users {
			_, err := r.s.Delete(r.Context(), server.Who{App: "lethe", User: user}, wire.Delete{
				OpID: r.id(), ConversationID: conversation, Scope: wire.ScopeRemote, What: wire.WhatMessages, Anchor: of.Max(), Ranges: of,
			}, server.Lethe, r.now)
			require.NoError(r, err)
		}
	}
}

// half picks about half of the messages that are there.
func (r *residue) half() (some []*marked) {
	for _, m := range r.sent {
		if !m.gone && r.random.IntN(2) == 0 {
			some = append(some, m)
		}
	}
	return some
}

func gone(messages []*marked) {
	for _, m := range messages {
		m.gone = true
	}
}

func (r *residue) purge(set server.Settings) {
	for more := true; more; {
		var err error
		more, err = r.s.Purge(r.Context(), "lethe", set, r.now)
		require.NoError(r, err)
	}
}

// files are the bytes of all files of the folder.
func (r *residue) files() (all []byte) {
	files, err := os.ReadDir(r.folder)
	require.NoError(r, err)
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(r.folder, file.Name()))
		require.NoError(r, err)
		all = append(all, data...)
	}
	return all
}

// look searches all files of the folder and counts the marks that are left of what is gone, and those that are missing of
// what is not.
func (r *residue) look() (left, lost int) {
	all := r.files()
	// One walk instead of one for each mark: marks are runs of letters that hardly anything else has. They are found by their
	// halves, since a long text is cut where a page ends.
	const half = 12
	there := map[string]bool{}
	isMark := func(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' }
	for at := 0; at < len(all); {
		end := at
		for end < len(all) && isMark(all[end]) {
			end++
		}
		for from := at; from+half <= end; from++ {
			there[string(all[from:from+half])] = true
		}
		at = end + 1
	}
	for _, m := range r.sent {
		found := there[m.mark[:half]] || there[m.mark[half:]]
		switch {
		case found && m.gone:
			left++
		case !found && !m.gone:
			lost++
		}
	}
	return left, lost
}

func (r *residue) check() {
	r.Helper()
	left, lost := r.look()
	require.Zero(r, left, "marks of what is gone are in the files")
	require.Zero(r, lost, "the search does not find what is there")
	var ok string
	require.NoError(r, raw(r.T, filepath.Join(r.folder, "lethe.db")).QueryRow(`PRAGMA integrity_check`).Scan(&ok))
	require.Equal(r, "ok", ok)
}

// SQLite leaves copies of rows in pages that it splits, which secure_delete does not reach.
func TestNothingIsLeftInTheGapsOfPages(t *testing.T) {
	r := newResidue(t)
	left := 0
	for round := 0; left == 0; round++ {
		require.Less(t, round, 20, "SQLite leaves nothing: there is nothing to scrub")
		r.fill(2000)
		some := r.half()
		r.delete(some, "a", "b")
		gone(some)
		r.purge(server.Lethe)
		require.NoError(t, r.s.CutLog(t.Context()))
		var lost int
		left, lost = r.look()
		require.Zero(t, lost)
	}
	t.Logf("without a scrub %d marks are left", left)
	erase(t, r.s)
	r.check()
}

// Whatever takes a message from the last view takes it from the files, and nothing more goes with it.
func TestNothingIsLeftOfWhatNobodySees(t *testing.T) {
	for name, take := range map[string]func(r *residue) server.Settings{
		"all members delete": func(r *residue) server.Settings {
			some := r.half()
			r.delete(some, "a", "b")
			gone(some)
			return server.Lethe
		},
		"one of two deletes": func(r *residue) server.Settings {
			r.delete(r.half(), "a")
			return server.Lethe
		},
		"retention": func(r *residue) server.Settings {
			gone(r.sent)
			r.now += 10 * day
			r.fill(300)
			return server.Tencent // 7 days
		},
		"recall": func(r *residue) server.Settings {
			some := r.half()[:100]
			for i, m := range some {
				q := wire.Recall{ConversationID: m.conversation, Seq: m.seq}
				var err error
				if i%2 == 0 {
					_, _, err = r.s.Recall(r.Context(), a, q, server.Lethe, r.now)
				} else {
					_, _, err = r.s.RecallByAdmin(r.Context(), "lethe", "", q, r.now)
				}
				require.NoError(r, err)
			}
			gone(some)
			return server.Lethe
		},
		"clearing for everybody": func(r *residue) server.Settings {
			_, err := r.s.Clear(r.Context(), "lethe", "", server.Clear{ConversationID: "GROUPg0"})
			require.NoError(r, err)
			for _, m := range r.sent {
				m.gone = m.conversation == "GROUPg0"
			}
			return server.Lethe
		},
		"both are wiped": func(r *residue) server.Settings {
			for _, user := range []string{"a", "b"} {
				require.NoError(r, r.s.Wipe(r.Context(), "lethe", user))
			}
			gone(r.sent)
			return server.Lethe
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResidue(t)
			r.fill(700)
			r.check()
			set := take(r)
			r.purge(set)
			erase(t, r.s)
			r.check()
		})
	}
}

// What a message said is not kept as a hash either: a short text would be guessed. Sending it again is still answered as it
// was.
func TestTheHashGoesWithTheMessage(t *testing.T) {
	for name, take := range map[string]func(r *residue, m *marked){
		"purged": func(r *residue, m *marked) {
			r.delete([]*marked{m}, "a", "b")
			r.purge(server.Lethe)
		},
		"recalled": func(r *residue, m *marked) {
			_, _, err := r.s.Recall(r.Context(), a, wire.Recall{ConversationID: m.conversation, Seq: m.seq}, server.Lethe, r.now)
			require.NoError(r, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResidue(t)
			_, payload := r.payload()
			send := wire.Send{SendID: r.id(), ConversationID: "GROUPg0", Type: wire.TypeText, Payload: payload}
			ack, _, err := r.s.Send(t.Context(), a, send, r.now)
			require.NoError(t, err)
			hash := func() (hash []byte) {
				db := raw(t, filepath.Join(r.folder, "lethe.db"))
				require.NoError(t, db.QueryRow(`SELECT hash FROM sends`).Scan(&hash))
				return hash
			}
			before := hash()
			require.Len(t, before, 32)
			take(r, &marked{conversation: "GROUPg0", seq: ack.Seq})
			require.Empty(t, hash())
			erase(t, r.s)
			require.NotContains(t, string(r.files()), string(before))
			again, repeated, err := r.s.Send(t.Context(), a, send, r.now)
			require.NoError(t, err)
			require.True(t, repeated)
			require.Equal(t, ack, again)
		})
	}
}
