// Places where Lethe is broken on purpose, one at a time: what is changed, and the tests that must notice. Every `before` stands
// in its file exactly once, so that a place that moves is found and not passed over.

/** @typedef {[before: string, after: string]} Edit */

/**
 * @typedef {object} Place
 * @property {string} name what is broken
 * @property {string} file
 * @property {Edit[]} edits
 * @property {Record<string, Edit[]>} [also] edits of other files
 * @property {[where: string, test: string, args?: string][]} caught package and name of tests each of which must fail
 */

/** @type {Place[]} */
export const places = [
  {
    name: 'a deletion and its outbox entry are two transactions',
    file: 'sdk/vault/delete.go',
    edits: [
      ['	var out []Deleted\n	ids := ', '	var out []Deleted\n	var owed []*Entry\n	ids := '],
      ['			out[i] = Deleted{', '			t.owed = &owed\n			out[i] = Deleted{'],
      [
        '		return nil\n	})\n	return out, err\n}\n\nfunc (t *tx) delete(',
        `		return nil
	})
	if err != nil || len(owed) == 0 {
		return out, err
	}
	return out, v.update(ctx, kv.Strict, deleteTables, func(t *tx) error {
		for _, e := range owed {
			if err := t.put(tableOutbox, kv.Key(e.N), e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) delete(`,
      ],
      ['	e, err := t.enqueue(Entry{\n		Kind: DeleteEntry,', '	e, err := t.enqueueLater(Entry{\n		Kind: DeleteEntry,'],
      [
        '// opID derives',
        `func (t *tx) enqueueLater(e Entry) (Entry, error) {
	e.V, e.N = EntryVersion, t.dev.NextEntry
	t.dev.NextEntry++
	t.devNew = true
	*t.owed = append(*t.owed, &e)
	return e, nil
}

// opID derives`,
      ],
    ],
    also: { 'sdk/vault/tx.go': [['	writes   bool', '	owed     *[]*Entry\n	writes   bool']] },
    caught: [['./sdk/vault', 'TestDeleteIsOneStrictTransaction'], ['./sdk/vault', 'TestDeleteIsAllOrNothing']],
  },
  {
    name: 'keys are destroyed before the commit',
    file: 'sdk/vault/tx.go',
    edits: [['		return t.flush()\n', '		if err := t.flush(); err != nil {\n			return err\n		}\n		return t.destroy()\n']],
    caught: [['./sdk/vault', 'TestDeleteIsAllOrNothing']],
  },
  {
    name: 'a deletion is committed without waiting for the disk',
    file: 'sdk/vault/delete.go',
    edits: [['	err := v.updateOf(ctx, ids, kv.Strict, deleteTables, func(t *tx) error {\n		out = make', '	err := v.updateOf(ctx, ids, kv.Relaxed, deleteTables, func(t *tx) error {\n		t.strict = true\n		out = make']],
    caught: [['./sdk/vault', 'TestDeleteIsOneStrictTransaction']],
  },
  {
    name: 'through does not cover the anchor itself',
    file: 'wire/delete.go',
    edits: [['return seq <= l.Through ||', 'return seq < l.Through ||']],
    caught: [['./sdk/ledger', 'TestBookSurfaces'], ['./sdk/vault', 'TestRandomHistories']],
  },
  {
    name: 'a hidden conversation stays hidden with a newer message',
    file: 'wire/delete.go',
    edits: [['return head < l.HiddenAt', 'return head <= l.HiddenAt']],
    caught: [['./sdk/ledger', 'TestBookSurfaces'], ['./server/sqlstore', 'TestContract/Delete/newer_messages_stay']],
  },
  {
    name: 'the server applies an opID again',
    file: 'server/sqlstore/operations.go',
    edits: [
      ['			o.answered = true\n', '			o.answered = false\n'],
      ['INSERT INTO operations', 'INSERT OR REPLACE INTO operations'],
    ],
    caught: [['./server/sqlstore', 'TestContract/Delete/once_per_opID']],
  },
  {
    name: 'an opID with another body is answered',
    file: 'server/sqlstore/operations.go',
    edits: [['	if !bytes.Equal(hash, o.hash) {', '	if !bytes.Equal(hash, o.hash) && len(hash) == 0 {']],
    caught: [['./server/sqlstore', 'TestContract/Delete/same_opID_with_another_content_is_refused'], ['./server', 'TestAbuseOwnConversations/one_operation_id_for_two_deletions']],
  },
  {
    name: 'the server acknowledges before the disk has it',
    file: 'server/sqlstore/open.go',
    edits: [['"synchronous(FULL)"', '"synchronous(OFF)"']],
    caught: [['./server/sqlstore', 'TestEveryConnectionIsDurableAndErases']],
  },
  {
    name: 'a tab says of what it has not heard of that it is not there',
    file: 'sdk/select.go',
    edits: [['		if !looked {\n', '		if !looked && false {\n']],
    caught: [['./e2e', 'TestATabDeletesWhatItHasNotHeardOf']],
  },
  {
    name: 'a version that stands only in the log is not looked for',
    file: 'server/sqlstore/open.go',
    edits: [['{"-wal", "-journal"}', '{"-journal"}']],
    caught: [['./server/sqlstore', 'TestNewerDatabaseThatWasKilledIsLeftAlone']],
  },
  {
    name: 'an anchor above the head is taken',
    file: 'server/sqlstore/delete.go',
    edits: [['	if d.Anchor > v.known() {', '	if d.Anchor > v.known() && v.reach == 0 {']],
    caught: [['./server/sqlstore', 'TestContract/Delete/bad_input_changes_nothing'], ['./server', 'TestAbuseOwnConversations/deletes_above_the_head']],
  },
  {
    name: 'the server joins ledgers by overwriting',
    file: 'server/sqlstore/ledger.go',
    edits: [['through, hiddenAt := max(was.Through, add.Through), max(was.HiddenAt, add.HiddenAt)', 'through, hiddenAt := add.Through, add.HiddenAt']],
    caught: [['./server/sqlstore', 'TestContract/Delete/repeating,_reordering_and_overlapping_change_nothing']],
  },
  {
    name: 'deleting does not read',
    file: 'server/sqlstore/delete.go',
    edits: [['joinMark(ctx, tx, own, add.Through)', 'joinMark(ctx, tx, own, 0)']],
    caught: [['./server/sqlstore', 'TestContract/Read/deleting_through_reads_through,_deleting_messages_does_not']],
  },
  {
    name: 'a member sees what came after leaving',
    file: 'server/sqlstore/view.go',
    edits: [['			last = min(last, gone-1)\n', '			last = min(last, v.head)\n']],
    caught: [['./server/sqlstore', 'TestContract/Groups/leaving_and_coming_back']],
  },
  {
    name: 'a repeated send is a second message',
    file: 'server/sqlstore/send.go',
    edits: [
      ['	case known:\n', '	case known && sent.log == 0:\n'],
      ['`INSERT INTO sends', '`INSERT OR REPLACE INTO sends'],
    ],
    caught: [['./server/sqlstore', "TestContract/Send/repeated_send_answers_the_first_time's_ack"]],
  },
  {
    name: 'a cancelled send is taken',
    file: 'server/sqlstore/send.go',
    edits: [
      ['	case known && sent.seq == 0:\n		return wire.SendAck{}, false, wire.Errorf(wire.SendCancelled, "the message was deleted before it was sent")\n', ''],
      ['	case known:\n', '	case known && sent.seq != 0:\n'],
      ['`INSERT INTO sends', '`INSERT OR REPLACE INTO sends'],
    ],
    caught: [['./server/sqlstore', 'TestContract/Cancel/before_it_comes:_never,_and_refused_from_then_on']],
  },
  {
    name: 'purging does not ask what a new device is still to get',
    file: 'server/sqlstore/unheld.go',
    edits: [['	if since == math.MaxInt64 {', '	if since < math.MaxInt64 || since == math.MaxInt64 {']],
    caught: [['./server/sqlstore', 'TestContract/Purge/the_compensation_is_a_view_too,_as_long_as_it_lasts']],
  },
  {
    name: 'the outbox entry goes before the server has answered',
    file: 'sdk/deliver.go',
    edits: [
      [
        '	var ack wire.DeleteAck\n',
        '	if _, err := a.vault.Settle(a.ctx, e, wire.OK); err != nil {\n		return err\n	}\n	var ack wire.DeleteAck\n',
      ],
    ],
    caught: [['./sim', 'TestHistories', '-sim.first -sim.n=1000']],
  },
  {
    name: 'the cursor moves before the rows are stored',
    file: 'sdk/vault/sync.go',
    edits: [
      ['	"github.com/lethe-im/lethe/wire"\n', '	"github.com/lethe-im/lethe/sdk/kv"\n	"github.com/lethe-im/lethe/wire"\n'],
      [
        '	err := v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {\n		out = make([]Change, 0,',
        `	if err := v.update(ctx, kv.Strict, nil, func(t *tx) error {
		t.dev.Epoch, t.dev.N, t.devNew = rows.Epoch, rows.N, true
		return nil
	}); err != nil {
		return nil, err
	}
	err := v.updateAsNeeded(ctx, deleteTables, func(t *tx) error {
		out = make([]Change, 0,`,
      ],
    ],
    caught: [['./sim', 'TestHistories', '-sim.first -sim.n=1000']],
  },
  {
    name: 'keys are not flushed before the rows that they open',
    file: 'sdk/vault/keys.go',
    edits: [['	return k.access.Flush()\n}\n\n// doom', '	return nil\n}\n\n// doom']],
    caught: [['./sim', 'TestHistories', '-sim.first -sim.n=1000']],
  },
  {
    name: 'keys of what was deleted are left',
    file: 'sdk/vault/keys.go',
    edits: [['	if err := overwrite(k.access, k.doomed); err != nil {', '	if err := overwrite(k.access, nil); err != nil {']],
    caught: [['./sdk/vault', 'TestDeleteIsAllOrNothing']],
  },
  {
    name: 'a deletion covers what came after its anchor',
    file: 'server/sqlstore/delete.go',
    edits: [['		add.Through = d.Anchor\n', '		add.Through = v.reach\n']],
    caught: [['./sim', 'TestHistories', '-sim.first -sim.n=1000']],
  },
  {
    name: 'each node numbers its own connections, so that two are the same to a poke',
    file: 'server/connection.go',
    edits: [['id: rand.Uint64() | 1,', 'id: s.ids.Add(1) | rand.Uint64()&0,']],
    also: { 'server/server.go': [['	retiring atomic.Bool\n', '	retiring atomic.Bool\n	ids      atomic.Uint64\n']] },
    caught: [['./sim', 'TestHistories', '-sim.first -sim.n=1000']],
  },
  {
    name: 'slots are free before their note is gone',
    file: 'sdk/vault/settle.go',
    edits: [['	t.drop(c)\n	return err\n', '	t.drop(c)\n	t.space.give(append([]keyring.Run(nil), runs...))\n	t.spaceNew = true\n	return err\n'], ['import (\n', 'import (\n	"github.com/lethe-im/lethe/sdk/keyring"\n']],
    caught: [['./sdk/vault', 'TestRandomHistories']],
  },
  {
    name: 'unread is not counted again',
    file: 'sdk/vault/settle.go',
    edits: [['	if c.Record.Unread == 0 {\n		return nil\n	}\n	mark :=', '	if c.Record.Unread < 1<<31 {\n		return nil\n	}\n	mark :=']],
    caught: [['./sdk/vault', 'TestRandomHistories']],
  },
  {
    name: 'the preview shows what was deleted',
    file: 'sdk/vault/settle.go',
    edits: [['c.Record.LastSlot < FirstSlot && !c.book().Hides(last.Message.Seq, last.Message.Time)', 'c.Record.LastSlot < FirstSlot']],
    caught: [['./sdk/vault', 'TestDeleteIsAllOrNothing']],
  },
  {
    name: 'a later send overtakes',
    file: 'sdk/outbox.go',
    edits: [['free = free && !busy[e.ConversationID]', 'free = free || busy[e.ConversationID] && !o.flying[e.N]']],
    caught: [['./sdk', 'TestOutboxOrder']],
  },
  {
    name: 'an unsent message that is deleted is sent all the same',
    file: 'sdk/vault/delete.go',
    edits: [['		if e.Kind != SendEntry || e.Ordinal != c.Record.Ordinal || !gone[e.Slot] {', '		if e.Kind != SendEntry || e.Ordinal != c.Record.Ordinal || gone[e.Slot] {']],
    caught: [['./sdk/vault', 'TestACancelledSendThatArrivedIsDeleted']],
  },
  {
    name: 'one message too many is taken',
    file: 'server/delete.go',
    edits: [['n > wire.MaxMessages {', 'n > wire.MaxMessages+1 {']],
    caught: [['./server', 'TestAbuseOwnConversations/deletes_1_001_messages']],
  },
  {
    name: 'a token that has expired goes on',
    file: 'server/session.go',
    edits: [['func() { c.expel(wire.CloseTokenExpired) })', 'func() {})']],
    also: { 'server/connection.go': [['if !c.server.clock().Before(c.until) {', 'if c.until.IsZero() {']] },
    caught: [['./server', 'TestTokenEndsTheConnectionWhenItExpires']],
  },
  {
    name: "a user's revocation ends everybody's",
    file: 'server/grant.go',
    edits: [['return r.User == g.User && (r.Device', 'return (r.Device']],
    caught: [['./server/sqlstore', 'TestContract/Revocations/what_each_ends']],
  },
  {
    name: 'what is foreign is told apart from what is absent',
    file: 'server/sqlstore/view.go',
    edits: [['	return notFound(c.String())\n', '	return wire.Errorf(wire.PermissionDenied, "not yours")\n']],
    caught: [['./server/sqlstore', 'TestContract/Delete/foreign_and_absent_are_the_same'], ['./server', 'TestAbuseForeignIsAsAbsent/page']],
  },
  {
    name: "a user's next number is counted from one that another may take too",
    file: 'server/sqlstore/lock.go',
    edits: [['AND l.uid = ?` + tx.forUpdate, []any', 'AND l.uid = ?`, []any']],
    caught: [['./server/sqlstore', 'TestContractOnPostgres/Concurrency/seqs_and_numbers_have_no_gaps']],
  },
  {
    name: 'what the server acknowledged is known only when its rows tell of it',
    file: 'sdk/vault/outbox.go',
    edits: [['		if e.Scope.Remote() {\n', '		if e.Scope == 0 {\n']],
    caught: [['./sdk/vault', 'TestWhatWasAcknowledgedIsRestated']],
  },
  {
    name: 'who closes a connection to the database leaves waiting what waits on it',
    file: 'idb/connect.go',
    edits: [['	time.AfterFunc(patience, func() { close(conn.gone) })\n', '	_ = patience\n']],
    caught: [['./idb', 'TestTransactionsOfConnectionsThatWeCloseEnd']],
  },
  {
    name: 'what was asked for before a write is read after it',
    file: 'idb/records.go',
    edits: [['	delete(t.asked, table) // what was asked for may be otherwise now\n', '']],
    caught: [['./idb', 'TestContract/ask']],
  },
  {
    name: 'a job begins after the last one that was waited for',
    file: 'sdk/jobs.go',
    edits: [['	if j.last && j.n == 0 {\n		return false\n	}\n', '']],
    caught: [['./sdk', 'TestNoJobBeginsAfterTheLast']],
  },
  {
    name: 'a tab whose connection has ended leads',
    file: 'sdk/lead.go',
    edits: [['		case isOver(c.ended), isOver(a.ctx.Done()):\n', '		case !isOver(granted) && isOver(c.ended), isOver(a.ctx.Done()):\n']],
    caught: [['./sdk', 'TestAnEndedConnectionDoesNotLead']],
  },
  {
    name: 'a tab whose connection has ended steals the lead',
    file: 'sdk/lead.go',
    edits: [['if !isOver(c.ended) && a.unanswered() {', 'if a.unanswered() {']],
    caught: [['./sdk', 'TestAnEndedConnectionDoesNotSteal']],
  },
  {
    name: 'erasing begins before the answer',
    file: 'sdk/erase.go',
    edits: [['			a.client.options.Yield()\n', '']],
    caught: [['./sdk', 'TestErasingBeginsAfterTheAnswer']],
  },
  {
    name: 'a process that stops does not wait for whom it turns away',
    file: 'cmd/lethe/serve.go',
    edits: [['core.Await(drain)', 'drain.Err()']],
    caught: [['./cmd/lethe', 'TestServeWaitsForWhoItTurnsAway']],
  },
];
