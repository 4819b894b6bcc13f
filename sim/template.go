package sim

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// template is a store as histories find it: users in a group and with messages behind them. Copying its file is cheap.
type template struct {
	file  []byte
	tells []func(*model) // what a model must know of it
}

// begins is when a bubble's time begins, ms.
var begins = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// templateUsers are in the group g0 from the start; g1 has the first two and lets anybody in.
var templateUsers = []string{"a", "b", "c", "d", "e"}

// newTemplate makes the store. With big, g1 has more messages than a segment.
func newTemplate(file string, big bool) (*template, error) {
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	x := &template{}
	for i, group := range []string{"g0", "g1"} {
		members := templateUsers[:5-3*i]
		if _, err := s.PutGroup(ctx, app, group, group, true); err != nil {
			return nil, err
		}
		_, log, err := s.Members(ctx, app, group, members, nil)
		if err != nil {
			return nil, err
		}
		x.tells = append(x.tells, func(m *model) {
			m.logs[log] = &modelLog{}
			m.named["GROUP"+group] = log
			for _, user := range members {
				m.view(user, "GROUP"+group).open(log, 1)
			}
		})
	}
	n := 0
	put := func(user, conversation string) error {
		n++
		at := begins.UnixMilli() - 60_000 + int64(n)
		send := wire.Send{
			SendID: wire.ID{1, byte(n >> 8), byte(n)}, ConversationID: conversation, Type: wire.TypeText,
			Payload: payload(fmt.Sprintf("«%s before #%d»", user, n)),
		}
		ack, repeated, err := s.Send(ctx, server.Who{App: app, User: user}, send, at)
		x.tells = append(x.tells, func(m *model) { m.sent(user, &send, ack, repeated) })
		return err
	}
	for range 3 {
		for _, to := range [][2]string{{"a", "C2Cb"}, {"b", "C2Ca"}, {"c", "GROUPg0"}, {"a", "GROUPg1"}, {"b", "GROUPg0"}} {
			if err := put(to[0], to[1]); err != nil {
				return nil, err
			}
		}
	}
	for big && n < 265 {
		if err := put(templateUsers[n%2], "GROUPg1"); err != nil {
			return nil, err
		}
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	x.file, err = os.ReadFile(file)
	return x, err
}

// copyTo begins a history on the template.
func (x *template) copyTo(w *world) error {
	if err := removeFiles(w.file()); err != nil {
		return err
	}
	for _, tell := range x.tells {
		tell(w.model)
	}
	return os.WriteFile(w.file(), x.file, 0o600)
}
