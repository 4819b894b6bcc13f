package order

import "math/bits"

// rules are what the steps obey; a mutant is sound without one of them.
type rules uint64

const (
	lockWrites      rules = 1 << iota // 1: a writing transaction runs under the lock
	lockKeyless                       // 1: also one that writes no key
	neverStolen                       // 1: which nobody takes from its holder
	lockFirst                         // 1: and is taken before the transaction
	lockReclaim                       // 1: so does what carries out a note
	holdToFlush                       // 1: and a deletion keeps it from before its commit to the flush
	flushThenCommit                   // 2: a key is flushed before its row's commit
	commitThenErase                   // 2: a key is destroyed after the commit that takes its rows away
	flushThenTell                     // 2: erased is told after the flush
	noteInside                        // 2: a deletion's note is in its transaction
	noteUntilErased                   // 2: and stays until the keys are destroyed
	strictDeletion                    // 2: a deletion's commit is strict
	strictRewrite                     // 2: so is that of a row in another's place
	strictReseal                      // 2: and that of what a partial deletion reseals
	ownedFirst                        // 3: a key is written only where a committed transaction gave the pair away ...
	reserved                          // 3: ... or where all deletions overwrite: in the reserve
	refillLast                        // 3: ... as it was committed before: what refills it serves the next transaction
	cleanWhenTaken                    // 3: ... and a pair that leaves the reserve is overwritten
	freeWithNote                      // 3: pairs are free in the transaction that removes their note
	sweepAtStart                      // 3: a starting tab overwrites what nobody owns
	lockSweep                         // 3: under the lock
	recheckNote                       // 3: the note is read again under the lock
	otherBank                         // 4: a new version's key goes into the bank that is not in use
	abortErases                       // 4: an aborted transaction overwrites the keys it wrote
	otherBankErased                   // 4: a partial deletion destroys the banks not in use
	banksRead                         // 4: which these are is read when they are destroyed, under the lock
	bothWhereNone                     // 4: both, where no row is left
	freshKeys                         // 4: another attempt makes other keys
	rekey                             // 5: a partial deletion changes the conversation's key
	reseal                            // 5: and the segments' keys
	noteAlways                        // 5: also where only tail and preview had what is deleted
	screenGoes                        // 5: a deletion takes the first screen away
	screenErased                      // 5: and destroys its keys
	segmentsBySeq                     // 5: the segments are those of the seqs, whether rows are there or not
	checkLedger                       // 6: the ledger is the one the rows were filtered by
	checkRecord                       // 6: the rows are those that were read
	retire                            // 7: a whole deletion retires the ordinal
	boundaryKept                      // 7: what is left of a segment that the boundary cuts stays
	ledgerApart                       // 8: the ledger needs no destroyed key
	tellInOrder                       // a deletion tells nothing while an older one's whole note stands
	oldestFirst                       // notes are carried out oldest first
	tellWhenGone                      // a note of a retired ordinal tells nothing, nor does a deletion while notes stand
	cacheChecked                      // a key in memory is used only while no other was written in its place

	everything = cacheChecked<<1 - 1
)

var ruleNames = []string{
	"lockWrites",
	"lockKeyless",
	"neverStolen",
	"lockFirst",
	"lockReclaim",
	"holdToFlush",
	"flushThenCommit",
	"commitThenErase",
	"flushThenTell",
	"noteInside",
	"noteUntilErased",
	"strictDeletion",
	"strictRewrite",
	"strictReseal",
	"ownedFirst",
	"reserved",
	"refillLast",
	"cleanWhenTaken",
	"freeWithNote",
	"sweepAtStart",
	"lockSweep",
	"recheckNote",
	"otherBank",
	"abortErases",
	"otherBankErased",
	"banksRead",
	"bothWhereNone",
	"freshKeys",
	"rekey",
	"reseal",
	"noteAlways",
	"screenGoes",
	"screenErased",
	"segmentsBySeq",
	"checkLedger",
	"checkRecord",
	"retire",
	"boundaryKept",
	"ledgerApart",
	"tellInOrder",
	"oldestFirst",
	"tellWhenGone",
	"cacheChecked",
}

func (r rules) String() string { return ruleNames[bits.TrailingZeros64(uint64(r))] }

// Two orders are sound. In the one, pairs are given away in a transaction before the one that writes keys there; in the other
// they come from a reserve that every deletion overwrites, which saves that transaction.
const (
	ownedOrder   = everything &^ (reserved | refillLast | cleanWhenTaken)
	reserveOrder = everything &^ ownedFirst
)

func (r rules) has(one rules) bool { return r&one != 0 }
