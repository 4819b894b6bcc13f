package wire

import (
	"reflect"

	"github.com/tinylib/msgp/msgp"
)

// travelling is every type that goes over the wire, under the name of its operation or event, with an example that fills
// every field. The version test, the golden frames and the fuzz test all go through it.
var travelling = []struct {
	name string
	body body
}{
	{"hello", &Hello{Versions: []uint8{1}, AppID: "lethe", UserID: "userA", Token: "a.b.c", DeviceID: "d1"}},
	{"welcome", &Welcome{Version: 1, Epoch: 2, N: 300, Time: 1_700_000_000_000, SyncDeletions: true, New: true, CompensationDays: 7, DeliveryOnly: true}},
	{"ping", &Ping{}},
	{"pong", &Pong{N: 300, Time: 1_700_000_000_001}},
	{"rows-request", &RowsRequest{Epoch: 2, Since: 299}},
	{"rows", &Rows{
		Epoch: 2, After: 299, N: 300, More: true,
		Ledgers: []LedgerRow{{ConversationID: "C2CuserB", Surface: SurfaceDevices, Ledger: Ledger{Through: 9, HiddenAt: 10, Ranges: RangesOf(11, 600)}}},
		Reads:   []ReadRow{{ConversationID: "C2CuserB", UpTo: 9}},
		Spans:   []SpanRow{{ConversationID: "GROUPg", Log: 77, Joined: 1, Left: 5, Name: "g"}},
	}},
	{"heads-request", &HeadsRequest{Heads: []Head{{ConversationID: "C2CuserB", Head: 9, ReadUpTo: 8, Recall: 2}}, Rest: true}},
	{"heads", &Heads{
		States: []HeadState{{
			ConversationID: "C2CuserB", Log: 77, Head: 10, Time: 1_700_000_000_002, Last: &exampleMessage, Unread: 1, ReadUpTo: 9,
			Recall: 3,
		}},
		Unknown: []string{"C2Cnobody"}, Done: 2, More: true,
	}},
	{"page-request", &PageRequest{ConversationID: "C2CuserB", Below: 11, Above: 1, Limit: 50, Compensation: true}},
	{"page", &Page{Log: 77, Head: 10, From: 1, To: 10, First: true, Batches: []Batch{exampleBatch()}}},
	{"send", &Send{SendID: ID{1}, ConversationID: "C2CuserB", Type: TypeText, Payload: examplePayload, FirstAttempt: 1_700_000_000_003, Quote: 4}},
	{"send-ack", &SendAck{Log: 77, Seq: 10, Time: 1_700_000_000_004}},
	{"cancel", &Cancel{OpID: ID{2}, SendID: ID{1}, ConversationID: "C2CuserB", Scope: ScopeBoth, Hide: true}},
	{"cancel-ack", &CancelAck{Never: true, Seq: 10, N: 301}},
	{"delete", &Delete{
		OpID: ID{3}, ConversationID: "C2CuserB", Scope: ScopeBoth, What: WhatMessages, Anchor: 700, Before: 1_700_000_000_005,
		Ranges: RangesOf(11, 600), Hide: true,
	}},
	{"delete-ack", &DeleteAck{N: 302, Through: 9, State: HeadState{ConversationID: "C2CuserB", Log: 77, Head: 10}}},
	{"read", &Read{ConversationID: "C2CuserB", UpTo: 10}},
	{"read-ack", &ReadAck{N: 303}},
	{"count-request", &CountRequest{ConversationID: "C2CuserB"}},
	{"count", &Count{Messages: 3, Head: 10}},
	{"recall", &Recall{ConversationID: "C2CuserB", Seq: 10}},
	{"recalled", &exampleRecall},
	{"recall-notice", &RecallNotice{By: "userB", Time: 1_700_000_000_006}},
	{"recalls-request", &RecallsRequest{ConversationID: "C2CuserB", Since: 2}},
	{"recalls", &Recalls{Recalls: []Recalled{exampleRecall}, More: true}},
	{"recalls-event", &RecallsEvent{ConversationID: "C2CuserB", Log: 77, Recalls: []Recalled{exampleRecall}}},
	{"join", &Join{ConversationID: "ROOMr"}},
	{"join-ack", &JoinAck{Log: 78, Head: 5, From: 6, N: 304}},
	{"leave", &Leave{ConversationID: "ROOMr"}},
	{"leave-ack", &LeaveAck{N: 305}},
	{"closed", &ClosedEvent{ConversationID: "ROOMr"}},
	{"have", &Have{Heads: []Head{{ConversationID: "C2CuserB", Head: 10}}}},
	{"have-ack", &HaveAck{}},
	{"messages", &MessagesEvent{ConversationID: "C2CuserB", Log: 77, Head: 10, Messages: []Message{exampleMessage}}},
}

var (
	examplePayload = func() msgp.Raw {
		b := msgp.AppendMapHeader(nil, 1)
		b = msgp.AppendString(b, "text")
		return msgp.AppendString(b, "hello, 你好")
	}()
	exampleMessage = Message{Seq: 10, Time: 1_700_000_000_002, From: "userB", Type: TypeText, Payload: examplePayload, SendID: ID{1}, Quote: 4}
)

func exampleBatch() Batch {
	b, err := NewBatch(0, []Message{exampleMessage})
	if err != nil {
		panic(err)
	}
	return b
}

var exampleRecall = Recalled{Seq: 10, By: "userB", Time: 1_700_000_000_006, Change: 3}

// empty makes a zero value of the same type.
func empty(b body) body { return reflect.New(reflect.TypeOf(b).Elem()).Interface().(body) }
