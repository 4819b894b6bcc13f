package sdk

import (
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/sdk/vault"
)

// settle tells the app what has left this device's view, and wakes reclaim. What to tell follows from the books: this tab
// remembers the one it has told of, so that each change is told once in each tab, whoever made it (this tab, another one,
// another device) and however often it is heard of. s adds what books do not say.
func (a *account) settle(conversationID string, s *vault.Settled) {
	a.mu.Lock() // before the book is read, so that told never goes back
	conv, ok := a.vault.Find(conversationID)
	if !ok {
		a.mu.Unlock()
		return
	}
	now := conv.Ledger.Book.Clone()
	before := a.told[conversationID]
	a.told[conversationID] = now
	a.mu.Unlock()
	a.tellMessages(&conv, now.NewlyHidden(&before).Seqs(), s)
	e := &HistoryClearedEvent{ConversationID: conversationID}
	for _, x := range now.NewBounds(&before) {
		e.Before = max(e.Before, x.Before)
	}
	if now.Through() > before.Through() {
		e.Through = now.Through()
	}
	if e.Through > 0 || e.Before > 0 {
		a.client.emit(EventHistoryCleared, e.MarshalMsg)
	}
	hiddenAt := func(b *ledger.Book) uint64 { return max(b.Local.HiddenAt, b.Devices.HiddenAt) }
	if now.HidesConversation() && hiddenAt(&now) > hiddenAt(&before) || s.Left {
		a.client.emit(EventConversationDeleted, (&ConversationDeletedEvent{ConversationID: conversationID}).MarshalMsg)
	}
	a.beginErasing(conversationID, s)
}

// tellMessages tells of single messages that have left the view.
func (a *account) tellMessages(c *vault.Conversation, seqs []uint64, s *vault.Settled) {
	if len(seqs) == 0 && len(s.Slots) == 0 {
		return
	}
	ordinal := s.Ordinal
	if c.Record != nil && !s.Garbage {
		ordinal = c.Record.Ordinal
	}
	e := &MessageDeletedEvent{ConversationID: c.ID, Seqs: seqs}
	for _, seq := range seqs {
		e.MessageIDs = append(e.MessageIDs, ordinal<<32|seq)
	}
	for _, slot := range s.Slots {
		e.MessageIDs = append(e.MessageIDs, ordinal<<32|uint64(slot))
	}
	a.client.emit(EventMessageDeleted, e.MarshalMsg)
}

// remember takes what the books say at login as told.
func (a *account) remember() {
	for _, conv := range a.vault.All() {
		a.told[conv.ID] = conv.Ledger.Book.Clone()
		a.revoked[conv.ID] = conv.Ledger.Book.RecallNumber()
	}
}
