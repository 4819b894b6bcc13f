package server

// Bus tells connections, on this node and on others, that something of theirs has changed. It carries no truth: a poke
// that is lost, doubled or late costs time only, since whoever gets one reads the Store, and every pong carries the
// user's number.
type Bus interface {
	// Publish pokes every subscriber of the topic. It never blocks on a subscriber and returns no error for one that is
	// gone.
	Publish(t Topic, p Poke)
	// Subscribe calls fn for every poke of the topic until cancel is called. fn must not block.
	Subscribe(t Topic, fn func(Poke)) (cancel func())
}

// Topic is a user (whose rows or rooms changed) or a log (that got messages or recalls, or was closed): exactly one of the two is set.
type Topic struct {
	App  string
	User string
	Log  uint64
}

// Poke says what to look at.
type Poke struct {
	N    uint64 // a user topic: the user's number now, 0 if the publisher does not know it
	From uint64 // a log topic: the new seqs are From … To
	To   uint64
	// Recall, for a log topic: the newest recall is this.
	Recall uint64
	Closed bool // a log topic: the room was closed
	// Except is the connection that caused it and has its answer already; 0 = none.
	Except uint64
}
