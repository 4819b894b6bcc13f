// Package demo fills an empty store with invented chats, so that the page of `lethe serve --demo` has something real to
// delete. The same day's fill always has the same texts.
package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// The two users of the page.
const (
	UserA = "userA"
	UserB = "userB"
)

// batch is how many messages go into one transaction.
const batch = 1000

// chat is one conversation to be made: name it as `as` does, with who speaks in it.
type chat struct {
	as       string
	id       string // conversationID
	title    string // of a group
	people   []string
	messages int
	days     int // how far back it goes
	talk     []talk
}

var crowd = []string{
	"amelia", "bruno", "chiara", "dmitri", "eleni", "farid", "grace", "hiroshi", "ines", "jonas", "李娜", "王伟",
}

func chats() []chat {
	both := []string{UserA, UserB}
	return []chat{
		{as: UserA, id: "C2C" + UserB, people: both, messages: 3000, days: 42, talk: []talk{daily, trip, chinese}},
		{id: "GROUPdesign", title: "Design crew", people: append(both, crowd[:7]...), messages: 2500, days: 40, talk: []talk{work, daily}},
		{id: "GROUPrelease", title: "Release 2.0", people: append(both, crowd[2:9]...), messages: 1600, days: 30, talk: []talk{work}},
		{id: "GROUPhike", title: "Sunday hikes", people: append(both, crowd[4:12]...), messages: 900, days: 28, talk: []talk{trip, daily}},
		{id: "GROUPfood", title: "美食 lunch club", people: append(both, crowd[8:12]...), messages: 500, days: 21, talk: []talk{food, chinese}},
		{as: UserA, id: "C2Camelia", people: []string{UserA, "amelia"}, messages: 140, days: 18, talk: []talk{work, daily}},
		{as: UserA, id: "C2C李娜", people: []string{UserA, "李娜"}, messages: 60, days: 9, talk: []talk{chinese, food}},
		{as: UserA, id: "C2Chiroshi", people: []string{UserA, "hiroshi"}, messages: 24, days: 5, talk: []talk{trip}},
		{as: UserB, id: "C2Cbruno", people: []string{UserB, "bruno"}, messages: 75, days: 12, talk: []talk{daily, food}},
		{as: UserB, id: "C2Cgrace", people: []string{UserB, "grace"}, messages: 30, days: 6, talk: []talk{work}},
	}
}

// Lobby is the page's room.
const Lobby = "lobby"

// Fill makes the lobby, and the chats if userA has none yet. now is when the newest of them end.
func Fill(ctx context.Context, store server.Store, app string, now time.Time) error {
	if err := store.PutRoom(ctx, app, Lobby, "Lobby"); err != nil {
		return err
	}
	n, _, err := store.Number(ctx, server.Who{App: app, User: UserA})
	if err != nil || n > 0 {
		return err
	}
	for i, c := range chats() {
		r := rand.New(rand.NewPCG(uint64(i), 2026))
		if err := c.fill(ctx, store, app, now, r); err != nil {
			return fmt.Errorf("%s: %w", c.id, err)
		}
	}
	for _, user := range []string{UserA, UserB} {
		for i, text := range notices {
			at := now.Add(-time.Duration(len(notices)-i) * 3 * 24 * time.Hour).UnixMilli()
			m := wire.Message{Type: wire.TypeText, Payload: textPayload(text)}
			if _, err := store.Notice(ctx, app, user, "", m, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c chat) fill(ctx context.Context, store server.Store, app string, now time.Time, r *rand.Rand) error {
	if group, ok := groupOf(c.id); ok {
		if _, err := store.PutGroup(ctx, app, group, c.title, false); err != nil {
			return err
		}
		if _, _, err := store.Members(ctx, app, group, c.people, nil); err != nil {
			return err
		}
	}
	var head uint64
	for messages := range slices.Chunk(c.generate(now, r), batch) {
		var err error
		if _, head, _, err = store.Import(ctx, app, c.as, c.id, messages, now.UnixMilli()); err != nil {
			return err
		}
	}
	return c.read(ctx, store, app, head, r)
}

// read leaves the two users a few unread messages each.
func (c chat) read(ctx context.Context, store server.Store, app string, head uint64, r *rand.Rand) error {
	for _, user := range []string{UserA, UserB} {
		if !slices.Contains(c.people, user) {
			continue
		}
		id := c.id
		if c.as != "" && c.as != user {
			id = "C2C" + c.as
		}
		unread := uint64(r.IntN(6))
		if _, err := store.Read(ctx, server.Who{App: app, User: user}, wire.Read{ConversationID: id, UpTo: head - unread}); err != nil {
			return err
		}
	}
	return nil
}

func groupOf(id string) (string, bool) {
	c, err := wire.ParseConversation(id)
	return c.Target, err == nil && c.Kind == wire.GroupKind
}

// generate invents the messages: bursts in which a few people talk about one thing, minutes apart within a burst.
func (c chat) generate(now time.Time, r *rand.Rand) []wire.Message {
	messages := make([]wire.Message, 0, c.messages)
	for len(messages) < c.messages {
		t := c.talk[r.IntN(len(c.talk))]
		n := min(3+r.IntN(14), c.messages-len(messages))
		from := c.people[r.IntN(len(c.people))]
		for range n {
			if r.IntN(3) > 0 {
				from = c.people[r.IntN(len(c.people))]
			}
			messages = append(messages, wire.Message{From: from, Type: wire.TypeText, Payload: textPayload(t.line(r))})
		}
	}
	// Times from the newest back: short steps within a burst, long ones between, scaled to the days wanted.
	steps := make([]float64, len(messages))
	var sum float64
	for i := range steps {
		if steps[i] = 5 + r.ExpFloat64()*40; r.IntN(9) == 0 {
			steps[i] += r.ExpFloat64() * 6 * 3600
		}
		sum += steps[i]
	}
	scale := float64(c.days) * 24 * 3600 * 1000 / sum
	at := float64(now.UnixMilli()) - r.Float64()*3*3600*1000
	for i := len(messages) - 1; i >= 0; i-- {
		messages[i].Time = int64(at)
		at -= steps[i] * scale
	}
	return messages
}

func textPayload(text string) msgp.Raw {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), text)
}
