package storetest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// model is what one user should see of the group: the naive way, seq by seq.
type model struct {
	member  bool
	visible map[uint64]bool // in a span and not deleted
	read    uint64
	reach   uint64
}

func (m *model) seqs() (seqs []uint64) {
	for s, ok := range m.visible {
		if ok {
			seqs = append(seqs, s)
		}
	}
	slices.Sort(seqs)
	return seqs
}

var modelCases = []testCase{
	{"random operations against a naive model", func(f *fixture) {
		seed := uint64(time.Now().UnixNano())
		f.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		users := []string{"a", "b", "c"}
		f.group("g")
		models := map[string]*model{}
		for _, u := range users {
			models[u] = &model{visible: map[uint64]bool{}}
		}
		var times []int64 // by seq - 1
		var senders []string
		ever := map[string]bool{}
		reached := map[uint64]bool{} // in somebody's span
		for range 150 {
			u := users[r.IntN(len(users))]
			m := models[u]
			switch r.IntN(10) {
			case 0, 1:
				if m.member {
					f.members("g", nil, []string{u})
				} else {
					f.members("g", []string{u}, nil)
					m.reach, ever[u] = uint64(len(times)), true
				}
				m.member = !m.member
			case 6:
				f.purge(server.Lethe) // it takes from no view
			case 2, 3, 4, 5:
				first := f.now + int64(r.IntN(3))
				n := 1 + r.IntN(120)
				f.fill(u, "GROUPg", n, first, int64(r.IntN(2)))
				for i := range n {
					times = append(times, first+int64(i)*(f.now-first)/int64(max(1, n-1)))
					senders = append(senders, u)
					for _, other := range models {
						if other.member {
							other.visible[uint64(len(times))] = true
							reached[uint64(len(times))] = true
							other.reach = uint64(len(times))
						}
					}
				}
			default:
				if ever[u] {
					f.randomDelete(r, u, m, times)
				}
			}
			if ever[u] {
				f.requireView(u, m, senders, uint32(1+r.IntN(300)))
			}
		}
		for _, u := range users {
			if ever[u] {
				f.requireView(u, models[u], senders, 77)
			}
		}
		// Of what was ever seen, stored is what somebody sees.
		f.purge(server.Lethe)
		for range min(200, len(times)) {
			seq := 1 + r.Uint64N(uint64(len(times)))
			if !reached[seq] {
				continue
			}
			seen := false
			for _, m := range models {
				seen = seen || m.visible[seq]
			}
			require.Equal(f, seen, len(f.storedOf("", "GROUPg", seq, seq)) == 1, "seq %d", seq)
		}
	}},
}

// randomDelete deletes something and does the same to the model.
func (f *fixture) randomDelete(r *rand.Rand, user string, m *model, times []int64) {
	f.Helper()
	d := wire.Delete{ConversationID: "GROUPg", Anchor: r.Uint64N(m.reach + 1)}
	drop := func(gone func(seq uint64) bool) {
		for seq := range m.visible {
			if seq <= d.Anchor && gone(seq) {
				delete(m.visible, seq)
			}
		}
	}
	switch kind := r.IntN(10); {
	case kind == 0:
		d.What, d.Anchor = wire.WhatConversation, d.Anchor/2
		drop(func(uint64) bool { return true })
		m.read = max(m.read, d.Anchor)
	case kind < 3 && d.Anchor > 0:
		d.What, d.Before = wire.WhatTime, times[r.IntN(int(d.Anchor))]
		through := uint64(0)
		for through < d.Anchor && times[through] < d.Before {
			through++
		}
		drop(func(seq uint64) bool { return seq <= through })
		m.read = max(m.read, through)
	case d.Anchor > 0:
		d.What = wire.WhatMessages
		seq := 1 + r.Uint64N(d.Anchor)
		for range 1 + r.IntN(200) {
			d.Ranges.Add(seq)
			if r.IntN(4) == 0 {
				seq = 1 + r.Uint64N(d.Anchor)
			} else {
				seq = min(seq+1, d.Anchor)
			}
		}
		drop(d.Ranges.Has)
	default:
		return
	}
	f.delete(user, d)
}

// requireView compares pages, count, newest and unread with the model.
func (f *fixture) requireView(user string, m *model, senders []string, limit uint32) {
	f.Helper()
	want := m.seqs()
	require.Equal(f, want, f.seqs(user, "GROUPg", limit), "%s's pages", user)
	require.Equal(f, uint64(len(want)), f.count(user, "GROUPg"), "%s's count", user)
	h := f.head(user, "GROUPg")
	require.Equal(f, m.reach, h.Head)
	require.Equal(f, m.read, h.ReadUpTo)
	unread := uint32(0)
	for _, seq := range want {
		if seq > m.read && senders[seq-1] != user {
			unread++
		}
	}
	require.Equal(f, unread, h.Unread, "%s's unread", user)
	if len(want) == 0 {
		require.Nil(f, h.Last)
	} else {
		require.Equal(f, want[len(want)-1], h.Last.Seq)
	}
}
