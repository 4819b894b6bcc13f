package sim

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// model says what each user should see, from what was asked and answered, in plain sets of seqs. It shares no code with ledgers,
// spans or views.
type model struct {
	w       *world
	skews   []skew // of the nodes' clocks
	logs    map[uint64]*modelLog
	named   map[string]uint64 // the log behind a group, or behind user + conversation
	users   map[string]map[string]*modelView
	sends   map[wire.ID]wire.SendAck
	ops     map[string]map[wire.ID]opAnswer
	reads   map[string]map[string]uint64
	places  map[string]place // where each text stands
	refused map[string]bool  // texts whose send was refused for good
	numbers map[string]uint64
	// accepted are the operations that the server has carried out, deletionsRefused those whose refusal the app was told of.
	accepted, deletionsRefused map[string]bool
}

// place is where a message stands.
type place struct {
	log, seq uint64
	time     int64
}

// opAnswer is what an operation was answered first.
type opAnswer struct{ n, through uint64 }

// modelLog is a log's messages by seq; the first is at 1.
type modelLog struct {
	messages []modelMessage
}

// head is the newest seq.
func (l *modelLog) head() uint64 { return uint64(len(l.messages)) }

type modelMessage struct {
	from, text string
	time       int64
	sendID     wire.ID
	recalled   bool
}

// modelView is one user's conversation.
type modelView struct {
	log                            uint64
	stays                          []stay
	history, compensation, devices map[uint64]bool
	hiddenHistory, hiddenDevices   uint64 // hidden while the head is below
	readByDeleting                 uint64 // deleting through a seq reads through it
}

// stay is from a seq to before another, 0 while it lasts.
type stay struct{ from, to uint64 }

func newModel(w *world) *model {
	return &model{
		w: w, skews: make([]skew, w.plan.Nodes), logs: map[uint64]*modelLog{}, named: map[string]uint64{}, users: map[string]map[string]*modelView{},
		sends: map[wire.ID]wire.SendAck{}, ops: map[string]map[wire.ID]opAnswer{}, reads: map[string]map[string]uint64{},
		places: map[string]place{}, refused: map[string]bool{}, numbers: map[string]uint64{},
		accepted: map[string]bool{}, deletionsRefused: map[string]bool{},
	}
}

func (m *model) view(user, conversation string) *modelView {
	if m.users[user] == nil {
		m.users[user] = map[string]*modelView{}
	}
	v := m.users[user][conversation]
	if v == nil {
		v = &modelView{history: map[uint64]bool{}, compensation: map[uint64]bool{}, devices: map[uint64]bool{}}
		m.users[user][conversation] = v
	}
	return v
}

// inStay tells whether a seq lies in one of the stays.
func (v *modelView) inStay(seq uint64) bool {
	for _, s := range v.stays {
		if seq >= s.from && (s.to == 0 || seq < s.to) {
			return true
		}
	}
	return false
}

// left tells whether the stay that a seq lies in is over.
func (v *modelView) left(seq uint64) bool {
	return slices.ContainsFunc(v.stays, func(s stay) bool { return seq >= s.from && s.to != 0 && seq < s.to })
}

// open begins a stay, unless one lasts.
func (v *modelView) open(log, from uint64) {
	v.log = log
	if n := len(v.stays); n == 0 || v.stays[n-1].to != 0 {
		v.stays = append(v.stays, stay{from: from})
	}
}

// other is the other side of a C2C, and what that one calls it.
func other(user, conversation string) (peer, name string, c2c bool) {
	peer, c2c = strings.CutPrefix(conversation, "C2C")
	return peer, "C2C" + user, c2c
}

// append adds a message behind the others.
func (m *model) append(user, conversation string, ack wire.SendAck, x modelMessage) {
	l := m.logs[ack.Log]
	if l == nil {
		l = &modelLog{}
		m.logs[ack.Log] = l
	}
	if ack.Seq != l.head()+1 {
		m.w.fail("I5: %s's message in %s got seq %d behind head %d", user, conversation, ack.Seq, l.head())
		return
	}
	if n := len(l.messages); n > 0 && ack.Time < l.messages[n-1].time {
		m.w.fail("I5: sentTime falls in %s at seq %d", conversation, ack.Seq)
	}
	x.time = ack.Time
	l.messages = append(l.messages, x)
	if _, twice := m.places[x.text]; twice {
		m.w.fail("I8: %s was sent twice", x.text)
	}
	m.places[x.text] = place{ack.Log, ack.Seq, ack.Time}
	if peer, name, c2c := other(user, conversation); c2c {
		m.view(user, conversation).open(ack.Log, ack.Seq)
		m.view(peer, name).open(ack.Log, ack.Seq)
	}
}

func (m *model) sent(user string, s *wire.Send, ack wire.SendAck, repeated bool) {
	first, known := m.sends[s.SendID]
	switch {
	case known && (!repeated || first.Seq != ack.Seq || first.Log != ack.Log):
		m.w.fail("I5: %s's send in %s was answered %d and then %d (repeated: %v)", user, s.ConversationID, first.Seq, ack.Seq, repeated)
		return
	case !known && repeated:
		m.w.fail("I2: %s's send in %s is said to be repeated", user, s.ConversationID)
		return
	case known:
		m.w.bite("repeated send")
		return
	}
	m.sends[s.SendID] = ack
	m.append(user, s.ConversationID, ack, modelMessage{from: user, text: textOf(s.Payload), sendID: s.SendID})
}

// once checks that an operation has one answer; false if it came before.
func (m *model) once(user, conversation string, id wire.ID, a opAnswer) bool {
	if m.ops[user] == nil {
		m.ops[user] = map[wire.ID]opAnswer{}
	}
	first, known := m.ops[user][id]
	if known && first != a {
		m.w.fail("I5: %s's operation in %s was answered %v and then %v", user, conversation, first, a)
	}
	if known {
		m.w.bite("repeated operation")
	}
	m.ops[user][id] = a
	m.accepted[hex.EncodeToString(id[:])] = true
	m.numbers[user] = max(m.numbers[user], a.n)
	return !known
}

func (m *model) deleted(user string, d *wire.Delete, ack wire.DeleteAck, set server.Settings) {
	if !m.once(user, d.ConversationID, d.OpID, opAnswer{ack.N, ack.Through}) {
		return
	}
	v := m.view(user, d.ConversationID)
	l := m.logs[v.log]
	if l == nil || d.Anchor > l.head() {
		m.w.fail("I3: %s's deletion in %s has anchor %d, above the head", user, d.ConversationID, d.Anchor)
		return
	}
	m.w.tell("deleted %s %s scope %d what %d anchor %d", user, d.ConversationID, d.Scope, d.What, d.Anchor)
	var gone []uint64
	for i := range l.messages {
		seq := uint64(i + 1)
		switch {
		case seq > d.Anchor:
		case d.What == wire.WhatConversation,
			d.What == wire.WhatTime && l.messages[i].time < d.Before,
			d.What == wire.WhatMessages && d.Ranges.Has(seq):
			gone = append(gone, seq)
		}
	}
	hidden := uint64(0)
	if d.Hide {
		hidden = d.Anchor + 1
	}
	if n := len(gone); n > 0 && d.What != wire.WhatMessages {
		v.readByDeleting = max(v.readByDeleting, gone[n-1])
	}
	m.take(v, d.Scope, d.What == wire.WhatTime && !set.CompensationClearedByTime, gone, hidden, set)
}

// take takes seqs from the surfaces that a scope names.
func (m *model) take(v *modelView, scope wire.Scope, keepsCompensation bool, gone []uint64, hidden uint64, set server.Settings) {
	if !scope.Remote() {
		return
	}
	v.hiddenHistory = max(v.hiddenHistory, hidden)
	synced := scope == wire.ScopeBoth && set.SyncDeletions
	if synced {
		v.hiddenDevices = max(v.hiddenDevices, hidden)
	}
	for _, seq := range gone {
		v.history[seq] = true
		if !keepsCompensation {
			v.compensation[seq] = true
		}
		if synced {
			v.devices[seq] = true
		}
	}
}

func (m *model) cancelled(user string, c *wire.Cancel, ack wire.CancelAck, set server.Settings) {
	first, known := m.sends[c.SendID]
	if known != !ack.Never || known && first.Seq != ack.Seq {
		m.w.fail("I8: %s's cancel in %s was answered %+v, and the send %+v", user, c.ConversationID, ack, first)
		return
	}
	if !m.once(user, c.ConversationID, c.OpID, opAnswer{ack.N, ack.Seq}) || ack.Never {
		if ack.Never {
			m.w.bite("cancelled send")
		}
		return
	}
	hidden := uint64(0)
	if c.Hide {
		hidden = ack.Seq + 1
	}
	m.take(m.view(user, c.ConversationID), c.Scope, false, []uint64{ack.Seq}, hidden, set)
}

func (m *model) read(user string, r *wire.Read) {
	if m.reads[user] == nil {
		m.reads[user] = map[string]uint64{}
	}
	m.reads[user][r.ConversationID] = max(m.reads[user][r.ConversationID], r.UpTo)
}

func (m *model) recalled(log, seq uint64) {
	if l := m.logs[log]; l != nil && seq <= l.head() {
		l.messages[seq-1].recalled = true
	}
}

func (m *model) joined(user, conversation string) {
	log := m.named[conversation]
	m.view(user, conversation).open(log, m.logs[log].head()+1)
}

func (m *model) left(user, conversation string) {
	v := m.view(user, conversation)
	if n := len(v.stays); n > 0 && v.stays[n-1].to == 0 {
		v.stays[n-1].to = m.logs[v.log].head() + 1
	}
}

// textOf is payload.text.
func textOf(payload msgp.Raw) string {
	n, rest, err := msgp.ReadMapHeaderBytes(payload)
	if err != nil || n != 1 {
		return ""
	}
	if _, rest, err = msgp.ReadStringBytes(rest); err != nil {
		return ""
	}
	text, _, err := msgp.ReadStringBytes(rest)
	if err != nil {
		return ""
	}
	return text
}

func payload(text string) msgp.Raw {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), text)
}
