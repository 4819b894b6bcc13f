package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// faultUsers are all users on the disk that Faults strikes. a, b and c are in the group, c has left it; d has nothing.
var faultUsers = []string{"a", "b", "c", "d", "z"}

// furnish fills the store that Faults strikes: some of everything.
func furnish(f *fixture) {
	f.group("g", "a", "b", "c")
	f.fill("a", "GROUPg", 20, start, 10)
	f.fill("a", "C2Cb", 300, start, 10)
	f.members("g", nil, []string{"c"})
	for i := range byte(4) {
		s := newSend("GROUPg", "here")
		s.SendID = wire.ID{1, i + 1}
		_, _, err := f.s.Send(f.ctx, who("b"), s, f.now)
		require.NoError(f, err)
	}
	f.see(device("a", "1"), device("a", "2"), device("b", "1"))
	f.have(device("b", "1"), "C2Ca", 100)
	f.delete("b", wire.Delete{ConversationID: "C2Ca", What: wire.WhatMessages, Anchor: 300, Ranges: wire.RangesOf(3, 4, 270)})
	f.delete("c", wire.Delete{ConversationID: "GROUPg", What: wire.WhatConversation, Anchor: 10, Scope: wire.ScopeBoth})
	_, err := f.s.Read(f.ctx, who("b"), wire.Read{ConversationID: "C2Ca", UpTo: 30})
	require.NoError(f, err)
	_, err = f.s.PutGroup(f.ctx, app, "open", "all may", true)
	require.NoError(f, err)
	require.NoError(f, f.s.PutRoom(f.ctx, app, "r", "the room"))
	for _, d := range []server.Who{device("a", "1"), device("b", "1")} {
		d.Waiting = false
		_, err := f.s.Join(f.ctx, d, wire.Join{ConversationID: "ROOMr"}, server.Lethe)
		require.NoError(f, err)
		_, _, err = f.s.Send(f.ctx, d, newSend("ROOMr", "hello"), f.now)
		require.NoError(f, err)
	}
	_, err = f.s.Notice(f.ctx, app, "a", "news", wire.Message{Type: wire.TypeText, Payload: text("n")}, f.now)
	require.NoError(f, err)
	_, _, err = f.s.RecallByAdmin(f.ctx, app, "", wire.Recall{ConversationID: "GROUPg", Seq: 22}, f.now)
	require.NoError(f, err)
	require.NoError(f, f.s.Revoke(f.ctx, app, server.Revocation{User: "d", Before: start}))
	for _, key := range []string{"answered", "claimed"} {
		_, _, err = f.s.Claim(f.ctx, app, key, []byte{2}, start)
		require.NoError(f, err)
	}
	require.NoError(f, f.s.KeepAnswer(f.ctx, app, "answered", server.Answer{Hash: []byte{2}, Body: []byte("yes")}, start))
	_, err = f.s.ChangeSettings(f.ctx, app, server.Lethe, func(set *server.Settings) error { return nil })
	require.NoError(f, err)
}

// views is all that each user sees, by the store's own reading methods.
func (w *faultWorld) views(t *testing.T, s server.Store) map[string]string {
	t.Helper()
	views := map[string]string{}
	for _, user := range faultUsers {
		views[user] = w.words(w.view(t, s, user))
	}
	return views
}

// view is all that a user sees.
func (w *faultWorld) view(t *testing.T, s server.Store, user string) []any {
	t.Helper()
	ctx, who := t.Context(), server.Who{App: app, User: user, Device: "1"}
	rows, err := s.Rows(ctx, who, 0, 1000)
	require.NoError(t, err)
	rest, err := s.Rest(ctx, who, func(string) bool { return false }, roomy)
	require.NoError(t, err)
	logs, err := s.Logs(ctx, who)
	require.NoError(t, err)
	settings, _, err := s.Settings(ctx, app)
	require.NoError(t, err)
	// They stand by the numbers of logs, which are random where the operation makes one.
	slices.SortStableFunc(rows.Spans, func(a, b wire.SpanRow) int { return strings.Compare(a.ConversationID, b.ConversationID) })
	slices.SortStableFunc(rows.Ledgers, func(a, b wire.LedgerRow) int { return strings.Compare(a.ConversationID, b.ConversationID) })
	slices.SortStableFunc(rows.Reads, func(a, b wire.ReadRow) int { return strings.Compare(a.ConversationID, b.ConversationID) })
	slices.SortStableFunc(rest.States, func(a, b wire.HeadState) int { return strings.Compare(a.ConversationID, b.ConversationID) })
	slices.SortFunc(logs, func(a, b server.OpenLog) int { return cmp.Compare(w.order(a.Log), w.order(b.Log)) })
	all := []any{rows, rest, logs, settings}
	names := map[string]bool{"ROOMr": true}
	for _, span := range rows.Spans {
		names[span.ConversationID] = true
	}
	for _, l := range logs {
		names[l.Room] = true
	}
	for _, name := range []string{"C2Ca", "C2Cb", "C2Cz", "GROUPg", "GROUPopen", "GROUPnew", "@TIM#SYSTEMnews", "@TIM#SYSTEMmore", "ROOMr", "ROOMnew"} {
		if !names[name] {
			continue
		}
		heads, err := s.Heads(ctx, who, []wire.Head{{ConversationID: name}}, roomy)
		require.NoError(t, err)
		if len(heads.Unknown) > 0 {
			all = append(all, heads)
			continue
		}
		page, err := s.Page(ctx, who, wire.PageRequest{ConversationID: name, Limit: wire.MaxPage}, roomy)
		require.NoError(t, err)
		given, err := s.Compensation(ctx, who, wire.PageRequest{ConversationID: name, Limit: wire.MaxPage}, start, roomy)
		require.NoError(t, err)
		count, err := s.Count(ctx, who, wire.CountRequest{ConversationID: name})
		require.NoError(t, err)
		recalls, err := s.Recalls(ctx, who, wire.RecallsRequest{ConversationID: name}, 100)
		require.NoError(t, err)
		all = append(all, heads, page, given, count, recalls)
	}
	return all
}

// order puts a log that the operation made behind the others.
func (w *faultWorld) order(log uint64) uint64 {
	if w.known[fmt.Sprint(log)] {
		return log
	}
	return 1<<64 - 1
}
