package sdk

import (
	"context"
	"time"

	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/wire"
)

// step feeds the session machine and carries out its effects.
func (a *account) step(e sessionEvent) {
	a.mu.Lock()
	effects := a.session.step(e)
	a.mu.Unlock()
	for _, x := range effects {
		a.carryOut(x)
	}
}

func (a *account) carryOut(x sessionEffect) {
	switch x.kind {
	case effectDial:
		a.run(func() { a.connect(x.turn) })
	case effectSync:
		a.run(func() { a.catchUp(x.turn) })
	case effectWait:
		a.run(func() {
			timer := time.NewTimer(x.wait)
			defer timer.Stop()
			select {
			case <-timer.C:
				a.step(sessionEvent{kind: sessionTimer, turn: x.turn})
			case <-a.ctx.Done():
			}
		})
	case effectHang:
		a.hang()
	case effectTell:
		a.tell(x)
	}
}

// tell reports the state of the connection, and settles the first contact.
func (a *account) tell(x sessionEffect) {
	a.mu.Lock()
	a.live = x.state == "connected"
	a.mu.Unlock()
	a.client.emit(EventNetState, (&NetStateEvent{State: x.state, Code: x.code}).MarshalMsg)
	switch x.state {
	case "connected", "disconnected":
		a.contact(nil)
	case "refused":
		a.contact(wire.Errorf(x.code, "the server refused the login"))
	}
}

// connect dials and greets.
func (a *account) connect(turn int) {
	ctx, cancel := context.WithTimeout(a.ctx, requestTimeout)
	defer cancel()
	a.client.mu.Lock()
	address := a.client.url
	a.client.mu.Unlock()
	conn, err := a.client.options.Dial(ctx, address)
	if err != nil {
		a.step(sessionEvent{kind: sessionDropped, turn: turn, code: closeCode(err)})
		return
	}
	c := newConnection(conn, a.pushed)
	a.run(func() {
		select {
		case <-c.ended:
			a.step(sessionEvent{kind: sessionDropped, turn: turn, code: c.closed()})
		case <-a.ctx.Done():
			c.close(wire.CloseNormal, "logged out")
		}
	})
	a.mu.Lock()
	token := a.token
	a.mu.Unlock()
	var welcome wire.Welcome
	if err := c.request(ctx, wire.OpHello, a.hello(token).MarshalMsg, welcome.UnmarshalMsg); err != nil {
		c.close(wire.CloseTimeout, "no welcome") // how it ended tells why
		return
	}
	a.mu.Lock()
	current := a.session.turn == turn && a.session.state == sessionDialing
	if current {
		a.conn = c
		a.welcome = welcome
		a.offline = make(chan struct{})
		a.greeted = time.Now()
		a.inbox = nil
		a.outbox.disconnected()
	}
	newer := a.token
	a.mu.Unlock()
	if !current {
		c.close(wire.CloseNormal, "not wanted any more")
		return
	}
	if newer != token { // it came while this connection was greeted
		a.run(func() {
			if err := a.renewOn(a.ctx, c, newer); err != nil {
				a.report(err)
			}
		})
	}
	a.step(sessionEvent{kind: sessionOpened, turn: turn})
}

// hang closes the connection and lets go of everything that waits for an answer.
func (a *account) hang() {
	a.mu.Lock()
	c := a.conn
	a.conn, a.live = nil, false
	if a.offline != nil {
		close(a.offline)
		a.offline = nil
	}
	a.mu.Unlock()
	if c != nil {
		c.close(wire.CloseNormal, "")
	}
}

// catchUp brings device and server together: own operations out, rows, heads, then what was pushed meanwhile.
func (a *account) catchUp(turn int) {
	c := a.online()
	if c == nil {
		return
	}
	// An earlier page load, or another tab that died, may have left something.
	err := a.lookAround()
	lease := a.lease(a.ctx, tabs.IfFree)
	if err == nil && lease != nil {
		a.flush(c)
	}
	if err == nil {
		err = a.syncRows(c)
	}
	if err != nil {
		if lease != nil {
			lease.Release()
		}
		a.failed(c, err)
		return
	}
	a.run(func() { a.lead(c, lease) })
	a.run(func() { a.takeIn(c) })
	a.run(func() { a.ping(c) })
	a.step(sessionEvent{kind: sessionSynced, turn: turn})
	if err = a.refreshStale(c); err == nil {
		err = a.settleIn(c)
	}
	if err != nil {
		a.failed(c, err)
	}
}

// settleIn fetches what a device is given without asking for it.
func (a *account) settleIn(c *connection) error {
	a.mu.Lock()
	welcome := a.welcome
	a.mu.Unlock()
	if err := a.compensate(c, welcome.CompensationDays); err != nil {
		return err
	}
	if !welcome.DeliveryOnly {
		return nil
	}
	var ids []string
	for _, conv := range a.vault.All() {
		if conv.Record.Log != 0 {
			ids = append(ids, conv.ID)
		}
	}
	return a.takeDelivery(c, ids...)
}

// failed ends a connection on which the work cannot go on; the session comes back with a wait. That the line is dead may show
// when something is written to it, before the reader knows: that is the network's state, and no failure to tell the app of.
func (a *account) failed(c *connection, err error) {
	if isOver(c.ended) {
		return
	}
	if code := wire.CodeOf(err); code != wire.NetworkError && code != wire.NetworkTimeout {
		a.report(err)
	}
	c.close(wire.CloseTimeout, "cannot go on")
}

// syncRows asks for rows, heads and the rest, and stores them.
func (a *account) syncRows(c *connection) error {
	device := a.vault.Device()
	up := catchUp{epoch: device.Epoch, since: device.N}
	if device.Restate { // begun before, and cut off: the rows have the names
		up.since = 0
	}
	told := told{}
	for up.stage != caughtUp {
		if up.stage == needHeads {
			if err := a.restate(c, told); err != nil {
				return err
			}
			up.withHeads(a.heads())
			continue
		}
		rowsRequest, headsRequest := up.next()
		if rowsRequest != nil {
			var rows wire.Rows
			if err := c.request(a.ctx, wire.OpRows, rowsRequest.MarshalMsg, rows.UnmarshalMsg); err != nil {
				return err
			}
			if err := a.applyRows(&rows); err != nil {
				return err
			}
			told.add(&rows)
			up.gotRows(&rows)
			continue
		}
		var heads wire.Heads
		if err := c.request(a.ctx, wire.OpHeads, headsRequest.MarshalMsg, heads.UnmarshalMsg); err != nil {
			return err
		}
		if err := a.applyHeads(c, &heads, headsRequest.Heads...); err != nil {
			return err
		}
		up.gotHeads(&heads)
	}
	return nil
}

// heads is what this device knows of its conversations.
func (a *account) heads() []wire.Head {
	all := a.vault.All()
	heads := make([]wire.Head, 0, len(all))
	for _, c := range all {
		if c.Record.Log == 0 {
			continue // the server has not heard of it yet
		}
		book := &c.Ledger.Book
		head := book.Head
		if c.Record.Stale {
			head = 0
		}
		heads = append(heads, wire.Head{ConversationID: c.ID, Head: head, ReadUpTo: book.ReadUpTo(), Recall: book.RecallNumber()})
	}
	return heads
}

// ping asks now and then whether the connection lives, and syncs when a push was lost.
func (a *account) ping(c *connection) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-c.ended:
			return
		case <-a.ctx.Done():
			return
		}
		var pong wire.Pong
		if err := c.request(a.ctx, wire.OpPing, (&wire.Ping{}).MarshalMsg, pong.UnmarshalMsg); err != nil {
			a.failed(c, err)
			return
		}
		if err := a.lookAround(); err != nil {
			a.report(err)
		}
		if pong.N > a.vault.Device().N {
			if err := a.syncRows(c); err != nil {
				a.failed(c, err)
				return
			}
		}
		if err := a.refreshStale(c); err != nil { // whoever left it so may have died, or had no connection
			a.failed(c, err)
			return
		}
	}
}
