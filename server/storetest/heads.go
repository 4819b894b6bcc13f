package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// headsWorld has a user a with conversations of every kind and fate, more than a store may read at once, and can tell what Heads and
// Rest have to answer: from pages, rows and recalls, a conversation at a time.
type headsWorld struct {
	*fixture
	random  *rand.Rand
	names   []string           // a's conversations, and some that are none
	times   map[uint64][]int64 // by log, by seq - 1
	from    map[string]uint64  // by room, the first seq that a's device 1 may see
	cleared map[uint64]uint64  // by log of a room, up to where its messages are gone, and their times with them
}

func newHeadsWorld(f *fixture) *headsWorld {
	seed := uint64(time.Now().UnixNano())
	f.Logf("seed %d", seed)
	return &headsWorld{
		fixture: f, random: rand.New(rand.NewPCG(seed, 3)),
		times: map[uint64][]int64{}, from: map[string]uint64{}, cleared: map[uint64]uint64{},
	}
}

func (w *headsWorld) chance(in int) bool { return w.random.IntN(in) == 0 }

// say lets others, and now and then a, say something.
func (w *headsWorld) say(as, conversation, other string, n int) {
	w.Helper()
	messages := make([]wire.Message, n)
	for i := range messages {
		w.now += w.random.Int64N(3)
		messages[i] = wire.Message{From: other, Time: w.now, Type: wire.TypeText, Payload: text(fmt.Sprint("m", w.now))}
		if w.chance(5) {
			messages[i].From = "a"
		}
	}
	_, last, log, err := w.s.Import(w.ctx, app, as, conversation, messages, w.now)
	require.NoError(w, err)
	for _, m := range messages {
		w.times[log] = append(w.times[log], m.Time)
	}
	require.Len(w, w.times[log], int(last))
}

// some is how many messages are said: mostly few, at times of several segments.
func (w *headsWorld) some() int {
	if w.chance(8) {
		return 1 + w.random.IntN(600)
	}
	return 1 + w.random.IntN(4)
}

func (w *headsWorld) makeC2C(name string) {
	w.say("a", "C2C"+name, name, w.some())
	if w.chance(3) {
		w.send("a", "C2C"+name, "mine")
		log := w.head("a", "C2C"+name).Log
		w.times[log] = append(w.times[log], w.now)
	}
	w.fate("C2C"+name, name)
	if w.chance(4) {
		w.delete(name, wire.Delete{ConversationID: "C2Ca", What: wire.WhatConversation, Anchor: w.head(name, "C2Ca").Head})
	}
}

func (w *headsWorld) makeGroup(name string) {
	w.group(name, "a", "z")
	for range w.random.IntN(3) {
		w.say("", "GROUP"+name, "z", w.some())
		if w.chance(2) {
			w.members(name, nil, []string{"a"})
			if w.chance(2) {
				w.say("", "GROUP"+name, "z", w.some())
			}
			if w.chance(2) {
				w.members(name, []string{"a"}, nil)
			}
		}
	}
	w.fate("GROUP"+name, "")
}

// fate lets a read, delete and lose something of a conversation, or nothing; peer is who names it C2Ca.
func (w *headsWorld) fate(conversation, peer string) {
	h := w.head("a", conversation)
	if h.Head == 0 {
		return
	}
	upTo := h.Head - w.random.Uint64N(min(h.Head, 10))
	if w.chance(2) {
		_, err := w.s.Read(w.ctx, who("a"), wire.Read{ConversationID: conversation, UpTo: upTo})
		require.NoError(w, err)
	}
	switch w.random.IntN(6) {
	case 0:
		w.delete("a", wire.Delete{ConversationID: conversation, What: wire.WhatConversation, Anchor: upTo, Hide: w.chance(2)})
	case 1:
		newest := run(h.Head-w.random.Uint64N(min(h.Head, 3)), h.Head)
		w.delete("a", wire.Delete{ConversationID: conversation, What: wire.WhatMessages, Anchor: h.Head, Ranges: wire.RangesOf(newest...)})
	case 2:
		w.delete("a", wire.Delete{ConversationID: conversation, What: wire.WhatMessages, Anchor: h.Head, Ranges: wire.RangesOf(upTo, 1)})
	case 3:
		as := "a"
		if peer == "" {
			as = ""
		}
		_, err := w.s.Clear(w.ctx, app, as, server.Clear{ConversationID: conversation, Before: w.now - w.random.Int64N(4)})
		require.NoError(w, err)
	case 4:
		_, _, err := w.s.RecallByAdmin(w.ctx, app, "a", wire.Recall{ConversationID: conversation, Seq: upTo}, w.now)
		require.NoError(w, err)
	}
}

// talk lets z say something in a room.
func (w *headsWorld) talk(conversation string) {
	w.Helper()
	z := on("z", "1")
	_, err := w.s.Join(w.ctx, z, wire.Join{ConversationID: conversation}, server.Lethe)
	require.NoError(w, err)
	for range 1 + w.random.IntN(4) {
		w.now++
		ack, _, err := w.s.Send(w.ctx, z, newSend(conversation, "x"), w.now)
		require.NoError(w, err)
		w.times[ack.Log] = append(w.times[ack.Log], ack.Time)
	}
}

func (w *headsWorld) makeRoom(name string) {
	conversation := "ROOM" + name
	w.room(name)
	w.talk(conversation)
	set := server.Lethe
	set.RoomCloudHistory = w.chance(2)
	ack, err := w.s.Join(w.ctx, on("a", "1"), wire.Join{ConversationID: conversation}, set)
	require.NoError(w, err)
	w.from[conversation] = ack.From
	if w.chance(2) {
		w.talk(conversation)
	}
	switch w.random.IntN(5) {
	case 0:
		through, err := w.s.ClearRoom(w.ctx, app, name)
		require.NoError(w, err)
		h, err := w.s.Heads(w.ctx, on("a", "1"), []wire.Head{{ConversationID: conversation}}, roomy)
		require.NoError(w, err)
		w.cleared[h.States[0].Log] = through
	case 1:
		_, err := w.s.Leave(w.ctx, on("a", "1"), wire.Leave{ConversationID: conversation})
		require.NoError(w, err)
	case 2:
		_, err := w.s.CloseRoom(w.ctx, app, name)
		require.NoError(w, err)
	}
}

// make makes the world.
func (w *headsWorld) make() {
	each := 60
	if testing.Short() { // still more than a store reads at once
		each = 30
	}
	for i := range each {
		w.makeC2C(fmt.Sprint("p", i))
		w.makeGroup(fmt.Sprint("g", i))
		w.names = append(w.names, fmt.Sprint("C2Cp", i), fmt.Sprint("GROUPg", i))
	}
	for i := range 8 {
		w.makeRoom(fmt.Sprint("r", i))
		w.names = append(w.names, fmt.Sprint("ROOMr", i))
	}
	// What is unread of many segments, with little deleted singly.
	w.group("long", "a", "z")
	w.say("", "GROUPlong", "z", 40*wire.SegmentSize)
	w.delete("a", wire.Delete{ConversationID: "GROUPlong", What: wire.WhatMessages, Anchor: 40 * wire.SegmentSize, Ranges: wire.RangesOf(2000, 5000)})
	for _, sender := range []string{"", "news"} {
		ack, err := w.s.Notice(w.ctx, app, "a", sender, wire.Message{Type: wire.TypeText, Payload: text("n")}, w.now)
		require.NoError(w, err)
		w.times[ack.Log] = append(w.times[ack.Log], ack.Time)
	}
	w.purge(server.Lethe)
	w.group("others", "y", "z")
	w.names = append(w.names, "GROUPlong", "@TIM#SYSTEM", "@TIM#SYSTEMnews",
		"C2Cnobody", "GROUPothers", "GROUPnone", "ROOMnone", "@TIM#SYSTEMnobody", "junk", "", "C2C", "GROUP\x00", "GROUPr1", "ROOMg1")
	w.random.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
}

// expected is a conversation's state, nil if there is none.
type expected struct {
	wire.HeadState
	messages []wire.Message // by falling seq
	hidden   bool
}

// expect tells what each of the conversations is, by its name.
func (w *headsWorld) expect(who server.Who) map[string]*expected {
	w.Helper()
	all := map[string]*expected{}
	rows := w.rows("a", 0, 100_000)
	for _, name := range w.names {
		if _, err := w.s.Count(w.ctx, who, wire.CountRequest{ConversationID: name}); err != nil {
			require.Contains(w, []wire.Code{wire.ConversationNotFound, wire.ConversationIDInvalid, wire.NotInRoom}, wire.CodeOf(err), "%v", err)
			continue
		}
		e := &expected{HeadState: wire.HeadState{ConversationID: name}}
		all[name] = e
		for below := uint64(0); ; {
			p, err := w.s.Page(w.ctx, who, wire.PageRequest{ConversationID: name, Below: below, Limit: wire.MaxPage}, 16*roomy)
			require.NoError(w, err)
			e.Log, e.Head = p.Log, p.Head
			part := w.messages(p)
			slices.Reverse(part)
			e.messages = append(e.messages, part...)
			if below = p.From; p.First {
				break
			}
		}
		if len(e.messages) > 0 {
			e.Last = &e.messages[0]
		}
		recalls, err := w.s.Recalls(w.ctx, who, wire.RecallsRequest{ConversationID: name}, 1000)
		require.NoError(w, err)
		for _, r := range recalls.Recalls {
			e.Recall = r.Change
		}
		newest := uint64(0) // that a span reaches
		if from, ok := w.from[name]; ok && from <= e.Head {
			newest = e.Head
		}
		for _, s := range rows.Spans {
			if s.ConversationID == name && s.Left == 0 && s.Joined <= e.Head {
				newest = e.Head
			} else if s.ConversationID == name && s.Left > s.Joined {
				newest = max(newest, s.Left-1)
			}
		}
		if newest > w.cleared[e.Log] {
			e.Time = w.times[e.Log][newest-1]
		}
		for _, m := range rows.Reads {
			if m.ConversationID == name {
				e.ReadUpTo = m.UpTo
			}
		}
		ledger := w.ledger("a", name, wire.SurfaceHistory)
		e.hidden = ledger.Hides(e.Head)
	}
	return all
}

// state is what a device with that read mark is told.
func (e *expected) state(readUpTo uint64) wire.HeadState {
	h := e.HeadState
	for _, m := range e.messages {
		if m.Seq > max(h.ReadUpTo, readUpTo) && m.From != "a" {
			h.Unread++
		}
	}
	return h
}

// checkHeads asks for all, of which the device has most, in answers of at most so many bytes.
func (w *headsWorld) checkHeads(who server.Who, all map[string]*expected, maxBytes int) {
	w.Helper()
	var asked []wire.Head
	for _, name := range append(slices.Clone(w.names), w.names[:10]...) { // some twice
		head := wire.Head{ConversationID: name}
		if e := all[name]; e != nil && !w.chance(3) {
			head.Head, head.ReadUpTo, head.Recall = e.Head, e.ReadUpTo, e.Recall
		}
		switch w.random.IntN(12) {
		case 0:
			head.Head++
		case 1:
			head.ReadUpTo += 1 + w.random.Uint64N(5)
		case 2:
			head.Recall++
		}
		asked = append(asked, head)
	}
	for len(asked) > 0 {
		var want wire.Heads
		left := maxBytes
		for _, head := range asked {
			if e := all[head.ConversationID]; e == nil {
				want.Unknown = append(want.Unknown, head.ConversationID)
			} else if head.Head == 0 || head.Head != e.Head || head.ReadUpTo != e.ReadUpTo || head.Recall != e.Recall {
				state := e.state(head.ReadUpTo)
				if len(want.States) > 0 && state.Msgsize() > left {
					break
				}
				left -= state.Msgsize()
				want.States = append(want.States, state)
			}
			want.Done++
		}
		got, err := w.s.Heads(w.ctx, who, asked, maxBytes)
		require.NoError(w, err)
		require.Equal(w, want, got)
		asked = asked[want.Done:]
	}
}

// checkRest asks for what a device has not named that has named some, in answers of at most so many bytes.
func (w *headsWorld) checkRest(who server.Who, all map[string]*expected, maxBytes int) {
	w.Helper()
	named := map[string]bool{}
	var rest []wire.HeadState // by rising log
	for name, e := range all {
		if _, room := w.from[name]; room || e.hidden {
			continue
		}
		if named[name] = w.chance(4); !named[name] {
			rest = append(rest, e.state(0))
		}
	}
	slices.SortFunc(rest, func(a, b wire.HeadState) int { return cmp.Compare(a.Log, b.Log) })
	for more := true; more; {
		var want wire.Heads
		left := maxBytes
		for want.More = false; len(rest) > 0; rest = rest[1:] {
			if want.More = len(want.States) > 0 && rest[0].Msgsize() > left; want.More {
				break
			}
			left -= rest[0].Msgsize()
			want.States = append(want.States, rest[0])
		}
		got, err := w.s.Rest(w.ctx, who, func(name string) bool { return named[name] }, maxBytes)
		require.NoError(w, err)
		require.Equal(w, want, got)
		for _, s := range got.States {
			named[s.ConversationID] = true
		}
		more = got.More
	}
}

var headsWorldCases = []testCase{
	{"heads and the rest are what pages, rows and recalls tell", func(f *fixture) {
		w := newHeadsWorld(f)
		w.make()
		waiting := device("a", "2")
		w.see(waiting)
		for _, name := range w.names[:len(w.names)/2] {
			w.have(waiting, name, 1+w.random.Uint64N(20))
		}
		devices := []server.Who{on("a", "1"), waiting, on("a", "3")}
		if testing.Short() {
			devices = devices[:2]
		}
		for _, who := range devices {
			all := w.expect(who)
			for _, maxBytes := range []int{16 * roomy, 40_000, 3000, 1} {
				w.checkHeads(who, all, maxBytes)
				w.checkRest(who, all, maxBytes)
			}
		}
	}},
}
