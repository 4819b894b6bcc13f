package sqlstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"time"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// sending is a row of sends: where a SendID's message stands; seq 0 if it was cancelled before it came.
type sending struct {
	hash []byte
	log  uint64
	seq  uint64
	time int64
	at   int64 // it is forgotten 30 days after this
}

// askSend asks for where a SendID's message stands.
func askSend(who server.Who, id wire.ID, s *sending, known *bool) question {
	return ifAny(known, `SELECT hash, log, seq, time, at FROM sends WHERE app = ? AND uid = ? AND send = ?`,
		[]any{who.App, who.User, id[:]}, &s.hash, &s.log, &s.seq, &s.time, &s.at)
}

func (s sending) remember(ctx context.Context, tx *transaction, who server.Who, id wire.ID) error {
	if s.hash == nil {
		s.hash = []byte{}
	}
	err := tx.exec(ctx, `INSERT INTO sends (app, uid, send, hash, log, seq, time, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, who.App, who.User, id[:], s.hash, s.log, s.seq, s.time, s.at)
	return err
}

// Send appends a message, or answers again what its SendID was answered first.
func (s *Store) Send(ctx context.Context, who server.Who, send wire.Send, now int64) (ack wire.SendAck, repeated bool, err error) {
	c, err := wire.ParseConversation(send.ConversationID)
	if err != nil {
		return wire.SendAck{}, false, err
	}
	if send.SendID == (wire.ID{}) {
		return wire.SendAck{}, false, wire.Errorf(wire.ParameterInvalid, "a message needs a sendID")
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		ack, repeated, err = applySend(ctx, tx, who, send, c, now)
		return err
	})
	if err != nil {
		return wire.SendAck{}, false, err
	}
	return ack, repeated, nil
}

func applySend(ctx context.Context, tx *transaction, who server.Who, send wire.Send, c wire.Conversation, now int64) (wire.SendAck, bool, error) {
	hash, err := sendHash(send)
	if err != nil {
		return wire.SendAck{}, false, err
	}
	// The log first: who has come with the same SendID is either done or waits here.
	var l log
	var ok, known bool
	var sent sending
	var in present
	questions := []question{askLog(who, c, tx.forUpdate, &l, &ok), askSend(who, send.SendID, &sent, &known)}
	if err := tx.ask(ctx, append(questions, in.questions(who, c)...)...); err != nil {
		return wire.SendAck{}, false, err
	}
	switch {
	case known && sent.seq == 0:
		return wire.SendAck{}, false, wire.Errorf(wire.SendCancelled, "the message was deleted before it was sent")
	case known && len(sent.hash) > 0 && !bytes.Equal(sent.hash, hash):
		return wire.SendAck{}, false, wire.Errorf(wire.OperationIDReused, "this sendID came before with another message")
	case known:
		return wire.SendAck{Log: sent.log, Seq: sent.seq, Time: sent.time}, true, nil
	case send.FirstAttempt != 0 && now-send.FirstAttempt > server.Remembered.Milliseconds():
		return wire.SendAck{}, false, wire.Errorf(wire.SendExpired, "first tried more than %d days ago",
			server.Remembered/(24*time.Hour))
	}
	if l, err = logToSend(ctx, tx, who, c, l, ok, in); err != nil {
		return wire.SendAck{}, false, err
	}
	if err := checkQuote(ctx, tx, who, l, send.Quote); err != nil {
		return wire.SendAck{}, false, err
	}
	m := []wire.Message{{
		Time: max(now, l.time), From: who.User, Type: send.Type, Payload: send.Payload, SendID: send.SendID, Quote: send.Quote,
	}}
	if err := appendMessages(ctx, tx, &l, m); err != nil {
		return wire.SendAck{}, false, err
	}
	sent = sending{hash: hash, log: l.id, seq: m[0].Seq, time: m[0].Time, at: m[0].Time}
	if err := sent.remember(ctx, tx, who, send.SendID); err != nil {
		return wire.SendAck{}, false, err
	}
	return wire.SendAck{Log: l.id, Seq: m[0].Seq, Time: m[0].Time}, false, nil
}

// forgetHash takes away the hash of what a message said: who guesses a short text could make sure by it.
func forgetHash(ctx context.Context, tx *transaction, app string, log, seq uint64) error {
	err := tx.exec(ctx, `UPDATE sends SET hash = ? WHERE app = ? AND log = ? AND seq = ?`, []byte{}, app, log, seq)
	return err
}

// sendHash is the hash of what makes two sends the same message.
func sendHash(send wire.Send) ([]byte, error) {
	send.FirstAttempt = 0
	raw, err := send.MarshalMsg(nil)
	hash := sha256.Sum256(raw)
	return hash[:], err
}

// checkQuote refuses a quote of what the user's stays never reached. One of a message that the user has deleted is none of
// the server's business: another device may hold it, and nobody is shown more than the own view has.
// Errors: ParameterInvalid.
func checkQuote(ctx context.Context, tx *transaction, who server.Who, l log, quote uint64) error {
	if quote == 0 {
		return nil
	}
	v, err := viewOf(ctx, tx, who, l)
	if err == nil && (v == nil || !v.reaches(quote)) {
		err = wire.Errorf(wire.ParameterInvalid, "the quoted message %d is not in the conversation", quote)
	}
	return err
}

// present is who of a conversation is in it: the user, and the other one of a C2C.
type present struct{ self, other bool }

// questions asks for it, the log being held.
func (p *present) questions(who server.Who, c wire.Conversation) []question {
	log := byName(who.User, c)
	switch c.Kind {
	case wire.C2CKind:
		return []question{askMember(who.App, who.User, log, &p.self), askMember(who.App, c.Target, log, &p.other)}
	case wire.GroupKind:
		return []question{askMember(who.App, who.User, log, &p.self)}
	case wire.RoomKind:
		return []question{askVisit(who, log, new(visit), new(string), &p.self)}
	default:
		return nil
	}
}

// logToSend makes the log that the user may send to now, or checks the one that lockLog found.
// Errors: PermissionDenied, GroupNotFound, RoomNotFound, NotInRoom.
func logToSend(ctx context.Context, tx *transaction, who server.Who, c wire.Conversation, l log, ok bool, in present) (log, error) {
	switch c.Kind {
	case wire.C2CKind:
		return openC2C(ctx, tx, who, c, l, ok, in)
	case wire.GroupKind:
		if err := isGroup(l, ok, c.Target); err != nil {
			return log{}, err
		}
		if !in.self {
			return l, notMember(ctx, tx, l, who.User, c)
		}
		return l, nil
	case wire.RoomKind:
		if err := isOpenRoom(l, ok, c.Target); err != nil {
			return log{}, err
		}
		if !in.self {
			return l, wire.Errorf(wire.NotInRoom, "this device is not in the room")
		}
		return l, nil
	default:
		return log{}, wire.Errorf(wire.PermissionDenied, "notices cannot be answered")
	}
}
