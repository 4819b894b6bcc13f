package order

import "math/bits"

// rules are what the steps obey; a mutant is sound without one of them. The package comment says where DESIGN §5 has them.
type rules uint64

const (
	lockWrites      rules = 1 << iota // a transaction runs under the lock
	neverStolen                       // which nobody takes from its holder
	lockFirst                         // and is taken before the transaction
	lockReclaim                       // also by what carries out a note
	holdToFlush                       // and kept until what is doomed has been destroyed and flushed
	flushThenCommit                   // keys are flushed before their rows' commit
	commitThenErase                   // keys are destroyed after the commit that takes their rows away
	flushThenTell                     // erased is told after the flush
	failedUntold                      // and not at all when destroying failed
	noteInside                        // a deletion's note is in its transaction
	noteUntilErased                   // and stays until the keys are destroyed
	strictDeletion                    // a deletion's commit is strict
	strictRewrite                     // so is that of a row in another's place
	strictReseal                      // and that of what a partial deletion reseals
	intentWritten                     // what writes keys first writes an intent
	intentFirst                       // before the keys
	intentNumber                      // with the number that its own commit will have
	intentKept                        // which stands until it has committed
	intentChecked                     // who next has the lock destroys what it names
	intentOutcome                     // unless the commit came
	intentFlushed                     // and flushes
	cleanTaken                        // slots are overwritten when they are taken
	freeWithNote                      // and free again in the transaction that removes their note
	sweepAtStart                      // a starting tab overwrites what nobody owns
	lockSweep                         // under the lock
	recheckNote                       // a note is read again under the lock
	carriedAsRead                     // a note's next step waits until what it names, as it stands now, is destroyed
	rekeyNamed                        // which is the conversation's older key too, where no segment was resealed
	otherBank                         // a new version's key goes into the bank that is not in use
	otherBankErased                   // a partial deletion destroys the banks not in use
	banksRead                         // which these are is read when they are destroyed, under the lock
	bothWhereNone                     // both, where no row is left
	freshKeys                         // another attempt makes other keys
	rekey                             // a partial deletion changes the conversation's key
	rekeyShown                        // and seals under it only what is shown
	reseal                            // and changes the segments' keys
	noteAlways                        // also where only tail and preview had what is deleted
	segmentsBySeq                     // the segments are those of the seqs, whether rows are there or not
	checkLedger                       // the ledger is the one the rows were filtered by
	checkRecord                       // the rows are those that were read
	retire                            // a whole deletion retires the ordinal
	boundaryKept                      // what is left of a segment that the boundary cuts stays
	ledgerApart                       // the ledger needs no destroyed key
	carryOthers                       // what tells a deletion has carried out all older whole notes
	oldestFirst                       // reclaim does the oldest note first
	reclaimRetired                    // a note of a retired ordinal waits for the whole's keys
	stillErasing                      // a deletion that finds nothing new waits for what has found it
	keysRead                          // keys are read from the file in each transaction, not remembered

	everything = keysRead<<1 - 1
)

var ruleNames = []string{
	"lockWrites",
	"neverStolen",
	"lockFirst",
	"lockReclaim",
	"holdToFlush",
	"flushThenCommit",
	"commitThenErase",
	"flushThenTell",
	"failedUntold",
	"noteInside",
	"noteUntilErased",
	"strictDeletion",
	"strictRewrite",
	"strictReseal",
	"intentWritten",
	"intentFirst",
	"intentNumber",
	"intentKept",
	"intentChecked",
	"intentOutcome",
	"intentFlushed",
	"cleanTaken",
	"freeWithNote",
	"sweepAtStart",
	"lockSweep",
	"recheckNote",
	"carriedAsRead",
	"rekeyNamed",
	"otherBank",
	"otherBankErased",
	"banksRead",
	"bothWhereNone",
	"freshKeys",
	"rekey",
	"rekeyShown",
	"reseal",
	"noteAlways",
	"segmentsBySeq",
	"checkLedger",
	"checkRecord",
	"retire",
	"boundaryKept",
	"ledgerApart",
	"carryOthers",
	"oldestFirst",
	"reclaimRetired",
	"stillErasing",
	"keysRead",
}

func (r rules) String() string { return ruleNames[bits.TrailingZeros64(uint64(r))] }

func (r rules) has(one rules) bool { return r&one != 0 }
