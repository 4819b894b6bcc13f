package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// gated is the Store as a node sees it: each operation may wait, or the node die, before it and after it. What was
// done is told to the model, whether or not anybody hears of the answer.
type gated struct {
	server.Store
	h     *host
	known map[string]any // of shared
}

var errDead = errors.New("the node has died")

// onLink names the connection that something happens for.
type onLink struct{}

// forWhom is what happens, and for which connection: several may do the same at once.
func forWhom(ctx context.Context, what string) string {
	if id, ok := ctx.Value(onLink{}).(int); ok {
		return fmt.Sprintf("for link %d %s", id, what)
	}
	return what
}

// around runs one operation between its two gates.
func around[T any](ctx context.Context, g *gated, what string, do func() (T, error)) (T, error) {
	var zero T
	what = forWhom(ctx, what)
	if !g.h.pass("before "+what, nil, nil) {
		return zero, errDead
	}
	out, err := change(g, do)
	if !g.h.pass("after "+what, nil, nil) {
		return zero, errDead
	}
	return out, err
}

// change has the store do something, and the model and what is known follow before anybody else asks.
func change[T any](g *gated, do func() (T, error)) (T, error) {
	g.h.w.books.Lock()
	defer g.h.w.books.Unlock()
	clear(g.known)
	return do()
}

// reading runs an operation that only reads, behind a gate: nothing is lost when the node dies behind it. args are all that the
// answer follows from.
func reading[T any](ctx context.Context, g *gated, what string, args []any, do func() (T, error)) (T, error) {
	if !g.h.pass(forWhom(ctx, what), nil, nil) {
		var zero T
		return zero, errDead
	}
	return asked(g, what, args, do)
}

// asked asks the store, unless its answer is known.
func asked[T any](g *gated, what string, args []any, do func() (T, error)) (T, error) {
	key := fmt.Sprint(what, args)
	g.h.w.books.Lock()
	defer g.h.w.books.Unlock()
	if out, ok := g.known[key]; ok {
		return out.(T), nil
	}
	out, err := do()
	if err == nil {
		g.known[key] = out
	}
	return out, err
}

func (g *gated) Send(ctx context.Context, who server.Who, s wire.Send, now int64) (wire.SendAck, bool, error) {
	type answer struct {
		ack      wire.SendAck
		repeated bool
	}
	a, err := around(ctx, g, "send "+who.User+" "+s.ConversationID, func() (a answer, err error) {
		a.ack, a.repeated, err = g.Store.Send(ctx, who, s, now)
		if err == nil {
			g.h.w.model.sent(who.User, &s, a.ack, a.repeated)
		}
		return a, err
	})
	return a.ack, a.repeated, err
}

func (g *gated) Cancel(ctx context.Context, who server.Who, c wire.Cancel, set server.Settings, now int64) (wire.CancelAck, error) {
	return around(ctx, g, "cancel "+who.User+" "+c.ConversationID, func() (wire.CancelAck, error) {
		ack, err := g.Store.Cancel(ctx, who, c, set, now)
		if err == nil {
			g.h.w.model.cancelled(who.User, &c, ack, set)
		}
		return ack, err
	})
}

func (g *gated) Delete(ctx context.Context, who server.Who, d wire.Delete, set server.Settings, now int64) (wire.DeleteAck, error) {
	return around(ctx, g, "delete "+who.User+" "+d.ConversationID, func() (wire.DeleteAck, error) {
		ack, err := g.Store.Delete(ctx, who, d, set, now)
		if err == nil {
			g.h.w.model.deleted(who.User, &d, ack, set)
		}
		return ack, err
	})
}

func (g *gated) Read(ctx context.Context, who server.Who, r wire.Read) (wire.ReadAck, error) {
	return around(ctx, g, "read "+who.User+" "+r.ConversationID, func() (wire.ReadAck, error) {
		ack, err := g.Store.Read(ctx, who, r)
		if err == nil {
			g.h.w.model.read(who.User, &r)
		}
		return ack, err
	})
}

func (g *gated) Recall(ctx context.Context, who server.Who, q wire.Recall, set server.Settings, now int64) (wire.Recalled, uint64, error) {
	type answer struct {
		r   wire.Recalled
		log uint64
	}
	a, err := around(ctx, g, "recall "+who.User+" "+q.ConversationID, func() (a answer, err error) {
		a.r, a.log, err = g.Store.Recall(ctx, who, q, set, now)
		if err == nil {
			g.h.w.model.recalled(a.log, a.r.Seq)
		}
		return a, err
	})
	return a.r, a.log, err
}

func (g *gated) Join(ctx context.Context, who server.Who, q wire.Join, set server.Settings) (wire.JoinAck, error) {
	return around(ctx, g, "join "+who.User+" "+q.ConversationID, func() (wire.JoinAck, error) {
		ack, err := g.Store.Join(ctx, who, q, set)
		if err == nil {
			g.h.w.model.joined(who.User, q.ConversationID)
		}
		return ack, err
	})
}

func (g *gated) Leave(ctx context.Context, who server.Who, q wire.Leave) (wire.LeaveAck, error) {
	return around(ctx, g, "leave "+who.User+" "+q.ConversationID, func() (wire.LeaveAck, error) {
		ack, err := g.Store.Leave(ctx, who, q)
		if err == nil {
			g.h.w.model.left(who.User, q.ConversationID)
		}
		return ack, err
	})
}

func (g *gated) Page(ctx context.Context, who server.Who, p wire.PageRequest, most int) (wire.Page, error) {
	return reading(ctx, g, "page "+who.User+" "+p.ConversationID, []any{p, most}, func() (wire.Page, error) { return g.Store.Page(ctx, who, p, most) })
}

func (g *gated) Compensation(ctx context.Context, who server.Who, p wire.PageRequest, since int64, most int) (wire.Page, error) {
	return reading(ctx, g, "compensation "+who.User+" "+p.ConversationID, []any{p, since, most}, func() (wire.Page, error) {
		return g.Store.Compensation(ctx, who, p, since, most)
	})
}

func (g *gated) Rows(ctx context.Context, who server.Who, since uint64, limit int) (wire.Rows, error) {
	return reading(ctx, g, "rows "+who.User, []any{since}, func() (wire.Rows, error) { return g.Store.Rows(ctx, who, since, limit) })
}

func (g *gated) Recalls(ctx context.Context, who server.Who, q wire.RecallsRequest, limit int) (wire.Recalls, error) {
	return reading(ctx, g, "recalls "+who.User, []any{q}, func() (wire.Recalls, error) { return g.Store.Recalls(ctx, who, q, limit) })
}

func (g *gated) RecallsSince(ctx context.Context, who server.Who, log, since uint64, limit int) (wire.RecallsEvent, error) {
	return reading(ctx, g, "recalls since "+who.User, []any{log, since}, func() (wire.RecallsEvent, error) {
		return g.Store.RecallsSince(ctx, who, log, since, limit)
	})
}

func (g *gated) Heads(ctx context.Context, who server.Who, h []wire.Head, most int) (wire.Heads, error) {
	return reading(ctx, g, "heads "+who.User, []any{h}, func() (wire.Heads, error) { return g.Store.Heads(ctx, who, h, most) })
}

func (g *gated) Rest(ctx context.Context, who server.Who, named func(string) bool, most int) (wire.Heads, error) {
	if !g.h.pass(forWhom(ctx, "rest "+who.User), nil, nil) {
		return wire.Heads{}, errDead
	}
	return g.Store.Rest(ctx, who, named, most)
}

func (g *gated) Messages(ctx context.Context, who server.Who, log, from, to uint64) (wire.MessagesEvent, error) {
	return reading(ctx, g, "messages "+who.User, []any{log, from, to}, func() (wire.MessagesEvent, error) { return g.Store.Messages(ctx, who, log, from, to) })
}

func (g *gated) Logs(ctx context.Context, who server.Who) ([]server.OpenLog, error) {
	return reading(ctx, g, "logs "+who.User, nil, func() ([]server.OpenLog, error) { return g.Store.Logs(ctx, who) })
}

func (g *gated) Number(ctx context.Context, who server.Who) (uint64, uint32, error) {
	type answer struct {
		n     uint64
		epoch uint32
	}
	if g.h.dead.Load() {
		return 0, 0, errDead
	}
	a, err := asked(g, "number", []any{who.User}, func() (a answer, err error) {
		a.n, a.epoch, err = g.Store.Number(ctx, who)
		return a, err
	})
	return a.n, a.epoch, err
}

func (g *gated) Settings(ctx context.Context, id string) (server.Settings, bool, error) {
	type answer struct {
		set server.Settings
		ok  bool
	}
	a, err := asked(g, "settings", nil, func() (a answer, err error) {
		a.set, a.ok, err = g.Store.Settings(ctx, id)
		return a, err
	})
	return a.set, a.ok, err
}

func (g *gated) Revoked(ctx context.Context, x server.Grant) (bool, error) {
	return asked(g, "revoked", []any{x}, func() (bool, error) { return g.Store.Revoked(ctx, x) })
}

func (g *gated) Device(ctx context.Context, who server.Who, now int64) (bool, error) {
	return around(ctx, g, "device "+who.User, func() (bool, error) { return g.Store.Device(ctx, who, now) })
}

func (g *gated) Settle(ctx context.Context, who server.Who) error {
	_, err := around(ctx, g, "settle "+who.User, func() (struct{}, error) { return struct{}{}, g.Store.Settle(ctx, who) })
	return err
}

func (g *gated) Purge(ctx context.Context, id string, set server.Settings, now int64) (bool, error) {
	return around(ctx, g, "purge", func() (bool, error) { return g.Store.Purge(ctx, id, set, now) })
}

func (g *gated) Erase(ctx context.Context) (bool, error) {
	return around(ctx, g, "erase", func() (bool, error) { return g.Store.Erase(ctx) })
}
