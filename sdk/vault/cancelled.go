package vault

import (
	"context"
	"slices"

	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/wire"
)

// A message that was deleted here before it was sent may have been on its way: a push, a page or a head brings it before the server
// has answered the cancel, and until then nothing else tells where it stands.

// cancelled is where among messages those stand that are to be cancelled, and must not be seen here.
func (t *tx) cancelled(messages []wire.Message) (at wire.Ranges, err error) {
	own := func(m wire.Message) bool { return m.From == t.v.user }
	if !slices.ContainsFunc(messages, own) {
		return nil, nil
	}
	entries, err := t.allEntries()
	if err != nil {
		return nil, err
	}
	for i := range entries {
		e := &entries[i]
		if e.Kind != CancelEntry || !e.Scope.Local() {
			continue
		}
		for _, m := range messages {
			if own(m) && m.SendID == e.SendID {
				at.Add(m.Seq)
			}
		}
	}
	return at, nil
}

// hideCancelled takes into the book where such messages stand.
func (t *tx) hideCancelled(c *conv, messages []wire.Message) error {
	at, err := t.cancelled(messages)
	if err == nil && len(at) > 0 && c.book().Local.Join(wire.Ledger{Ranges: at}) {
		c.changeBook()
	}
	return err
}

// errCancelled: a page has messages that are to be cancelled. The book is to hide them before it is stored.
type errCancelled struct{ at wire.Ranges }

func (errCancelled) Error() string { return "vault: the page has messages that are to be cancelled" }

// refuseCancelled gives an errCancelled if the page has messages that are to be cancelled and that the book does not hide.
func (t *tx) refuseCancelled(c *conv, page *Page, entries []Entry) error {
	if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Kind == CancelEntry && e.ConversationID == c.ID }) {
		return nil
	}
	var found errCancelled
	for i := range page.Batches {
		messages, err := page.Batches[i].Messages()
		if err != nil {
			continue // a block that is broken becomes a gap
		}
		at, err := t.cancelled(slices.DeleteFunc(messages, func(m wire.Message) bool { return c.book().Hides(m.Seq, m.Time) }))
		if err != nil {
			return err
		}
		for _, seq := range at.Seqs() {
			found.at.Add(seq)
		}
	}
	if len(found.at) > 0 {
		return found
	}
	return nil
}

// hide takes seqs into a conversation's book. v.write is held.
func (v *Vault) hide(ctx context.Context, conversationID string, at wire.Ranges) error {
	return v.updateLocked(ctx, kv.Relaxed, nil, func(t *tx) error {
		cs, err := t.load(conversationID)
		if err == nil && cs[0].book().Local.Join(wire.Ledger{Ranges: at}) {
			cs[0].changeBook()
		}
		return err
	})
}
