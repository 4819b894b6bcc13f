package sdk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

func kindsOf(effects []sessionEffect) (kinds []sessionEffectKind) {
	for _, e := range effects {
		kinds = append(kinds, e.kind)
	}
	return kinds
}

func TestSessionComesBackWithFullJitter(t *testing.T) {
	draw := 1.0
	s := session{random: func() float64 { return draw }}
	require.Equal(t, []sessionEffectKind{effectTell, effectDial}, kindsOf(s.step(sessionEvent{kind: sessionStart})))
	limit := backoffBase
	for i := 0; i < 10; i++ {
		for _, draw = range []float64{0, 0.5, 1} {
			again := s
			effects := again.step(sessionEvent{kind: sessionDropped, turn: s.turn, code: 1006})
			require.Equal(t, []sessionEffectKind{effectHang, effectTell, effectWait}, kindsOf(effects))
			require.Equal(t, time.Duration(draw*float64(limit)), effects[2].wait)
		}
		effects := s.step(sessionEvent{kind: sessionDropped, turn: s.turn, code: 1006})
		require.Equal(t, []sessionEffectKind{effectTell, effectDial}, kindsOf(s.step(sessionEvent{kind: sessionTimer, turn: effects[2].turn})))
		limit = min(2*limit, backoffCap)
	}
	require.Equal(t, backoffCap, limit)
	s.step(sessionEvent{kind: sessionOpened, turn: s.turn})
	s.step(sessionEvent{kind: sessionSynced, turn: s.turn})
	require.Zero(t, s.attempt, "being live forgets the failures")
}

func TestSessionIgnoresWhatIsOver(t *testing.T) {
	s := session{random: func() float64 { return 0 }}
	s.step(sessionEvent{kind: sessionStart})
	old := s.turn
	s.step(sessionEvent{kind: sessionStop})
	for _, kind := range []sessionEventKind{sessionOpened, sessionSynced, sessionDropped, sessionTimer} {
		require.Empty(t, s.step(sessionEvent{kind: kind, turn: old}))
	}
	s.step(sessionEvent{kind: sessionStart})
	require.Empty(t, s.step(sessionEvent{kind: sessionOpened, turn: old}), "an older attempt's success")
	require.Empty(t, s.step(sessionEvent{kind: sessionStart}), "one attempt at a time")
}

func TestSessionGivesUpWhenRefused(t *testing.T) {
	s := session{random: func() float64 { return 0 }}
	s.step(sessionEvent{kind: sessionStart})
	effects := s.step(sessionEvent{kind: sessionDropped, turn: s.turn, code: wire.CloseTokenExpired})
	require.Equal(t, []sessionEffectKind{effectHang, effectTell}, kindsOf(effects))
	require.Equal(t, wire.TokenExpired, effects[1].code)
	for _, code := range []wire.CloseCode{0, 1006, 1001, wire.CloseDraining, wire.CloseSlow} {
		s := session{random: func() float64 { return 0 }}
		s.step(sessionEvent{kind: sessionStart})
		require.Contains(t, kindsOf(s.step(sessionEvent{kind: sessionDropped, turn: s.turn, code: code})), effectWait, "%d", code)
	}
}

func TestOutboxOrder(t *testing.T) {
	o := newOutbox()
	for _, e := range []vault.Entry{
		{N: 1, Kind: vault.SendEntry, ConversationID: "a"},
		{N: 2, Kind: vault.SendEntry, ConversationID: "a"},
		{N: 3, Kind: vault.SendEntry, ConversationID: "b"},
		{N: 4, Kind: vault.DeleteEntry, ConversationID: "a"},
	} {
		o.add(e)
	}
	require.Equal(t, []uint64{1, 3, 4}, numbers(o.take(0)), "first in, first out per conversation; deletions overtake")
	require.Empty(t, o.take(0))
	o.settle(1)
	require.Equal(t, []uint64{2}, numbers(o.take(0)))
	o.retry(2, 500)
	require.EqualValues(t, 500, o.wake())
	require.Empty(t, o.take(499))
	require.Equal(t, []uint64{2}, numbers(o.take(500)))
	o.disconnected()
	require.Equal(t, []uint64{2, 3, 4}, numbers(o.take(0)), "what was under way is sent again")
	o.drop(func(e vault.Entry) bool { return e.N == 2 })
	o.disconnected()
	require.Equal(t, []uint64{3, 4}, numbers(o.take(0)))
}

func TestOutboxNeverFloods(t *testing.T) {
	o := newOutbox()
	for i := uint64(0); i < 100; i++ {
		o.add(vault.Entry{N: i, Kind: vault.DeleteEntry})
	}
	require.Len(t, o.take(0), inFlight)
	require.Empty(t, o.take(0))
}

func TestCatchUpAsksRowsThenHeadsThenTheRest(t *testing.T) {
	c := catchUp{epoch: 1, since: 5}
	rows, _ := c.next()
	require.Equal(t, &wire.RowsRequest{Epoch: 1, Since: 5}, rows)
	c.gotRows(&wire.Rows{Epoch: 2, N: 9, More: true})
	rows, _ = c.next()
	require.Equal(t, &wire.RowsRequest{Epoch: 2, Since: 9}, rows)
	c.gotRows(&wire.Rows{Epoch: 2, N: 12})
	require.Equal(t, needHeads, c.stage)
	c.withHeads(make([]wire.Head, wire.MaxHeads+3))
	_, heads := c.next()
	require.Len(t, heads.Heads, wire.MaxHeads)
	c.gotHeads(&wire.Heads{Done: 10}) // the answer was full
	_, heads = c.next()
	require.Len(t, heads.Heads, wire.MaxHeads-7)
	c.gotHeads(&wire.Heads{Done: uint32(len(heads.Heads))})
	_, heads = c.next()
	require.True(t, heads.Rest)
	c.gotHeads(&wire.Heads{More: true})
	require.Equal(t, askRest, c.stage)
	c.gotHeads(&wire.Heads{})
	require.Equal(t, caughtUp, c.stage)
}

func TestCatchUpEndsWhateverTheServerSays(t *testing.T) {
	c := catchUp{stage: askHeads, heads: make([]wire.Head, 3)}
	c.next()
	c.gotHeads(&wire.Heads{Done: 0})
	require.Equal(t, askRest, c.stage)
}
