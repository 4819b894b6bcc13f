package order

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func find(t *testing.T, name string) scenario {
	t.Helper()
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return scenarios[i]
}

// TestOrderHolds searches every scenario whole, in both orders that are sound.
func TestOrderHolds(t *testing.T) {
	total := 0
	for _, s := range scenarios {
		for name, r := range map[string]rules{"owned first": ownedOrder, "reserve": reserveOrder} {
			got := explore(s, r)
			require.Empty(t, got.violation, "%s, %s: %s", s.name, name, got)
			t.Logf("%s, %s: %s", s.name, name, got)
			total += got.states
		}
	}
	t.Logf("%d states in all", total)
}

// mutants are the rules, each left out where that shows soonest, and the promise that breaks.
var mutants = []struct {
	without  rules
	of       rules
	scenario string
	breaks   string
}{
	{lockWrites, ownedOrder, "parts, fold", "I2"},
	{neverStolen, ownedOrder, "parts, first screen", "I2"},
	{lockFirst, ownedOrder, "parts, first screen", "stuck"},
	{lockReclaim, ownedOrder, "parts, fold", "I2"},
	{holdToFlush, ownedOrder, "whole, pairs used again", "I2"},
	{flushThenCommit, ownedOrder, "power cut, fold", "I2"},
	{commitThenErase, ownedOrder, "parts, whole", "I4"},
	{flushThenTell, ownedOrder, "power cut, whole", "I1"},
	{noteInside, ownedOrder, "power cut, whole", "I5"},
	{noteUntilErased, ownedOrder, "parts, fold", "I5"},
	{strictDeletion, ownedOrder, "power cut, whole", "I3"},
	{strictRewrite, ownedOrder, "power cut, fold", "I2"},
	{strictReseal, ownedOrder, "power cut, parts", "I2"},
	{ownedFirst, ownedOrder, "whole, page", "I1"},
	{ownedFirst, ownedOrder, "parts, only in a failed commit, no pairs", "I1"},
	{reserved, reserveOrder, "whole, page", "I1"},
	{refillLast, reserveOrder, "whole, free pairs below the reserve", "I1"},
	{cleanWhenTaken, reserveOrder, "parts, another conversation", "I1"},
	{freeWithNote, ownedOrder, "parts, whole", "I4"},
	{sweepAtStart, ownedOrder, "power cut, whole afterwards", "I1"},
	{sweepAtStart, reserveOrder, "power cut, reserve lost", "I1"},
	{lockSweep, ownedOrder, "parts, another conversation", "I2"},
	{recheckNote, ownedOrder, "parts, whole", "I5"},
	{otherBank, ownedOrder, "parts, fold", "I2"},
	{otherBankErased, ownedOrder, "parts, fold", "I1"},
	{banksRead, ownedOrder, "parts, boundary", "I4"},
	{bothWhereNone, ownedOrder, "parts, boundary", "I1"},
	{freshKeys, ownedOrder, "parts, fold", "I1"},
	{rekey, ownedOrder, "parts, fold", "I1"},
	{reseal, ownedOrder, "parts, boundary", "I1"},
	{noteAlways, ownedOrder, "parts, fold", "I1"},
	{segmentsBySeq, ownedOrder, "parts, only in a failed commit", "I1"},
	{screenGoes, ownedOrder, "parts, first screen", "I3"},
	{screenErased, ownedOrder, "whole, first screen", "I1"},
	{checkLedger, ownedOrder, "whole, page", "I1"},
	{checkRecord, ownedOrder, "parts, only in a failed commit", "I5"},
	{retire, ownedOrder, "whole, live message", "I5"},
	{boundaryKept, ownedOrder, "parts, boundary", "I5"},
	{ledgerApart, ownedOrder, "power cut, whole", "I1"},
	{tellInOrder, ownedOrder, "whole, stays in the list", "I1"},
	{oldestFirst, ownedOrder, "whole, stays in the list", "I1"},
	{tellWhenGone, ownedOrder, "parts, whole", "I1"},
	{cacheChecked, ownedOrder, "parts, parts", "I2"},
}

// TestEveryRuleIsNeeded leaves out one rule at a time.
func TestEveryRuleIsNeeded(t *testing.T) {
	tried := notNeeded
	for _, m := range mutants {
		tried |= m.without
		t.Run(m.without.String()+", "+m.scenario, func(t *testing.T) {
			got := explore(find(t, m.scenario), m.of&^m.without)
			require.True(t, strings.HasPrefix(got.violation, m.breaks), "want %s: %s", m.breaks, got)
			t.Logf("after %d states: %s", got.states, got)
		})
	}
	require.Equal(t, everything, tried, "a rule was not tried")
}

// notNeeded is what can be left out, given the other rules. An aborted transaction leaves its keys in the conversation's own banks
// or in the reserve, which every deletion that could name them overwrites; destroying them at once is good manners. A transaction
// that writes no key, and reads the conversation's inside, is in order by being a transaction.
const notNeeded = abortErases | lockKeyless

// TestNotNeeded leaves them out, both at once. That a starting tab carries out the notes before it allocates
// is no rule here either: "starting tab writes first" does the opposite.
func TestNotNeeded(t *testing.T) {
	for _, name := range []string{
		"whole, page", "whole, live message", "whole, stays in the list", "parts, fold", "parts, parts", "parts, first screen",
		"parts, only in a failed commit, no pairs", "power cut, parts",
	} {
		s := find(t, name)
		for _, r := range []rules{ownedOrder, reserveOrder} {
			got := explore(s, r&^notNeeded)
			require.Empty(t, got.violation, "%s: %s", s.name, got)
		}
	}
}

// TestPairsOfTheSameTransaction shows why neither order gives pairs away in the transaction that writes their keys: it would do
// while nobody dies, if aborted transactions destroyed their keys, but a tab that dies between key and commit cannot.
func TestPairsOfTheSameTransaction(t *testing.T) {
	same := ownedOrder &^ ownedFirst
	for _, name := range []string{"whole, page", "parts, only in a failed commit, no pairs"} {
		s := find(t, name)
		require.Contains(t, explore(s, same).violation, "I1")
		s.deaths = 0
		require.Empty(t, explore(s, same).violation)
		require.Contains(t, explore(s, same&^abortErases).violation, "I1")
	}
}
