package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// The abuse suite: what a hostile peer tries, each with the exact code or close code it gets. scene.holds says what every case
// has in common: nobody else's view has changed by it, and a healthy client beside it goes on. The cases stand by subject in
// abuse_*_test.go.

// scene is a server with people who talk, and mallory, who has a token of her own, a chat with the friend, and ideas.
type scene struct {
	*world
	victim, friend *client
	logs           map[string]uint64 // by the victim's names, and "mallory"
	said           *wire.Send        // the victim's first message to the friend
	deleted        *wire.Delete      // what the victim has deleted
}

func newScene(t *testing.T, change ...func(*server.Options)) *scene {
	t.Helper()
	s := &scene{world: newWorld(t, change...), logs: map[string]uint64{}}
	for _, g := range []string{"club", "shut"} {
		s.post("/v1/groups", fmt.Sprintf(`{"groupID":%q,"members":["victim","friend","former"]}`, g))
	}
	s.post("/v1/rooms", `{"roomID":"lobby"}`)
	s.post("/v1/notices", `{"to":"victim","from":"desk","payload":{"text":"a notice"}}`)
	s.post("/v1/notices", `{"to":"mallory","from":"desk","payload":{"text":"a notice"}}`)
	s.victim, s.friend = s.hello("victim"), s.hello("friend")
	s.said = newSend("C2Cfriend", "a secret")
	s.logs["C2Cfriend"] = ask[wire.SendAck](s.victim, wire.OpSend, s.said).Log
	for range 4 {
		ask[wire.SendAck](s.friend, wire.OpSend, newSend("C2Cvictim", "another"))
		s.logs["GROUPclub"] = ask[wire.SendAck](s.victim, wire.OpSend, newSend("GROUPclub", "among us")).Log
	}
	s.post("/v1/groups/club/members", `{"remove":["former"]}`)
	ask[wire.SendAck](s.victim, wire.OpSend, newSend("GROUPclub", "without the former"))
	ask[wire.JoinAck](s.friend, wire.OpJoin, &wire.Join{ConversationID: "ROOMlobby"})
	ask[wire.SendAck](s.friend, wire.OpSend, newSend("ROOMlobby", "hello room"))
	s.deleted = &wire.Delete{OpID: newID(), ConversationID: "C2Cfriend", Scope: wire.ScopeBoth, What: wire.WhatMessages, Anchor: 5, Ranges: wire.RangesOf(2)}
	ask[wire.DeleteAck](s.victim, wire.OpDelete, s.deleted)
	m := s.hello("mallory")
	for range 3 {
		s.logs["mallory"] = ask[wire.SendAck](m, wire.OpSend, newSend("C2Cfriend", "hi")).Log
	}
	require.NoError(t, m.ws.CloseNow())
	return s
}

// mallory connects with what is hers.
func (s *scene) mallory() *client { s.Helper(); return s.hello("mallory") }

// views is everything that the others see: their rows, lists and pages.
func (s *scene) views() map[string]any {
	s.Helper()
	all := map[string]any{}
	for _, user := range []string{"victim", "friend", "former"} {
		who := server.Who{App: app, User: user}
		rows, err := s.store.Rows(s.Context(), who, 0, 1000)
		require.NoError(s, err)
		rest, err := s.store.Rest(s.Context(), who, func(string) bool { return false }, 1<<20)
		require.NoError(s, err)
		all[user] = []any{rows, rest}
		for _, state := range rest.States {
			p, err := s.store.Page(s.Context(), who, wire.PageRequest{ConversationID: state.ConversationID, Limit: 100}, 1<<20)
			require.NoError(s, err)
			all[user+" "+state.ConversationID] = p
		}
	}
	return all
}

// holds runs one attempt: nobody's view has changed afterwards, the victim's connection answers, and what the victim says
// reaches the friend.
func (s *scene) holds(t *testing.T, name string, attempt func(s *scene)) {
	t.Run(name, func(t *testing.T) {
		in := *s
		w := *s.world
		w.T, in.world = t, &w
		victim, friend := *s.victim, *s.friend
		victim.T, friend.T = t, t
		in.victim, in.friend = &victim, &friend
		before := in.views()
		attempt(&in)
		require.Equal(t, before, in.views(), "a view has changed")

		ask[wire.Pong](in.victim, wire.OpPing, &wire.Ping{})
		alive := newSend("C2Cfriend", name)
		ask[wire.SendAck](in.victim, wire.OpSend, alive)
		deadline := time.After(patience)
		for heard := false; !heard; {
			select {
			case f := <-in.friend.events:
				var e wire.MessagesEvent
				if f.Type == wire.EventMessages {
					require.NoError(t, wire.DecodeBody(f.Body, e.UnmarshalMsg))
					heard = len(e.Messages) == 1 && e.Messages[0].SendID == alive.SendID
				}
			case <-deadline:
				require.Fail(t, "the healthy client is not heard")
			}
		}
		s.victim.id = victim.id
		s.friend.id = friend.id
	})
}

// refusal is an operation that is refused alone.
type refusal struct {
	name string
	code wire.Code
	op   string
	body msgp.Marshaler
}

// refuses tries each as the user, whose connection goes on afterwards and whose own rows have not changed.
func (s *scene) refuses(t *testing.T, user string, rows []refusal) {
	for _, row := range rows {
		s.holds(t, row.name, func(s *scene) {
			c := s.hello(user)
			n := ask[wire.Pong](c, wire.OpPing, &wire.Ping{}).N
			c.write(row.op, row.body)
			f := c.answer()
			require.Equal(s, row.code.Name(), f.Code.Name(), f.Text)
			require.Empty(s, f.Body)
			require.Equal(s, n, ask[wire.Pong](c, wire.OpPing, &wire.Ping{}).N, "it has changed something")
			require.NoError(s, c.ws.CloseNow())
		})
	}
}
