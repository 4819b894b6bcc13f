package sdk

import (
	"github.com/lethe-im/lethe/sdk/vault"
)

// settle tells the app what a deletion, of this device or of another one, did to this device's view, and wakes reclaim.
func (a *account) settle(conversationID string, s *vault.Settled) {
	if len(s.Seqs) > 0 || len(s.Slots) > 0 {
		e := &MessageDeletedEvent{ConversationID: conversationID, Seqs: s.Seqs}
		ordinal := s.Ordinal
		if conv, ok := a.vault.Find(conversationID); ok && conv.Record != nil && !s.Garbage {
			ordinal = conv.Record.Ordinal
		}
		for _, seq := range s.Seqs {
			e.MessageIDs = append(e.MessageIDs, ordinal<<32|seq)
		}
		for _, slot := range s.Slots {
			e.MessageIDs = append(e.MessageIDs, ordinal<<32|uint64(slot))
		}
		a.client.emit(EventMessageDeleted, e.MarshalMsg)
	}
	if s.Through > 0 || s.Before > 0 {
		a.client.emit(EventHistoryCleared, (&HistoryClearedEvent{ConversationID: conversationID, Through: s.Through, Before: s.Before}).MarshalMsg)
	}
	if s.Hidden {
		a.client.emit(EventConversationDeleted, (&ConversationDeletedEvent{ConversationID: conversationID}).MarshalMsg)
	}
	if s.Garbage {
		a.mu.Lock()
		a.erasing[s.Ordinal] = conversationID
		a.mu.Unlock()
		signal(a.sweep)
	}
}

// reclaim removes in the background what no view shows any more, also what an earlier page load left.
func (a *account) reclaim() {
	for {
		done, err := a.vault.Reclaim(a.ctx)
		if err != nil {
			a.report(err)
		}
		if done.Finished {
			a.mu.Lock()
			id := a.erasing[done.Ordinal]
			a.mu.Unlock()
			if done.ConversationID != "" {
				id = done.ConversationID
			}
			a.client.emit(EventErased, (&ErasedEvent{ConversationID: id, Erasure: "removed"}).MarshalMsg)
		}
		if done.Left && err == nil && a.ctx.Err() == nil {
			continue
		}
		select {
		case <-a.sweep:
		case <-a.ctx.Done():
			return
		}
	}
}
