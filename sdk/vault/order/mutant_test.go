package order

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutants are the rules, each left out where that shows soon, and the promise that breaks.
var mutants = []struct {
	without  rules
	scenario string
	breaks   string
}{
	{lockWrites, "power cut, fold", "I4"},
	{neverStolen, "parts, another conversation", "I2"},
	{lockFirst, "parts, slices", "stuck"},
	{lockReclaim, "parts, fold", "I2"},
	{holdToFlush, "whole, pairs used again", "I2"},
	{flushThenCommit, "power cut, fold", "I2"},
	{commitThenErase, "parts, whole", "I4"},
	{flushThenTell, "power cut, whole", "I1"},
	{failedUntold, "whole, again", "I1"},
	{noteInside, "power cut, whole", "I5"},
	{noteUntilErased, "parts, fold", "I5"},
	{strictDeletion, "power cut, whole", "I3"},
	{strictRewrite, "power cut, fold", "I2"},
	{strictReseal, "power cut, parts", "I2"},
	{intentWritten, "whole, page", "I1"},
	{intentWritten, "parts, only in a failed commit, no pairs", "I1"},
	{intentFirst, "whole, page", "I1"},
	{intentNumber, "whole, page", "I1"},
	{intentKept, "whole, page", "I1"},
	{intentChecked, "whole, page", "I1"},
	{intentOutcome, "parts, page", "I4"},
	{intentFlushed, "power cut, nothing stored", "I1"},
	{freeWithNote, "parts, whole", "I4"},
	{sweepAtStart, "power cut, whole afterwards", "I1"},
	{lockSweep, "parts, another conversation", "I2"},
	{recheckNote, "parts, whole", "I5"},
	{carriedAsRead, "parts, slices", "I1"},
	{rekeyNamed, "parts, up to the boundary", "I1"},
	{otherBank, "parts, fold", "I2"},
	{otherBankErased, "parts, fold", "I1"},
	{banksRead, "parts, boundary", "I4"},
	{bothWhereNone, "power cut, parts of what was lost", "I1"},
	{freshKeys, "parts, only in a failed commit, no pairs", "I1"},
	{rekey, "parts, fold", "I1"},
	{rekeyShown, "parts, up to the middle", "I1"},
	{reseal, "parts, boundary", "I1"},
	{noteAlways, "parts, fold", "I1"},
	{segmentsBySeq, "power cut, parts of what was lost", "I1"},
	{checkLedger, "whole, page", "I1"},
	{checkRecord, "parts, only in a failed commit", "I5"},
	{retire, "whole, live message", "I5"},
	{boundaryKept, "parts, boundary", "I5"},
	{ledgerApart, "power cut, whole", "I1"},
	{carryOthers, "whole, again", "I1"},
	{oldestFirst, "whole, stays in the list", "I1"},
	{reclaimRetired, "parts, whole", "I1"},
	{stillErasing, "parts, again", "I1"},
	{keysRead, "power cut, parts", "I2"},
}

// TestEveryRuleIsNeeded leaves out one rule at a time.
func TestEveryRuleIsNeeded(t *testing.T) {
	tried := notNeeded
	for _, m := range mutants {
		tried |= m.without
		t.Run(m.without.String()+", "+m.scenario, func(t *testing.T) {
			i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == m.scenario })
			require.GreaterOrEqual(t, i, 0)
			got := explore(scenarios[i], everything&^m.without)
			require.True(t, strings.HasPrefix(got.violation, m.breaks), "want %s: %s", m.breaks, got)
			t.Logf("after %d states: %s", got.states, got)
		})
	}
	require.Equal(t, everything, tried, "a rule was not tried")
}
