// Package order is a model of the vault's order of steps, searched whole by its tests: deleting against storing in two tabs, with
// a tab's death, a failed commit or a power cut at any step, and a starting tab beside the one that lived on. It shows which rule
// each failure needs, and that nothing fails with all of them. It has no code of its own: the model is small enough to be read
// beside the vault's files, whose names its files have.
//
// The promises: what was told to be erased has no key in the file (I1), what views show can be opened (I2), what was deleted does
// not come back (I3), no key in use is destroyed and no slot has two owners (I4), nothing else is lost and nothing is left (I5).
//
// The switches of the model, by the rules of DESIGN §5 ("Order of steps"):
//
//	1 the lock     lockWrites, neverStolen, lockFirst, lockReclaim, holdToFlush
//	2 seal         flushThenCommit
//	  destroy      commitThenErase, flushThenTell, failedUntold, noteInside, noteUntilErased, strictDeletion, strictRewrite,
//	               strictReseal
//	3 slots        freeWithNote, sweepAtStart, lockSweep, recheckNote, carriedAsRead, rekeyNamed; cleanTaken is a second line
//	               of defence. They are taken in the transaction that writes their keys, which an intent makes safe:
//	               intentWritten, intentFirst, intentNumber, intentKept, intentChecked, intentOutcome, intentFlushed
//	4 old keys     otherBank, otherBankErased, banksRead, bothWhereNone, freshKeys; an aborted transaction's are destroyed by
//	               who next has the lock (intentChecked)
//	5 in parts     rekey, rekeyShown, reseal, noteAlways, segmentsBySeq
//	6 filtered by  checkLedger, checkRecord
//	7 as a whole   retire, boundaryKept
//	8 outlives     ledgerApart
//
// and found by searching: carryOthers, oldestFirst, reclaimRetired and stillErasing, without which a deletion is told to be erased
// while an older one is not, and keysRead.
//
// What it leaves out: the device's own key and what is sealed under it, slices of rows that are removed (their keys are destroyed
// by then), and platforms without a keyring.
package order
