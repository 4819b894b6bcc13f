// Package sim runs histories: several users' devices with several tabs each (real sdk.Client), one to three nodes of the real
// server core over one real sqlstore, and between them a network, a bus, clocks and disks that are made up, in one process, under
// one seed. One seed is one history, whenever and wherever it is run.
//
// # How
//
// A history runs in one bubble of testing/synctest, so time costs nothing, on one processor. Whatever does I/O waits at a gate
// (process.pass): the begin, commit and end of a database transaction, the lock, writes and flushes of a keyring, a dial, the
// delivery of a message, a poke, a server's Store operation before it and after it. One goroutine (world.next) waits until all
// others wait, lets one thing happen that is ready, as the seed says, and notes it in a hash, the trace. No gate lies inside a
// mutex: what is kept while a disk works is a lock whose waiting synctest sees. Random bytes come from the seed
// (cryptotest.SetGlobalRandom), and what is written in the code under test never follows from the order of a map. The runtime draws
// lots of its own among the ready cases of a select, and among timers of one moment: where it would matter, the code has an order
// (account.follow), and timers that begin together do not end together (foldAfter). The runtime may still interrupt a goroutine that
// runs for 10 ms, which a busy machine makes likelier: such a run says that it was disturbed. So what several goroutines note is
// under a lock (world.books), as it would be on many processors; make test-race has some histories watched, in which the race
// detector lets goroutines on in an order of its own.
//
// # What goes wrong
//
// A tab or a node dies at any gate, one node alone or all together; a power cut also takes relaxed commits, the later before the
// earlier, and any part of the key writes that were not flushed. Connections are cut, end for one side only, lose what is on its
// way, deliver something twice, hold something up until a newer connection, to any node, has overtaken it; a device is partitioned
// off. Pokes of the server's bus are late or lost, between nodes for a time all of them; the bus then says that something may have
// been missed, or does not know. Disks are full; storage is evicted, database and keys together or either alone; devices' clocks
// jump by an hour or ten years, a node's steps back by one. In a quarter of the histories devices and nodes are of several versions
// of the protocol (versions.go): this one, the one before, which differs only in what is for traces, and one that is still to come
// and has more of everything. What older frames and databases look like is kept in wire/testdata and sdk/vault's tests.
//
// # What must hold
//
// invariants.go has it, once: whole or nothing (I1), what was answered is there (I2), what is newer stays and what is gone stays
// gone, also while the history runs, and no key that is left opens it (I3), devices of a user agree (I4), numbers and operations
// (I5), preview and unread are what the view says (I6), nobody else's view has changed (I7), every call settles and every message
// is there once, or taken back, or refused with an event (I8). What each user should see says a model (model.go) of plain sets,
// fed with what the store was asked and answered; what each device should hide, the calls that have resolved.
//
// # Use
//
//	make sim SEED=N   runs one history and tells what happens
//	make soak-sim     runs many
//
// A failure is shrunk (shrink.go), and printed as steps (Plan.String). Those belong into corpus/, where they are run first for
// ever: what a seed means changes with the code here, steps do not.
package sim
