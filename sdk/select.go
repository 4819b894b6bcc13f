package sdk

import (
	"strconv"
	"strings"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// selectMessages turns what the caller named into deletions, one a conversation.
func (a *account) selectMessages(r *DeleteMessagesRequest, scope wire.Scope) (*deletionBatch, error) {
	kinds := 0
	for _, given := range []bool{r.IDs != nil, r.Messages != nil, r.ConversationID != ""} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return nil, wire.Errorf(wire.ParameterInvalid, "name messages by ids, messages or conversationID")
	case kinds > 1:
		return nil, wire.Errorf(wire.ParameterInvalid, "name messages by one of ids, messages and conversationID, not by several")
	case r.ConversationID != "":
		return selectConversation(r, scope)
	case r.Before != nil || r.UpTo != nil:
		return nil, wire.Errorf(wire.ParameterInvalid, "before and upTo go with conversationID")
	}
	refs := r.IDs
	for _, m := range r.Messages {
		switch {
		case m.ID != "":
			refs = append(refs, MessageRef{ID: m.ID})
		case m.MessageID != 0:
			refs = append(refs, MessageRef{MessageID: m.MessageID})
		default:
			return nil, wire.Errorf(wire.MessageInvalid, "a message object has an ID or a messageID")
		}
	}
	if len(refs) == 0 {
		return nil, wire.Errorf(wire.ParameterInvalid, "no message named")
	}
	if len(refs) > wire.MaxMessages {
		return nil, wire.Errorf(wire.LimitExceeded, "%d messages in one call, at most %d", len(refs), wire.MaxMessages)
	}
	return a.selectRefs(refs, scope)
}

// selectConversation is everything in a conversation, or what was sent before a time, or up to a seq.
func selectConversation(r *DeleteMessagesRequest, scope wire.Scope) (*deletionBatch, error) {
	if err := deletable(r.ConversationID); err != nil {
		return nil, err
	}
	d := vault.Deletion{ConversationID: r.ConversationID, Scope: scope, What: wire.WhatConversation}
	if r.UpTo != nil {
		seq, ok := r.UpTo.Whole()
		if !ok || seq == 0 || seq >= vault.FirstSlot {
			return nil, wire.Errorf(wire.ParameterInvalid, "upTo: must be a seq")
		}
		d.UpTo = seq
	}
	if r.Before != nil {
		t, ok := r.Before.Whole()
		if !ok || t == 0 {
			return nil, wire.Errorf(wire.TimeInvalid, "before: must be a positive whole number of milliseconds")
		}
		d.What, d.Before = wire.WhatTime, int64(t)
	}
	batch := &deletionBatch{}
	batch.add(r.ConversationID, d)
	return batch, nil
}

// selectRefs groups messages by conversation. What this device does not know fails alone; what is gone succeeds.
func (a *account) selectRefs(refs []MessageRef, scope wire.Scope) (*deletionBatch, error) {
	batch := &deletionBatch{}
	at := map[string]int{}
	seen := map[MessageRef]bool{}
	places, errs, err := a.locateAll(refs)
	if err != nil {
		return nil, err
	}
	for i, ref := range refs {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		p, err := places[i], errs[i]
		if err != nil && wire.CodeOf(err) != wire.MessageNotFound {
			return nil, err
		}
		if err == nil && !p.gone {
			if err := deletable(p.conversationID); err != nil {
				return nil, err
			}
		}
		if err == nil && p.gone && (ref.ID == "" || strings.HasPrefix(ref.ID, provisional)) && scope.Remote() {
			// A number alone no longer tells where the message was: it cannot be said to be gone from the server.
			err = wire.Errorf(wire.MessageNotFound, "no message %s on this device", ref)
		}
		if err == nil && p.unsent && !scope.Local() {
			err = wire.Errorf(wire.MessageNotFound, "message %s was not sent, the server has no copy", ref)
		}
		if err != nil {
			batch.refuse(err, ref)
			continue
		}
		if p.gone {
			batch.accepted = append(batch.accepted, ref)
			continue
		}
		n, ok := at[p.conversationID]
		if !ok {
			n = len(batch.deletions)
			at[p.conversationID] = n
			batch.deletions = append(batch.deletions, vault.Deletion{ConversationID: p.conversationID, Scope: scope, What: wire.WhatMessages})
			batch.items = append(batch.items, nil)
		}
		d := &batch.deletions[n]
		if p.unsent {
			if len(d.Slots) > 0 && d.Ordinal != p.ordinal { // the conversation was emptied in between
				batch.refuse(wire.Errorf(wire.MessageNotFound, "no message %s on this device", ref), ref)
				continue
			}
			d.Ordinal = p.ordinal
			d.Slots = append(d.Slots, uint32(p.slot))
		} else {
			d.Seqs = append(d.Seqs, p.slot)
		}
		batch.items[n] = append(batch.items[n], ref)
	}
	if len(batch.deletions) == 0 && len(batch.accepted) == 0 {
		return nil, batch.first
	}
	return batch, nil
}

// place is where a message is.
type place struct {
	conversationID string
	slot           uint64
	ordinal        uint64 // under which an unsent one has its slot
	unsent         bool
	gone           bool // its conversation was deleted whole since
}

// locate finds a message by what the caller called it. Errors: MessageNotFound, ParameterInvalid; storage.
func (a *account) locate(ref MessageRef) (place, error) {
	places, errs, err := a.locateAll([]MessageRef{ref})
	if err != nil {
		return place{}, err
	}
	return places[0], errs[0]
}

// locateAll finds each of the messages, with an error in the place of each that it does not find. A page shows at once what another
// tab has sent or received, and here the poke that tells of it may still be on its way: so before something is said not to be here,
// the database is asked. Errors, of each: MessageNotFound, ParameterInvalid; of all: storage.
func (a *account) locateAll(refs []MessageRef) ([]place, []error, error) {
	places, errs := make([]place, len(refs)), make([]error, len(refs))
	looked := false
	for i, ref := range refs {
		places[i], errs[i] = a.recognize(ref)
		if wire.CodeOf(errs[i]) != wire.MessageNotFound {
			continue
		}
		if !looked {
			if _, err := a.vault.Owed(a.ctx, true); err != nil {
				return nil, nil, storageError(err)
			}
			a.tellAll() // nothing says any more that it is untold
			looked = true
		}
		places[i], errs[i] = a.recognize(ref)
	}
	return places, errs, nil
}

// recognize finds a message in what this tab knows. Errors: MessageNotFound, ParameterInvalid.
func (a *account) recognize(ref MessageRef) (place, error) {
	number := ref.MessageID
	if ref == (MessageRef{}) {
		return place{}, wire.Errorf(wire.ParameterInvalid, "an id is empty or 0")
	}
	if rest, ok := strings.CutPrefix(ref.ID, provisional); ok {
		n, err := strconv.ParseUint(rest, 10, 53)
		if err != nil {
			return place{}, wire.Errorf(wire.ParameterInvalid, "id %q is not one of a message", ref.ID)
		}
		number = Number(n)
	} else if ref.ID != "" {
		return a.recognizeID(ref.ID)
	}
	id, ok := number.Whole()
	if !ok {
		return place{}, wire.Errorf(wire.ParameterInvalid, "a messageID is a whole number")
	}
	ordinal, slot := id>>32, id&(1<<32-1)
	conversationID, ok, retired := a.vault.FindOrdinal(ordinal)
	if retired {
		return place{gone: true}, nil
	}
	if !ok || slot == 0 {
		return place{}, wire.Errorf(wire.MessageNotFound, "no message %s", ref)
	}
	return a.within(ref, place{conversationID: conversationID, slot: slot, ordinal: ordinal, unsent: slot >= vault.FirstSlot})
}

func (a *account) recognizeID(id string) (place, error) {
	log, seq, ok := parseID(id)
	if !ok {
		return place{}, wire.Errorf(wire.ParameterInvalid, "id %q is not one of a message", id)
	}
	conversationID, ok := a.vault.FindLog(log)
	if !ok {
		if a.vault.Deleted(log, seq) { // not merely of a conversation that was: what came since, another tab may have shown
			return place{gone: true}, nil
		}
		return place{}, wire.Errorf(wire.MessageNotFound, "no message %s", id)
	}
	return a.within(MessageRef{ID: id}, place{conversationID: conversationID, slot: seq})
}

// within refuses a seq above the newest.
func (a *account) within(ref MessageRef, p place) (place, error) {
	c, ok := a.vault.Find(p.conversationID)
	if !ok || !p.unsent && p.slot > c.Ledger.Book.Head || p.unsent && c.Record != nil && p.slot >= vault.FirstSlot+uint64(c.Record.NextSlot) {
		return place{}, wire.Errorf(wire.MessageNotFound, "no message %s", ref)
	}
	return p, nil
}

// String is the reference as the caller wrote it.
func (r MessageRef) String() string {
	if r.ID != "" {
		return r.ID
	}
	return strconv.FormatFloat(float64(r.MessageID), 'f', -1, 64)
}
