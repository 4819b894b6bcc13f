package server

// Bus tells connections, on this node and on others, that something of theirs has changed. It carries no truth: a poke
// that is lost, doubled or late costs time only, since whoever gets one reads the Store, and every pong carries the
// user's number. The suite in bustest holds every implementation to this.
type Bus interface {
	// Publish pokes every subscriber of the topic: those in this process before it returns, those on other nodes soon. It
	// never waits for a network and returns no error for a subscriber that is gone.
	Publish(t Topic, p Poke)
	// Subscribe calls fn for every poke of the topic until cancel is called, also for those of which the Bus does not know what
	// they said: then with the zero Poke, which says that something may have been missed. What is published on another node
	// after Subscribe returned leads to a call. fn must not block and must not call the Bus. No call is under way when cancel
	// returns, and none comes after it; calling it twice is calling it once.
	Subscribe(t Topic, fn func(Poke)) (cancel func())
}

// Topic is a user (whose rows or rooms changed) or a log (that got messages or recalls, or was closed): exactly one of the two is set.
type Topic struct {
	App  string
	User string
	Log  uint64
}

// Poke says what to look at. The connections of a user or of a log look at all that is theirs, the logs too, when it says nothing.
type Poke struct {
	N    uint64 // a user topic: the user's rows have changed up to this number, and in no room did anything change
	From uint64 // a log topic: the new seqs are From … To
	To   uint64
	// Recall, for a log topic: the newest recall is this.
	Recall uint64
	Closed bool // a log topic: the room was closed
	// Except is the connection that caused it and has its answer already; 0 = none.
	Except uint64
}
