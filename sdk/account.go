package sdk

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/ledger"
	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// firstContactWait is how long login waits for the server before it shows the device's copy alone.
const firstContactWait = 5 * time.Second

// account is one logged-in user: the vault, the machines, and the goroutines that carry out their effects.
type account struct {
	client  *Client
	user    string
	token   string
	storage string
	name    string // of the database
	vault   *vault.Vault
	tabs    tabs.Tabs
	poke    func(tabs.Poke) // tells the user's other tabs; never nil
	leave   func()

	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	jobs   // run starts a goroutine that ends with the session

	begun   time.Time
	settled chan error // the first contact's outcome: nil when live or offline, the refusal otherwise

	mu      sync.Mutex
	session session
	outbox  *outbox
	conn    *connection   // greeted, or nil
	greeted time.Time     // when the server last told its time, which welcome has
	inbox   []wire.Frame  // pushed, not taken in yet
	offline chan struct{} // closed when the connection ends; waits for an acknowledgement end with it
	waiting map[uint64]chan error
	erasing map[uint64]*erasing      // deletions that are not done here yet, by their note
	erased  map[uint64]bool          // notes of which the app has been told, and of which only rows are left
	told    map[string]ledger.Book   // what of each book this tab has told the app
	revoked map[string]uint64        // the newest recall it has told of
	tails   map[string]bool          // conversations with new rows in the tail
	ahead   map[string]chan struct{} // conversations of which more is being fetched than was asked for
	rooms   map[string]func()        // rooms this tab is in, and what lets go of them
	welcome wire.Welcome             // of the connection at hand
	live    bool
	leading bool  // this tab delivers what is owed
	started bool  // the database is open
	ended   error // why it is gone

	changedElsewhere bool // another tab has changed the database
	answered         bool // another tab has said that it leads

	queued  chan struct{} // the outbox has something new
	arrived chan struct{} // so has the inbox
	sweep   chan struct{} // and reclaim
	poked   chan struct{} // another tab has done something
}

func newAccount(c *Client, r *LoginRequest) *account {
	a := &account{
		client: c, user: r.UserID, token: r.Token,
		tabs: c.options.Tabs, poke: func(tabs.Poke) {}, leave: func() {},
		begun:   time.Now(),
		settled: make(chan error, 1),
		session: session{random: c.options.Random},
		queued:  make(chan struct{}, 1),
		arrived: make(chan struct{}, 1),
		sweep:   make(chan struct{}, 1),
		poked:   make(chan struct{}, 1),
		outbox:  newOutbox(),
		waiting: map[uint64]chan error{},
		erasing: map[uint64]*erasing{},
		erased:  map[uint64]bool{},
		told:    map[string]ledger.Book{},
		revoked: map[string]uint64{},
		tails:   map[string]bool{},
		ahead:   map[string]chan struct{}{},
		rooms:   map[string]func(){},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// openVault opens the user's database and its keyring, on a full disk with the space that is held for it.
func (a *account) openVault(ctx context.Context, name string) error {
	var reserve kv.Reserve
	if open := a.client.options.OpenReserve; open != nil {
		var err error
		if reserve, err = open(ctx, name); err != nil && !errors.Is(err, kv.ErrFull) { // then there was none before
			return err
		}
	}
	err := a.openOnce(ctx, name)
	if reserve != nil && (errors.Is(err, kv.ErrFull) || errors.Is(err, keyring.ErrFull)) {
		if err = reserve.Give(ctx); err == nil {
			err = a.openOnce(ctx, name)
		}
	}
	switch {
	case reserve == nil:
	case err == nil && a.storage != inMemory:
		a.vault.UseReserve(reserve)
	default:
		err = errors.Join(err, reserve.Close())
	}
	return err
}

// inMemory is the kind of a store that goes with the page.
const inMemory = "memory"

func (a *account) openOnce(ctx context.Context, name string) error {
	store, kind, err := a.client.options.OpenStore(ctx, name, a.lost)
	if err != nil {
		return err
	}
	var ring keyring.File
	if open := a.client.options.OpenKeyring; open != nil && kind != inMemory {
		ring, err = open(ctx, name)
	}
	if err == nil {
		a.storage = kind
		if a.vault, err = vault.Open(ctx, store, ring, a.user); err == nil {
			return nil
		}
	}
	err = errors.Join(err, store.Close())
	if ring != nil {
		err = errors.Join(err, ring.Close())
	}
	return err
}

// start loads what is owed, joins the neighbours and begins to connect. The vault is open.
func (a *account) start(ctx context.Context, name string) error {
	owed, err := a.vault.Owed(ctx, false)
	if err != nil {
		return err
	}
	a.name = name
	a.outbox.reconcile(&owed)
	a.remember()
	if err := a.leaveRooms(ctx); err != nil {
		return err
	}
	a.poke, a.leave = a.tabs.Join(name, a.heard)
	a.mu.Lock()
	a.started = true
	a.mu.Unlock()
	a.run(a.listen)
	a.run(a.holdReserve)
	a.run(a.reclaim)
	a.step(sessionEvent{kind: sessionStart})
	return nil
}

// signal wakes the loop behind the channel, once for any number of signals.
func signal(loop chan struct{}) {
	select {
	case loop <- struct{}{}:
	default:
	}
}

// firstContact waits until the server has answered, cannot be reached, or refuses.
func (a *account) firstContact(ctx context.Context) error {
	timer := time.NewTimer(firstContactWait)
	defer timer.Stop()
	select {
	case err := <-a.settled:
		return err
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return wire.Errorf(wire.NetworkTimeout, "login: %w", ctx.Err())
	}
}

// undo ends a login that failed. The database goes again if this login made it: bad input changes nothing.
func (a *account) undo(ctx context.Context) error {
	fresh := len(a.vault.All()) == 0 && a.vault.Device().N == 0
	a.stop()
	if fresh && a.failure() == nil {
		return storageError(a.vault.Destroy(ctx))
	}
	return storageError(a.vault.Close())
}

// contact reports the outcome of the first attempt; later ones are not waited for.
func (a *account) contact(err error) {
	select {
	case a.settled <- err:
	default:
	}
}

func (a *account) loginResult() *LoginResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &LoginResult{
		UserID: a.user, DeviceID: hexID(a.vault.Device().ID), Connected: a.live, Storage: a.storage, Erasure: a.erasure(),
	}
}

// stop ends the session's goroutines and its connection; the vault stays open.
func (a *account) stop() {
	a.quit()
	a.wait()
}

// holdReserve takes the space that is held for deleting. On a full disk there is none, and what is to be sent is refused.
func (a *account) holdReserve() {
	if err := a.vault.HoldReserve(a.ctx); err != nil && !errors.Is(err, kv.ErrFull) {
		a.report(err)
	}
}

// quit is stop without waiting.
func (a *account) quit() {
	a.step(sessionEvent{kind: sessionStop})
	a.cancel()
	a.leave()
}

// known names the conversations that this tab has told of, or that have come since.
func (a *account) known() []string {
	ids := a.listed()
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.told {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (a *account) listed() []string {
	list := a.vault.List()
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// changed tells the app and the user's other tabs that conversations have changed here.
func (a *account) changed(conversationIDs ...string) {
	if len(conversationIDs) == 0 {
		return
	}
	a.listChanged(conversationIDs...)
	a.poke(tabs.Changed)
}

// listChanged tells the app alone.
func (a *account) listChanged(conversationIDs ...string) {
	a.client.emit(EventConversationList, (&ConversationListUpdatedEvent{ConversationIDList: conversationIDs}).MarshalMsg)
}

// report tells of a failure outside any call, unless the session has ended.
func (a *account) report(err error) {
	switch {
	case a.ctx.Err() != nil:
	case isGone(err):
		a.lost()
	default:
		a.client.report(err)
	}
}

// online is the greeted connection, nil without one.
func (a *account) online() *connection {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn
}

// logout ends the session, and with wipe what it kept.
func (a *account) logout(ctx context.Context, wipe Wipe) (*LogoutResult, error) {
	if reason := a.failure(); reason != nil {
		return a.logoutEnded(ctx, wipe, reason)
	}
	if wipe == WipeSend {
		if err := a.drain(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.leaveRooms(ctx); err != nil {
		return nil, storageError(err)
	}
	a.stop()
	a.client.emit(EventNotReady, (&FatalEvent{Code: wire.OK, Message: "logged out"}).MarshalMsg)
	if wipe == WipeNo {
		return &LogoutResult{}, storageError(a.vault.Close())
	}
	owed, err := a.vault.Owed(ctx, false)
	if err != nil {
		return nil, storageError(err)
	}
	if err := a.vault.Destroy(ctx); err != nil {
		return nil, storageError(err)
	}
	return &LogoutResult{Wiped: true, Lost: uint32(len(owed.Entries))}, nil
}

// drainWait is how long logout({wipe: true}) tries to send the outbox.
const drainWait = 10 * time.Second

// drain waits until the server has been told everything. Errors: OutboxNotEmpty.
func (a *account) drain(ctx context.Context) error {
	deadline := time.Now().Add(drainWait)
	for {
		owed, err := a.vault.Owed(ctx, false)
		if err != nil {
			return storageError(err)
		}
		if len(owed.Entries) == 0 {
			return nil
		}
		if a.online() == nil || time.Now().After(deadline) {
			return wire.Errorf(wire.OutboxNotEmpty, "the server has not been told of %d operations yet", len(owed.Entries))
		}
		signal(a.queued)
		time.Sleep(20 * time.Millisecond)
	}
}
