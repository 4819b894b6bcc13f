// Package failpoint names the places where tests kill the server. In what users run a place is an empty function, which the
// compiler leaves out; only a binary that is built with -tags failpoints (bin/lethe-failpoints) dies there, and only when the
// environment asks for it: LETHE_FAILPOINT=commit:7 kills it by SIGKILL when it comes to commit for the 7th time.
package failpoint

// Point is a place where the server can be made to die.
type Point string

// The points, in the order in which an operation comes to them; then those of the sweeper, of the start, and of the key.
const (
	Begin     Point = "begin"     // before a writing transaction
	Statement Point = "statement" // after each of its statements
	Commit    Point = "commit"    // before it is committed
	Committed Point = "committed" // it is on the disk, nobody has been told
	Answer    Point = "answer"    // a frame is ready to be written
	Answered  Point = "answered"  // it has been written

	Purge   Point = "purge"   // a slice of messages is removed, not yet committed
	Scrub   Point = "scrub"   // before the free space of a slice of pages is overwritten
	Erase   Point = "erase"   // before the write-ahead log is cut
	Migrate Point = "migrate" // after each statement of a step of the schema
	Key     Point = "key"     // the key that signs tokens is half written
)
