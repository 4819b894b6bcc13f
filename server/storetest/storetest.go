// Package storetest is the contract of server.Store as a test suite. Every implementation runs it.
package storetest

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Run holds the stores that open makes to the contract. Each case has an empty one, and closes it.
func Run(t *testing.T, open func(t *testing.T) server.Store) {
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"Send", sendCases}, {"Cancel", cancelCases}, {"Delete", deleteCases}, {"DeleteByTime", timeCases},
		{"Ledgers", ledgerCases}, {"Read", readCases}, {"Page", pageCases}, {"Rows", rowsCases}, {"Heads", headsCases}, {"HeadsWorld", headsWorldCases},
		{"Groups", groupCases}, {"Join", joinCases}, {"Rooms", roomCases}, {"Recall", recallCases}, {"Quote", quoteCases},
		{"Notices", noticeCases}, {"Import", importCases}, {"Forget", forgetCases},
		{"Compensation", compensationCases}, {"Settings", settingsCases},
		{"Devices", deviceCases}, {"Answers", answerCases}, {"Revocations", revocationCases}, {"StorageNotEnabled", notEnabledCases},
		{"Delivery", deliveryCases}, {"Retention", retentionCases}, {"Purge", purgeCases}, {"Clear", clearCases}, {"Wipe", wipeCases},
		{"Concurrency", concurrencyCases}, {"Model", modelCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					s := open(t)
					t.Cleanup(func() { require.NoError(t, s.Close()) })
					c.run(&fixture{T: t, s: s, ctx: t.Context(), now: start})
				})
			}
		})
	}
}

type testCase struct {
	name string
	run  func(*fixture)
}

const (
	app   = "lethe"
	start = int64(1_790_000_000_000) // ms
	day   = int64(24 * 3600 * 1000)
)

// fixture is a store with a clock of its own.
type fixture struct {
	*testing.T
	s   server.Store
	ctx context.Context
	now int64
}

func who(user string) server.Who { return server.Who{App: app, User: user} }

func newID() (id wire.ID) {
	if _, err := rand.Read(id[:]); err != nil {
		panic(err)
	}
	return id
}

func text(s string) msgp.Raw {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), s)
}

func newSend(conversation, s string) wire.Send {
	return wire.Send{SendID: newID(), ConversationID: conversation, Type: wire.TypeText, Payload: text(s)}
}

// send sends one message, one ms after the one before.
func (f *fixture) send(user, conversation, s string) wire.SendAck {
	f.Helper()
	f.now++
	ack, repeated, err := f.s.Send(f.ctx, who(user), newSend(conversation, s), f.now)
	require.NoError(f, err)
	require.False(f, repeated)
	return ack
}

// fill imports n messages from user, the first at first ms, step ms apart.
func (f *fixture) fill(user, conversation string, n int, first, step int64) {
	f.Helper()
	messages := make([]wire.Message, n)
	for i := range messages {
		messages[i] = wire.Message{From: user, Time: first + int64(i)*step, Type: wire.TypeText, Payload: text("m")}
	}
	f.now = max(f.now, messages[n-1].Time)
	_, _, _, err := f.s.Import(f.ctx, app, user, conversation, messages, f.now)
	require.NoError(f, err)
}

func (f *fixture) group(id string, members ...string) uint64 {
	f.Helper()
	_, err := f.s.PutGroup(f.ctx, app, id, "the "+id, false)
	require.NoError(f, err)
	_, log := f.members(id, members, nil)
	return log
}

func (f *fixture) members(id string, add, remove []string) ([]string, uint64) {
	f.Helper()
	changed, log, err := f.s.Members(f.ctx, app, id, add, remove)
	require.NoError(f, err)
	return changed, log
}

func (f *fixture) delete(user string, d wire.Delete) wire.DeleteAck {
	f.Helper()
	ack, err := f.tryDelete(user, d)
	require.NoError(f, err)
	return ack
}

// tryDelete gives the deletion an OpID and the scope remote where it has none.
func (f *fixture) tryDelete(user string, d wire.Delete) (wire.DeleteAck, error) {
	if d.OpID == (wire.ID{}) {
		d.OpID = newID()
	}
	if d.Scope == 0 {
		d.Scope = wire.ScopeRemote
	}
	return f.s.Delete(f.ctx, who(user), d, server.Lethe, f.now)
}

func (f *fixture) number(user string) uint64 {
	f.Helper()
	n, _, err := f.s.Number(f.ctx, who(user))
	require.NoError(f, err)
	return n
}

func (f *fixture) count(user, conversation string) uint64 {
	f.Helper()
	c, err := f.s.Count(f.ctx, who(user), wire.CountRequest{ConversationID: conversation})
	require.NoError(f, err)
	return c.Messages
}

const roomy = 1 << 20

func (f *fixture) page(user string, p wire.PageRequest) wire.Page {
	f.Helper()
	page, err := f.s.Page(f.ctx, who(user), p, roomy)
	require.NoError(f, err)
	return page
}

// messages unpacks a page.
func (f *fixture) messages(p wire.Page) (all []wire.Message) {
	f.Helper()
	for i := range p.Batches {
		m, err := p.Batches[i].Messages()
		require.NoError(f, err)
		require.NotEmpty(f, m)
		all = append(all, m...)
	}
	return all
}

// seqs pages through the whole view and returns its seqs. It checks that the pages join without a gap.
func (f *fixture) seqs(user, conversation string, limit uint32) []uint64 {
	f.Helper()
	var seqs []uint64
	for below := uint64(0); ; {
		p := f.page(user, wire.PageRequest{ConversationID: conversation, Below: below, Limit: limit})
		if below != 0 {
			require.Equal(f, below-1, p.To)
		}
		require.LessOrEqual(f, p.From, p.To+1)
		var part []uint64
		for _, m := range f.messages(p) {
			require.True(f, p.From <= m.Seq && m.Seq <= p.To)
			part = append(part, m.Seq)
		}
		seqs = append(part, seqs...)
		if p.First {
			require.Equal(f, uint64(1), p.From, "the first page goes to the log's beginning")
			return seqs
		}
		require.NotEmpty(f, part, "a page that is not the first brings something")
		below = p.From
	}
}

// ledger joins all rows of one ledger that the user's device would get, starting from nothing.
func (f *fixture) ledger(user, conversation string, surface wire.Surface) (l wire.Ledger) {
	f.Helper()
	for _, row := range f.rows(user, 0, 100).Ledgers {
		if row.ConversationID == conversation && row.Surface == surface {
			l.Join(row.Ledger)
		}
	}
	return l
}

// rows collects what a device gets that asks in slices of limit from since on.
func (f *fixture) rows(user string, since uint64, limit int) (all wire.Rows) {
	f.Helper()
	all.After = since
	for {
		r, err := f.s.Rows(f.ctx, who(user), since, limit)
		require.NoError(f, err)
		require.Equal(f, since, r.After)
		all.Epoch, all.N = r.Epoch, r.N
		all.Ledgers = append(all.Ledgers, r.Ledgers...)
		all.Reads = append(all.Reads, r.Reads...)
		all.Spans = append(all.Spans, r.Spans...)
		if !r.More {
			return all
		}
		require.Greater(f, r.N, since)
		since = r.N
	}
}

func (f *fixture) head(user, conversation string) wire.HeadState {
	f.Helper()
	h, err := f.s.Heads(f.ctx, who(user), []wire.Head{{ConversationID: conversation}}, roomy)
	require.NoError(f, err)
	require.Len(f, h.States, 1)
	require.EqualValues(f, 1, h.Done)
	return h.States[0]
}

func requireCode(t require.TestingT, code wire.Code, err error) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	require.Error(t, err)
	require.Equal(t, code.Name(), wire.CodeOf(err).Name(), "%v", err)
}

// run makes the run first … last.
func run(first, last uint64) (seqs []uint64) {
	for s := first; s <= last; s++ {
		seqs = append(seqs, s)
	}
	return seqs
}
