package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// The views of several logs are opened by one statement each, where openView and viewOf open one by several; and in two steps, since
// what everybody has lost and the user has deleted decides nothing about whether a device knows all of a conversation already.

// logName is what a log is found by.
type logName struct {
	kind wire.ConversationKind
	key  string
}

func nameOfLog(user string, c wire.Conversation) logName {
	return logName{c.Kind, string(nameKey(user, c))}
}

// named are a user's views by the names of their logs, and the read marks in them, by the logs' numbers.
type named struct {
	views map[logName]*view
	marks map[uint64]uint64
}

// namedViews finds the views behind some conversations, with nothing taken from them yet. A log in which the user never was, and
// the device is not, has none.
func namedViews(ctx context.Context, tx *transaction, who server.Who, conversations []wire.Conversation) (named, error) {
	n := named{views: map[logName]*view{}, marks: map[uint64]uint64{}}
	var table []any
	for _, c := range conversations {
		name := nameOfLog(who.User, c)
		if _, ok := n.views[name]; !ok { // a device may ask for a conversation twice
			n.views[name] = nil
			table = append(table, c.Kind, []byte(name.key))
		}
	}
	var name logName
	var key []byte
	var l log
	var s span
	var conversation string
	var mark uint64
	places := append(append([]any{&name.kind, &key}, l.fields()...), &s.joined, &s.gone, &conversation, &mark)
	if err := selectNamed.each(ctx, tx, []any{who.App, who.User}, table,
		func(scan func(...any) error) error {
			if err := scan(places...); err != nil {
				return err
			}
			name.key, l.app = string(key), who.App
			v := n.views[name]
			if v == nil {
				v = &view{log: l}
				n.views[name] = v
			}
			if s.joined > 0 { // seqs begin at 1
				v.spans, v.conversation = append(v.spans, s), conversation
			}
			n.marks[l.id] = mark
			return nil
		}); err != nil {
		return named{}, err
	}
	return n, n.enter(ctx, tx, who)
}

var selectNamed = inBulk(3, []string{"kind BIGINT", "name_key BLOB"}, func(d dialect) string {
	return d.forEach("kind", "n.kind, n.name, "+logColumns+
		", coalesce(s.joined, 0), coalesce(s.gone, 0), coalesce(s.conversation, ''), coalesce(m.up_to, 0)",
		"names n JOIN logs l ON l.app = n.app AND l.log = n.log"+
			d.leftJoin("spans s", "s.app = ?1 AND s.uid = ?2 AND s.log = n.log")+
			d.leftJoin("marks m", "m.app = ?1 AND m.uid = ?2 AND m.log = n.log"),
		"n.app = ?1 AND n.kind = k.kind AND n.name = k.name_key")
})

// enter lets the views without spans begin where the device came into a room, and leaves out those that it is not in.
func (n named) enter(ctx context.Context, tx *transaction, who server.Who) error {
	var outside []*view
	for name, v := range n.views {
		switch {
		case v == nil:
			delete(n.views, name)
		case len(v.spans) == 0:
			outside = append(outside, v)
		}
	}
	visits, err := visitsOf(ctx, tx, who, outside)
	if err != nil {
		return err
	}
	for name, v := range n.views {
		if len(v.spans) == 0 {
			visit, ok := visits[v.id]
			if !ok {
				delete(n.views, name)
				continue
			}
			v.spans, v.conversation = []span{{joined: visit.first}}, visit.conversation
		}
		slices.SortFunc(v.spans, func(a, b span) int { return cmp.Compare(a.joined, b.joined) })
		v.reach = v.knownHead()
	}
	return nil
}

// unnamedViews are the views of all logs in which the user ever had a span, without those that the device has named, by rising log,
// with nothing taken from them yet.
func unnamedViews(ctx context.Context, tx *transaction, who server.Who, named func(string) bool) (views []*view, err error) {
	var l log
	var s span
	var conversation string
	places := append(l.fields(), &s.joined, &s.gone, &conversation)
	err = each(ctx, tx, `SELECT `+logColumns+`, s.joined, s.gone, s.conversation
		FROM spans s JOIN logs l ON l.app = s.app AND l.log = s.log WHERE s.app = ? AND s.uid = ? ORDER BY s.log, s.joined`,
		[]any{who.App, who.User}, func(scan func(...any) error) error {
			if err := scan(places...); err != nil || named(conversation) {
				return err
			}
			l.app = who.App
			if n := len(views); n == 0 || views[n-1].id != l.id {
				views = append(views, &view{log: l, conversation: conversation})
			}
			v := views[len(views)-1]
			v.spans = append(v.spans, s)
			return nil
		})
	for _, v := range views {
		v.reach = v.knownHead()
	}
	return views, err
}

// narrowAll takes from several views what is taken from them.
func narrowAll(ctx context.Context, tx *transaction, who server.Who, views []*view) error {
	histories, err := historiesOf(ctx, tx, who, views)
	if err != nil {
		return err
	}
	var haves map[uint64]uint64
	if who.Waiting {
		if haves, err = havesOf(ctx, tx, who, views); err != nil {
			return err
		}
	}
	for _, v := range views {
		v.narrow(histories[v.id], haves[v.id])
	}
	return nil
}
