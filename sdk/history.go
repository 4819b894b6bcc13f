package sdk

import (
	"context"
	"errors"
	"strings"

	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

const (
	defaultPage = 15
	// leastFetch is how many messages a page request asks for at least: segments come whole anyway.
	leastFetch = 64
	// fetches is how often one page may ask the server; each answer covers at least a segment.
	fetches = 16
)

// GetMessageList returns a page of this device's view, filled from the server where it has gaps. Without a connection it
// shows what is here, and isCompleted stays false above a gap.
// Errors: NotReady, ConversationIDInvalid, ParameterInvalid, ConversationNotFound, Offline (an unknown conversation).
func (c *Client) GetMessageList(ctx context.Context, r *MessageListRequest) (*MessageListResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	count, err := pageCount(r.Count)
	if err != nil {
		return nil, err
	}
	conv, err := a.find(ctx, r.ConversationID)
	if err != nil {
		return nil, err
	}
	below, err := a.pageBelow(conv, r.NextReqMessageID)
	if err != nil {
		return nil, err
	}
	q := vault.Query{ConversationID: conv.ID, Below: below, Count: count}
	if err := a.awaitAhead(ctx, conv.ID); err != nil {
		return nil, wire.Errorf(wire.NetworkTimeout, "getMessageList: %w", err)
	}
	view, err := a.page(ctx, q)
	if err != nil {
		return nil, storageError(err)
	}
	a.readAhead(q, &view)
	now, _ := a.vault.Find(conv.ID)
	out := &MessageListResult{MessageList: make([]Message, len(view.Rows)), IsCompleted: view.Completed}
	for i, row := range view.Rows {
		out.MessageList[len(view.Rows)-1-i] = a.message(&now, view.Ordinal, row)
	}
	if err := a.withQuotes(ctx, &now, view.Rows, out.MessageList); err != nil {
		return nil, storageError(err)
	}
	if !view.Completed && len(out.MessageList) > 0 {
		out.NextReqMessageID = out.MessageList[0].ID
	}
	return out, nil
}

func pageCount(n Number) (int, error) {
	if n == 0 {
		return defaultPage, nil
	}
	count, whole := n.Whole()
	if !whole || count < 1 || count > wire.MaxPage {
		return 0, wire.Errorf(wire.ParameterInvalid, "count: must be a whole number from 1 to %d", wire.MaxPage)
	}
	return int(count), nil
}

// pageBelow is the seq below which the next page begins, 0 for the first page.
func (a *account) pageBelow(c *vault.Conversation, next string) (uint64, error) {
	if next == "" {
		return 0, nil
	}
	if strings.HasPrefix(next, provisional) {
		return c.Ledger.Book.Head + 1, nil // behind the unsent ones
	}
	log, seq, ok := parseID(next)
	if !ok || log != c.Ledger.Book.Log {
		return 0, wire.Errorf(wire.ParameterInvalid, "nextReqMessageID %q: take it from the page before", next)
	}
	return seq, nil
}

// page reads a page and fetches what it lacks.
func (a *account) page(ctx context.Context, q vault.Query) (vault.View, error) {
	for i := 0; ; i++ {
		view, err := a.vault.Page(ctx, q)
		if err != nil || view.Gap == nil {
			return view, err
		}
		c := a.online()
		if c == nil || i == fetches {
			break
		}
		if i == 0 {
			defer a.run(func() {
				if err := a.freshen(c, q.ConversationID); err != nil {
					a.failed(c, err)
				}
			})
		}
		err = a.fetch(c, q.ConversationID, *view.Gap, q.Count-len(view.Rows))
		var refusal *wire.Error
		if errors.As(err, &refusal) {
			break // the device's copy is shown; the connection's end is told elsewhere
		}
		if err != nil {
			return view, err
		}
	}
	q.AcrossGaps = true
	return a.vault.Page(ctx, q)
}

// aheadFrom is from which size of a page on, but for the first, the one below it is fetched before it is asked for: who reads a
// whole history in large pages waits a third less. People who scroll do not ask for so many.
const aheadFrom = 256

// readAhead begins to fetch what the next page lacks.
func (a *account) readAhead(q vault.Query, view *vault.View) {
	c := a.online()
	if c == nil || q.Below == 0 || q.Count < aheadFrom || view.Completed || len(view.Rows) == 0 {
		return
	}
	q.Below, q.GapOnly = view.Rows[len(view.Rows)-1].Message.Seq, true
	over := make(chan struct{})
	a.mu.Lock()
	a.ahead[q.ConversationID] = over
	a.mu.Unlock()
	a.run(func() {
		defer func() {
			a.mu.Lock()
			delete(a.ahead, q.ConversationID)
			a.mu.Unlock()
			close(over)
		}()
		// Whatever goes wrong here goes wrong again for the page that needs it, which tells.
		if next, err := a.vault.Page(a.ctx, q); err == nil && next.Gap != nil {
			_ = a.fetch(c, q.ConversationID, *next.Gap, q.Count)
		}
	})
}

// awaitAhead waits for what is being fetched of a conversation.
func (a *account) awaitAhead(ctx context.Context, conversationID string) error {
	a.mu.Lock()
	over := a.ahead[conversationID]
	a.mu.Unlock()
	if over == nil {
		return nil
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fetch asks the server for the upper part of a gap and stores it.
func (a *account) fetch(c *connection, conversationID string, gap ledger.Interval, count int) error {
	r := &wire.PageRequest{
		ConversationID: conversationID, Below: gap.To + 1, Above: gap.From - 1,
		Limit: uint32(min(max(count, leastFetch), wire.MaxPage)),
	}
	var page wire.Page
	if err := c.request(a.ctx, wire.OpPage, r.MarshalMsg, page.UnmarshalMsg); err != nil {
		return err
	}
	if page.To < page.From || page.To < gap.To || page.To > gap.To {
		return wire.Errorf(wire.FrameInvalid, "page %d…%d does not answer %d…%d", page.From, page.To, gap.From, gap.To)
	}
	return a.watching(conversationID, func() error {
		if err := a.vault.Ingest(a.ctx, conversationID, &vault.Page{Page: &page}); err != nil {
			return err
		}
		return a.tellArrived()
	})
}

// FetchRemoteHistory returns the server's page: what the user's history there has, whatever this device holds or hides. It
// stores nothing.
// Errors: NotReady, ConversationIDInvalid, ParameterInvalid, ConversationNotFound, Offline.
func (c *Client) FetchRemoteHistory(ctx context.Context, r *MessageListRequest) (*MessageListResult, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	count, err := pageCount(r.Count)
	if err != nil {
		return nil, err
	}
	if _, err := wire.ParseConversation(r.ConversationID); err != nil {
		return nil, err
	}
	conn := a.online()
	if conn == nil {
		return nil, wire.Errorf(wire.Offline, "the server's history needs a connection")
	}
	request := &wire.PageRequest{ConversationID: r.ConversationID, Limit: uint32(count)}
	if r.NextReqMessageID != "" {
		_, seq, ok := parseID(r.NextReqMessageID)
		if !ok {
			return nil, wire.Errorf(wire.ParameterInvalid, "nextReqMessageID %q: take it from the page before", r.NextReqMessageID)
		}
		request.Below = seq
	}
	var page wire.Page
	if err := conn.request(ctx, wire.OpPage, request.MarshalMsg, page.UnmarshalMsg); err != nil {
		return nil, err
	}
	return a.remotePage(r.ConversationID, &page, count)
}

func (a *account) remotePage(conversationID string, page *wire.Page, count int) (*MessageListResult, error) {
	conv := vault.Conversation{ID: conversationID, Ledger: &vault.Ledger{Book: ledger.Book{Log: page.Log}}}
	known, hasRecord := a.vault.Find(conversationID)
	var list []Message
	for i := range page.Batches {
		messages, err := page.Batches[i].Messages()
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			message := a.message(&conv, 0, vault.Row{Message: m, Slot: uint32(m.Seq)})
			if !hasRecord || known.Record == nil {
				message.MessageID = 0 // it has no place on this device
			} else {
				message.MessageID |= known.Record.Ordinal << 32
			}
			list = append(list, message)
		}
	}
	out := &MessageListResult{IsCompleted: page.First}
	next := page.From
	if len(list) > count {
		list = list[len(list)-count:]
		out.IsCompleted, next = false, list[0].Seq
	}
	out.MessageList = list
	if !out.IsCompleted {
		out.NextReqMessageID = messageID(page.Log, next)
	}
	return out, nil
}
