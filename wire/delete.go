package wire

// Scope is where a deletion takes messages away.
type Scope uint8

// The scopes.
const (
	ScopeLocal  Scope = 1 // this device
	ScopeRemote Scope = 2 // the user's history on the server
	ScopeBoth   Scope = 3 // both, and the user's other devices where sync.deletions is on
)

// Local and Remote tell which places a scope has.
func (s Scope) Local() bool { return s&ScopeLocal != 0 }

// Remote tells whether the scope has the server.
func (s Scope) Remote() bool { return s&ScopeRemote != 0 }

// Valid tells whether s is one of the three.
func (s Scope) Valid() bool { return s >= ScopeLocal && s <= ScopeBoth }

// What says which messages a deletion names.
type What uint8

// The kinds of deletion. Each is bounded by the operation's Anchor.
const (
	WhatMessages     What = 1 // the seqs in Ranges
	WhatConversation What = 2 // every seq up to Anchor
	WhatTime         What = 3 // every seq up to Anchor whose sentTime is before Before
	WhatNothing      What = 4 // no message: only hides the conversation from the list
)

// Surface is what a ledger takes messages away from (DESIGN §2 rule 3).
type Surface uint8

// The surfaces a server keeps ledgers for.
const (
	SurfaceHistory      Surface = 1 // server pages and lists leave it out
	SurfaceCompensation Surface = 2 // a new device is not given it
	SurfaceDevices      Surface = 3 // every device of the owner hides it
)

// Delete applies one deletion to one conversation of the connection's user, once per OpID: the same OpID answers what
// it first answered for 30 days, with another body it is refused.
// Errors: ConversationNotFound, ConversationIDInvalid, ParameterInvalid, AnchorAboveHead, OperationIDReused.
type Delete struct {
	OpID           ID     `msg:"o"`
	ConversationID string `msg:"c"`
	Scope          Scope  `msg:"s"` // ScopeRemote or ScopeBoth
	What           What   `msg:"w"`
	Anchor         uint64 `msg:"a"`           // no seq above it is ever covered
	Before         int64  `msg:"t,omitempty"` // ms; WhatTime only
	Ranges         Ranges `msg:"r,omitempty"` // WhatMessages only; seqs ≤ Anchor
	Hide           bool   `msg:"h,omitempty"` // hide the conversation until a seq above Anchor comes
}

// DeleteAck answers Delete.
type DeleteAck struct {
	N       uint64 `msg:"n"` // the user's number after it
	Through uint64 `msg:"u"` // WhatTime and WhatConversation: the seq the deletion goes through
	// State is the conversation as the server's history shows it now.
	State HeadState `msg:"h"`
}

// Ledger is what one owner has deleted in one log on one surface. Its parts join by max and by OR.
type Ledger struct {
	Through  uint64 `msg:"u,omitempty"` // every seq up to this
	HiddenAt uint64 `msg:"h,omitempty"` // not listed while head < HiddenAt
	Ranges   Ranges `msg:"r,omitempty"` // single seqs; those ≤ Through need not be here
}

// Has tells whether the ledger takes seq away.
func (l *Ledger) Has(seq uint64) bool { return seq <= l.Through || l.Ranges.Has(seq) }

// Hides tells whether a conversation whose newest seq is head stays out of the list.
func (l *Ledger) Hides(head uint64) bool { return head < l.HiddenAt }

// Join adds all of o and tells whether l changed. Ranges that Through has passed are dropped.
func (l *Ledger) Join(o Ledger) (changed bool) {
	if o.Through > l.Through {
		l.Through, changed = o.Through, true
	}
	if o.HiddenAt > l.HiddenAt {
		l.HiddenAt, changed = o.HiddenAt, true
	}
	for _, s := range o.Ranges {
		if uint64(s.Segment+1)*SegmentSize-1 > l.Through {
			changed = l.Ranges.Join(s) || changed
		}
	}
	l.Trim()
	return changed
}

// Trim drops the segments that Through covers whole. The ledger means the same afterwards.
func (l *Ledger) Trim() {
	i := 0
	for i < len(l.Ranges) && uint64(l.Ranges[i].Segment+1)*SegmentSize-1 <= l.Through {
		i++
	}
	if i > 0 {
		l.Ranges = append(Ranges(nil), l.Ranges[i:]...)
	}
}

// Clone copies the ledger.
func (l Ledger) Clone() Ledger {
	l.Ranges = l.Ranges.Clone()
	return l
}
