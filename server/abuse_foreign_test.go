package server_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// aimed are the operations that name a conversation, aimed at one.
func aimed(conversation string) []refusal {
	at := func(what wire.What) *wire.Delete {
		d := &wire.Delete{OpID: newID(), ConversationID: conversation, Scope: wire.ScopeBoth, What: what, Anchor: 1, Hide: true}
		switch what {
		case wire.WhatMessages:
			d.Ranges = wire.RangesOf(1)
		case wire.WhatTime:
			d.Before = math.MaxInt64
		}
		return d
	}
	no := wire.ConversationNotFound
	return []refusal{
		{"page", no, wire.OpPage, &wire.PageRequest{ConversationID: conversation, Limit: 50}},
		{"page of a part", no, wire.OpPage, &wire.PageRequest{ConversationID: conversation, Below: 3, Above: 1, Limit: 1}},
		{"compensation", no, wire.OpPage, &wire.PageRequest{ConversationID: conversation, Limit: 50, Compensation: true}},
		{"count", no, wire.OpCount, &wire.CountRequest{ConversationID: conversation}},
		{"read", no, wire.OpRead, &wire.Read{ConversationID: conversation, UpTo: 1}},
		{"read nothing", no, wire.OpRead, &wire.Read{ConversationID: conversation}},
		{"delete messages", no, wire.OpDelete, at(wire.WhatMessages)},
		{"delete the conversation", no, wire.OpDelete, at(wire.WhatConversation)},
		{"delete by time", no, wire.OpDelete, at(wire.WhatTime)},
		{"hide", no, wire.OpDelete, at(wire.WhatNothing)},
		{"recall", no, wire.OpRecall, &wire.Recall{ConversationID: conversation, Seq: 1}},
		{"recalls", no, wire.OpRecalls, &wire.RecallsRequest{ConversationID: conversation}},
	}
}

// A stranger learns of a group that there is exactly what is learnt of one that there is not, by code and by words.
func TestAbuseForeignIsAsAbsent(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ops := func(group string) []refusal {
		return append(aimed("GROUP"+group),
			refusal{"send", wire.GroupNotFound, wire.OpSend, newSend("GROUP"+group, "let me in")},
			refusal{"join", wire.GroupNotFound, wire.OpJoin, &wire.Join{ConversationID: "GROUP" + group}},
			refusal{"leave", wire.ConversationNotFound, wire.OpLeave, &wire.Leave{ConversationID: "GROUP" + group}})
	}
	absent := ops("nope") // as long as the other
	for i, foreign := range ops("club") {
		s.holds(t, foreign.name, func(s *scene) {
			c := s.mallory()
			c.write(foreign.op, foreign.body)
			is := c.answer()
			c.write(absent[i].op, absent[i].body)
			isNot := c.answer()
			require.Equal(s, foreign.code.Name(), is.Code.Name(), is.Text)
			require.Equal(s, isNot.Code, is.Code)
			require.Equal(s, isNot.Text, strings.ReplaceAll(is.Text, "club", "nope"))
			require.Empty(s, is.Body)
			require.NoError(s, c.ws.CloseNow())
		})
	}
	s.holds(t, "heads", func(s *scene) {
		h := ask[wire.Heads](s.mallory(), wire.OpHeads, &wire.HeadsRequest{Heads: []wire.Head{{ConversationID: "GROUPclub", Head: 1}, {ConversationID: "GROUPnope"}, {ConversationID: "C2Cvictim"}}})
		require.Equal(s, wire.Heads{Unknown: []string{"GROUPclub", "GROUPnope", "C2Cvictim"}, Done: 3}, h)
	})
	s.holds(t, "the rest", func(s *scene) {
		h := ask[wire.Heads](s.mallory(), wire.OpHeads, &wire.HeadsRequest{Rest: true})
		require.Len(s, h.States, 2, "her own only")
	})
	s.holds(t, "have", func(s *scene) {
		ask[wire.HaveAck](s.mallory(), wire.OpHave, &wire.Have{Heads: []wire.Head{{ConversationID: "GROUPclub", Head: 99}}})
	})
}

// Names that are the victim's mean something else to who says them.
func TestAbuseNamesAreTheSpeakers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.refuses(t, "mallory", aimed("C2Cvictim"))
	s.holds(t, "C2Cfriend is one's own", func(s *scene) {
		p := ask[wire.Page](s.mallory(), wire.OpPage, &wire.PageRequest{ConversationID: "C2Cfriend", Limit: 50})
		require.Equal(s, []any{s.logs["mallory"], uint64(3)}, []any{p.Log, p.Head})
	})
	s.holds(t, "a notice of the same sender is one's own", func(s *scene) {
		require.Equal(s, uint64(1), ask[wire.Count](s.mallory(), wire.OpCount, &wire.CountRequest{ConversationID: "@TIM#SYSTEMdesk"}).Messages)
	})
	s.holds(t, "another's operation id", func(s *scene) {
		c := s.mallory()
		d := *s.deleted
		d.Anchor, d.Ranges = 3, wire.RangesOf(1)
		ask[wire.DeleteAck](c, wire.OpDelete, &d)
		require.Equal(s, uint64(2), ask[wire.Count](c, wire.OpCount, &wire.CountRequest{ConversationID: "C2Cfriend"}).Messages)
		ask[wire.DeleteAck](s.victim, wire.OpDelete, s.deleted)
	})
	s.holds(t, "another's send id, cancelled", func(s *scene) {
		ack := ask[wire.CancelAck](s.mallory(), wire.OpCancel, &wire.Cancel{OpID: newID(), SendID: s.said.SendID, ConversationID: "C2Cfriend", Scope: wire.ScopeBoth})
		require.True(s, ack.Never)
	})
	s.holds(t, "another's send id, cancelled in the other's conversation", func(s *scene) {
		ack := ask[wire.CancelAck](s.mallory(), wire.OpCancel, &wire.Cancel{OpID: newID(), SendID: s.said.SendID, ConversationID: "GROUPclub", Scope: wire.ScopeBoth, Hide: true})
		require.True(s, ack.Never)
	})
	s.holds(t, "another app's user of the same name", func(s *scene) {
		c := s.open()
		h := hello("victim", signed(otherKey, "other", "victim", "", time.Hour))
		h.AppID = "other"
		require.Zero(s, ask[wire.Welcome](c, wire.OpHello, h).N)
		require.Empty(s, ask[wire.Heads](c, wire.OpHeads, &wire.HeadsRequest{Rest: true}).States)
		var none wire.Page
		require.Equal(s, wire.ConversationNotFound, try(c, wire.OpPage, &wire.PageRequest{ConversationID: "C2Cfriend", Limit: 50}, &none))
	})
}

// Who has left keeps the history of the stay, and nothing more.
func TestAbuseFormerMember(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	op := func(change func(*wire.Delete)) *wire.Delete {
		d := &wire.Delete{OpID: newID(), ConversationID: "GROUPclub", Scope: wire.ScopeRemote, What: wire.WhatConversation, Anchor: 4}
		change(d)
		return d
	}
	s.refuses(t, "former", []refusal{
		{"sends", wire.PermissionDenied, wire.OpSend, newSend("GROUPclub", "still here")},
		{"comes back alone", wire.PermissionDenied, wire.OpJoin, &wire.Join{ConversationID: "GROUPclub"}},
		{"recalls from the stay", wire.PermissionDenied, wire.OpRecall, &wire.Recall{ConversationID: "GROUPclub", Seq: 1}},
		{"recalls from after it", wire.PermissionDenied, wire.OpRecall, &wire.Recall{ConversationID: "GROUPclub", Seq: 5}},
		{"reads above it", wire.AnchorAboveHead, wire.OpRead, &wire.Read{ConversationID: "GROUPclub", UpTo: 5}},
		{"deletes above it", wire.AnchorAboveHead, wire.OpDelete, op(func(d *wire.Delete) { d.Anchor = 5 })},
		{"hides above it", wire.AnchorAboveHead, wire.OpDelete, op(func(d *wire.Delete) { d.Anchor, d.What, d.Hide = 5, wire.WhatNothing, true })},
	})
	s.holds(t, "pages over the end", func(s *scene) {
		c := s.hello("former")
		p := ask[wire.Page](c, wire.OpPage, &wire.PageRequest{ConversationID: "GROUPclub", Below: 99, Limit: 50})
		messages, err := p.Batches[0].Messages()
		require.NoError(s, err)
		require.Len(s, messages, 4)
		require.Equal(s, uint64(4), ask[wire.Count](c, wire.OpCount, &wire.CountRequest{ConversationID: "GROUPclub"}).Messages)
	})
	s.holds(t, "is pushed nothing more", func(s *scene) {
		c := s.hello("former")
		s.post("/v1/rooms", `{"roomID":"other"}`) // something else happens
		ask[wire.Pong](c, wire.OpPing, &wire.Ping{})
		require.Empty(s, c.events)
	})
}

// What is one's own to name, but not to do.
func TestAbuseOwnConversations(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	hour := time.Now().Add(-time.Hour).UnixMilli()
	s.post("/v1/import", fmt.Sprintf(`{"as":"mallory","conversationID":"C2Cold","messages":[{"from":"mallory","time":%d,"payload":{"text":"x"}},{"from":"old","time":%d,"payload":{"text":"y"}}]}`, hour, hour))
	op := func(change func(*wire.Delete)) *wire.Delete {
		d := &wire.Delete{OpID: newID(), ConversationID: "C2Cfriend", Scope: wire.ScopeRemote, What: wire.WhatMessages, Anchor: 3, Ranges: wire.RangesOf(1)}
		change(d)
		return d
	}
	send := func(change func(*wire.Send)) *wire.Send {
		m := newSend("C2Cfriend", "x")
		change(m)
		return m
	}
	var many wire.Ranges
	for seq := range uint64(wire.MaxMessages + 1) {
		many.Add(seq + 1)
	}
	invalid := wire.ParameterInvalid
	s.refuses(t, "mallory", []refusal{
		{"recalls another's message", wire.PermissionDenied, wire.OpRecall, &wire.Recall{ConversationID: "C2Cold", Seq: 2}},
		{"recalls too late", wire.RecallTooLate, wire.OpRecall, &wire.Recall{ConversationID: "C2Cold", Seq: 1}},
		{"recalls what is not there", wire.MessageNotFound, wire.OpRecall, &wire.Recall{ConversationID: "C2Cfriend", Seq: 99}},
		{"recalls a notice", wire.PermissionDenied, wire.OpRecall, &wire.Recall{ConversationID: "@TIM#SYSTEMdesk", Seq: 1}},
		{"answers a notice", wire.PermissionDenied, wire.OpSend, newSend("@TIM#SYSTEMdesk", "x")},
		{"sends as the system", wire.PermissionDenied, wire.OpSend, newSend("@TIM#SYSTEMvictim", "x")},
		{"forges a recall's notice", invalid, wire.OpSend, send(func(m *wire.Send) { m.Type = wire.TypeRecalled })},
		{"sends an unknown type", invalid, wire.OpSend, send(func(m *wire.Send) { m.Type = "TIMEvil" })},
		{"quotes what is not there", invalid, wire.OpSend, send(func(m *wire.Send) { m.Quote = 99 })},
		{"sends without an id", invalid, wire.OpSend, send(func(m *wire.Send) { m.SendID = wire.ID{} })},
		{"sends too much", wire.MessageTooLarge, wire.OpSend, newSend("C2Cfriend", strings.Repeat("x", wire.MaxContent+1))},
		{"sends what nests too deep", invalid, wire.OpSend, send(func(m *wire.Send) { m.Payload = nested(5000) })},
		{"sends with a first attempt of long ago", wire.SendExpired, wire.OpSend, send(func(m *wire.Send) { m.FirstAttempt = 1 })},
		{"sends to a name of no kind", wire.ConversationIDInvalid, wire.OpSend, newSend("TOPICx", "x")},
		{"sends to a name with a control character", wire.ConversationIDInvalid, wire.OpSend, newSend("C2Ca\x00b", "x")},
		{"sends to a name that is too long", wire.ConversationIDInvalid, wire.OpSend, newSend("C2C"+strings.Repeat("x", 129), "x")},
		{"sends to a room from outside", wire.NotInRoom, wire.OpSend, newSend("ROOMlobby", "x")},
		{"pages a room from outside", wire.NotInRoom, wire.OpPage, &wire.PageRequest{ConversationID: "ROOMlobby", Limit: 50}},
		{"recalls in a room from outside", wire.NotInRoom, wire.OpRecall, &wire.Recall{ConversationID: "ROOMlobby", Seq: 1}},
		{"deletes a room's messages", wire.RoomNotDeletable, wire.OpDelete, op(func(d *wire.Delete) { d.ConversationID = "ROOMlobby" })},
		{"deletes above the head", wire.AnchorAboveHead, wire.OpDelete, op(func(d *wire.Delete) { d.Anchor = 4 })},
		{"deletes up to the end of all numbers", wire.AnchorAboveHead, wire.OpDelete, op(func(d *wire.Delete) { d.Anchor = math.MaxUint64 })},
		{"deletes above the anchor", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.Ranges = wire.RangesOf(4) })},
		{"deletes seq 0", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.Ranges = wire.RangesOf(0, 1) })},
		{"deletes 1 001 messages", wire.LimitExceeded, wire.OpDelete, op(func(d *wire.Delete) { d.Ranges, d.Anchor = many, 2000 })},
		{"deletes on the server in the scope local", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.Scope = wire.ScopeLocal })},
		{"deletes in a scope that is none", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.Scope = 255 })},
		{"deletes in a way that is none", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.What = 9 })},
		{"deletes without an id", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.OpID = wire.ID{} })},
		{"deletes by a negative time", invalid, wire.OpDelete, op(func(d *wire.Delete) { d.What, d.Ranges, d.Before = wire.WhatTime, nil, -1 })},
		{"reads above the head", wire.AnchorAboveHead, wire.OpRead, &wire.Read{ConversationID: "C2Cfriend", UpTo: math.MaxUint64}},
		{"asks for a page of nothing", invalid, wire.OpPage, &wire.PageRequest{ConversationID: "C2Cfriend"}},
		{"asks for too large a page", invalid, wire.OpPage, &wire.PageRequest{ConversationID: "C2Cfriend", Limit: wire.MaxPage + 1}},
		{"names 501 conversations", wire.LimitExceeded, wire.OpHeads, &wire.HeadsRequest{Heads: make([]wire.Head, wire.MaxHeads+1)}},
		{"has 501 conversations", wire.LimitExceeded, wire.OpHave, &wire.Have{Heads: make([]wire.Head, wire.MaxHeads+1)}},
		{"cancels without an id", invalid, wire.OpCancel, &wire.Cancel{OpID: newID(), ConversationID: "C2Cfriend", Scope: wire.ScopeBoth}},
		{"joins a chat of two", wire.ConversationIDInvalid, wire.OpJoin, &wire.Join{ConversationID: "C2Cvictim"}},
		{"leaves a chat of two", wire.ConversationIDInvalid, wire.OpLeave, &wire.Leave{ConversationID: "C2Cfriend"}},
		{"calls what is not there", wire.OperationUnknown, "admin.clear", &wire.Ping{}},
		{"makes the server panic", wire.Internal, server.PanicOp, &wire.Ping{}},
	})
	s.holds(t, "one operation id for two deletions", func(s *scene) {
		c := s.mallory()
		d := op(func(*wire.Delete) {})
		ask[wire.DeleteAck](c, wire.OpDelete, d)
		d.Ranges = wire.RangesOf(2)
		var none wire.DeleteAck
		require.Equal(s, wire.OperationIDReused, try(c, wire.OpDelete, d, &none))
	})
	s.holds(t, "one send id for two messages", func(s *scene) {
		c := s.mallory()
		m := newSend("C2Cother", "x")
		ask[wire.SendAck](c, wire.OpSend, m)
		m.Payload = text("y")
		var none wire.SendAck
		require.Equal(s, wire.OperationIDReused, try(c, wire.OpSend, m, &none))
	})
}

func nested(depth int) msgp.Raw {
	b := msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text")
	for range depth {
		b = msgp.AppendArrayHeader(b, 1)
	}
	return msgp.AppendNil(b)
}
