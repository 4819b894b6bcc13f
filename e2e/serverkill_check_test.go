package e2e

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// requireFiles looks at a copy of the files that a dead server has left: they are sound, what was answered is there, each
// operation once, and no seq, number or recall number is missing.
func (k *killed) requireFiles(workers []*worker) {
	k.Helper()
	path := k.copyData()
	s, err := sqlstore.Open(k.Context(), path)
	require.NoError(k, err)
	require.NoError(k, s.Close())
	db, err := sql.Open("sqlite", path)
	require.NoError(k, err)
	defer db.Close()
	none := func(what, query string) {
		k.Helper()
		var n int
		require.NoError(k, db.QueryRow(query).Scan(&n), what)
		require.Zero(k, n, what)
	}
	var sound string
	require.NoError(k, db.QueryRow(`PRAGMA integrity_check`).Scan(&sound))
	require.Equal(k, "ok", sound)
	none("a log that lacks seqs", `SELECT count(*) FROM logs l JOIN names n ON n.app = l.app AND n.log = l.log WHERE l.head <>
		(SELECT count(*) FROM messages m WHERE m.app = l.app AND m.log = l.log) +
		(SELECT count(*) FROM purged p WHERE p.app = l.app AND p.log = l.log)`)
	none("a seq above the head", `SELECT count(*) FROM messages m JOIN logs l ON l.app = m.app AND l.log = m.log WHERE m.seq > l.head`)
	none("a recall without its notice", `SELECT count(*) FROM recalls r JOIN messages m ON m.app = r.app AND m.log = r.log AND m.seq = r.seq
		WHERE m.type <> 'recalled'`)
	none("a recall number that was not given out", `SELECT count(*) FROM logs l WHERE l.recall <>
		(SELECT count(*) FROM recalls r WHERE r.app = l.app AND r.log = l.log)`)
	none("a message without its send", `SELECT count(*) FROM messages m WHERE length(m.send) > 0 AND NOT EXISTS
		(SELECT 1 FROM sends s WHERE s.app = m.app AND s.uid = m.sender AND s.send = m.send AND s.seq = m.seq AND s.log = m.log)`)
	for _, table := range []string{"spans", "marks", "ledgers", "ledger_bits"} {
		none("a row above its user's number", `SELECT count(*) FROM `+table+` x JOIN users u ON u.app = x.app AND u.uid = x.uid WHERE x.n > u.n`)
	}
	for _, r := range workers {
		for _, q := range r.asked {
			switch ack := q.answer.(type) {
			case wire.SendAck:
				var seq uint64
				id := q.body.(*wire.Send).SendID
				require.NoError(k, db.QueryRow(`SELECT seq FROM sends WHERE uid = ? AND send = ?`, r.user, id[:]).Scan(&seq), "an acknowledged message")
				require.Equal(k, ack.Seq, seq)
			case wire.DeleteAck:
				r.requireOperation(db, q.body.(*wire.Delete).OpID, ack.N)
			case wire.CancelAck:
				r.requireOperation(db, q.body.(*wire.Cancel).OpID, ack.N)
			case wire.Recalled:
				var change uint64
				require.NoError(k, db.QueryRow(`SELECT change FROM recalls WHERE seq = ? AND recaller = ?`, ack.Seq, r.user).Scan(&change), "an acknowledged recall")
				require.Equal(k, ack.Change, change)
			}
		}
	}
}

func (r *worker) requireOperation(db *sql.DB, id wire.ID, n uint64) {
	r.k.Helper()
	var stored uint64
	require.NoError(r.k, db.QueryRow(`SELECT n FROM operations WHERE uid = ? AND op = ?`, r.user, id[:]).Scan(&stored), "an acknowledged operation")
	require.Equal(r.k, n, stored)
}

// requireViews asks a server that runs: what was answered is seen, what was not is whole or absent, and nobody's view is
// changed by others.
func (k *killed) requireViews(w *world, workers []*worker) {
	k.Helper()
	for _, r := range workers { // what was not answered is asked again, what was abandoned is not
		l := k.dial(w, r.user, fmt.Sprintf("%s-%d", r.user, r.device))
		require.True(k, r.repeat(l, 20, true), "%v", r.ended)
		l.close()
	}
	l := k.dial(w, witness, "witness-0")
	all, head := l.page(k.T, "GROUPg")
	require.Len(k, all, int(head), "the witness sees all seqs")
	sends := map[wire.ID]uint64{}
	for i, m := range all {
		require.Equal(k, uint64(i+1), m.Seq)
		if m.SendID == (wire.ID{}) {
			continue
		}
		require.Zero(k, sends[m.SendID], "sent once, there twice")
		sends[m.SendID] = m.Seq
		if slices.Contains(rawUsers, m.From) && m.Type == wire.TypeText {
			require.Equal(k, []byte(payload(textOf(m.SendID))), []byte(m.Payload), "half a message")
		}
	}
	l.close()
	for _, user := range rawUsers {
		k.requireView(w, user, workers, all, sends)
	}
}

// requireView compares what a user sees of the group with what its two devices have asked for.
func (k *killed) requireView(w *world, user string, workers []*worker, all []wire.Message, sends map[wire.ID]uint64) {
	k.Helper()
	l := k.dial(w, user, user+"-0")
	defer l.close()
	seen, head := l.page(k.T, "GROUPg")
	require.GreaterOrEqual(k, int(head), len(all)) // the real clients go on
	gone := map[uint64]bool{}
	for _, m := range all {
		gone[m.Seq] = true
	}
	for _, m := range seen {
		delete(gone, m.Seq)
	}
	cancelled, named, numbers := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}
	var asked []*request
	abandoned := 0
	for _, r := range workers {
		if r.user == user {
			asked = append(asked, r.asked...)
		}
	}
	for _, q := range asked {
		if c, ok := q.body.(*wire.Cancel); ok {
			cancelled[sends[c.SendID]] = true
		}
		if q.abandoned && q.op != wire.OpSend && q.op != wire.OpRecall || q.again && q.op == wire.OpRead {
			abandoned++
		}
	}
	for _, q := range asked {
		k.requireRequest(q, all, sends, cancelled, gone, named, numbers)
	}
	require.Equal(k, slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(gone)), "%s lacks what it has deleted, and nothing else", user)
	for _, s := range k.setup[user] {
		numbers[s] = true
	}
	missing := 0
	for n := uint64(1); n <= k.number(l); n++ {
		if !numbers[n] {
			missing++
		}
	}
	// An abandoned operation has one that nobody was told; so has a mark that was asked for again.
	require.LessOrEqual(k, missing, abandoned, "%s's numbers have gaps", user)
}

// requireRequest holds one request to what is seen: named takes in what it has deleted, numbers the number that it took.
func (k *killed) requireRequest(q *request, all []wire.Message, sends map[wire.ID]uint64, cancelled, gone, named, numbers map[uint64]bool) {
	k.Helper()
	switch body := q.body.(type) {
	case *wire.Send:
		if ack, ok := q.answer.(wire.SendAck); ok && body.ConversationID == "GROUPg" {
			require.Equal(k, ack.Seq, sends[body.SendID])
		}
	case *wire.Delete:
		if ack, ok := q.answer.(wire.DeleteAck); ok {
			numbers[ack.N] = true
		}
		if body.ConversationID != "GROUPg" {
			return
		}
		var seqs []uint64
		n := 0
		for seq := uint64(1); seq <= body.Anchor; seq++ {
			if body.Ranges.Has(seq) && !cancelled[seq] {
				seqs = append(seqs, seq)
				if gone[seq] {
					n++
				}
			}
		}
		require.True(k, n == len(seqs) || n == 0 && q.answer == nil, "%d of %d messages deleted: %+v", n, len(seqs), q)
		for _, seq := range seqs {
			if n > 0 {
				named[seq] = true
			}
		}
	case *wire.Cancel:
		if ack, ok := q.answer.(wire.CancelAck); ok {
			numbers[ack.N] = true
			require.Equal(k, sends[body.SendID], ack.Seq, "a cancelled message came nevertheless")
		}
		if seq := sends[body.SendID]; gone[seq] {
			named[seq] = true
		} else if ack, ok := q.answer.(wire.CancelAck); ok && ack.Seq != 0 {
			require.Fail(k, "an acknowledged cancel left its message", "%+v", ack)
		}
	case *wire.Recall:
		if ack, ok := q.answer.(wire.Recalled); ok {
			require.Equal(k, wire.TypeRecalled, all[ack.Seq-1].Type)
		}
	case *wire.Read:
		if ack, ok := q.answer.(wire.ReadAck); ok {
			numbers[ack.N] = true
		}
	}
}

func (k *killed) dial(w *world, user, device string) *bare {
	k.Helper()
	l, err := dial(w, user, device)
	require.NoError(k, err)
	return l
}

// number is the user's number.
func (k *killed) number(l *bare) uint64 {
	k.Helper()
	var pong wire.Pong
	require.NoError(k, l.ask(wire.OpPing, &wire.Ping{}, &pong))
	return pong.N
}

// prepare makes the group and the conversations, and notes the numbers that this takes.
func (k *killed) prepare(w *world) {
	k.Helper()
	w.admin("/v1/groups", map[string]any{"groupID": "g", "members": append([]string{witness, "dora", "emil"}, rawUsers...)})
	for _, user := range rawUsers {
		l := k.dial(w, user, "first")
		for _, peer := range rawUsers {
			require.NoError(k, l.ask(wire.OpSend, &wire.Send{
				SendID: newID(k.T), ConversationID: "C2C" + peer, Type: wire.TypeText, Payload: payload("hello"),
			}, &wire.SendAck{}))
		}
		l.close()
	}
	k.setup = map[string][]uint64{}
	for _, user := range rawUsers {
		l := k.dial(w, user, "first")
		for n := uint64(1); n <= k.number(l); n++ {
			k.setup[user] = append(k.setup[user], n)
		}
		l.close()
	}
}
