// Package sdk is the client core: it keeps a user's messages in a vault, sends what is owed to the server, and takes in what
// the server says. It is pure Go, compiles natively and to wasm, and meets the platform only through Options.
package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// Options is the platform that a client runs on.
type Options struct {
	// OpenStore opens the database of the given name with the tables of the vault, and names its kind: "indexeddb", or
	// "memory" where the platform keeps nothing. lost is called when the database is closed under us, maybe for good.
	OpenStore func(ctx context.Context, name string, lost func()) (store kv.Store, kind string, err error)
	// OpenKeyring opens the keyring of the given name. It is nil, or gives nil, where the platform has none: deleted bytes
	// are then at the mercy of the store.
	OpenKeyring func(ctx context.Context, name string) (keyring.File, error)
	// OpenReserve finds the reserve that goes with the database of the given name, which lets deletions work on a full disk. It is
	// nil, or gives nil, where there is none.
	OpenReserve func(ctx context.Context, name string) (kv.Reserve, error)
	// Dial opens connections.
	Dial Dialer
	// Emit hands an event to the app; data is MessagePack. It must not block.
	Emit func(event string, data []byte)
	// Tabs is this tab's end of what the user's tabs on this device need of each other; nil where there is one tab alone.
	Tabs tabs.Tabs
	// Now is the device's clock; nil is the system's. It never decides what is deleted.
	Now func() time.Time
	// Random draws waits, from [0, 1); nil is math/rand's.
	Random func() float64
	// Yield waits until answers that have been given are on their way to the app; nil where they need no time of the platform's.
	// A deletion is answered so before the rest of it begins.
	Yield func()
}

// Client is one chat: at most one user is logged in at a time. Its methods may be called from many goroutines.
type Client struct {
	options Options

	mu      sync.Mutex
	url     string // the WebSocket address
	app     string
	account *account
	busy    bool // a login or logout is under way
}

// New makes a client. Open and Login come next.
func New(o Options) *Client {
	if o.Tabs == nil {
		o.Tabs = tabs.Alone{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Yield == nil {
		o.Yield = func() {}
	}
	return &Client{options: o}
}

// Open sets the server and the app. Errors: ParameterInvalid.
func (c *Client) Open(_ context.Context, r *OpenRequest) (*Nothing, error) {
	address, err := socketAddress(r.URL)
	if err != nil {
		return nil, err
	}
	if err := wire.CheckIdentifier(r.AppID); err != nil {
		return nil, wire.Errorf(wire.ParameterInvalid, "appID: %v", wire.AsError(err).Text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account != nil || c.busy {
		return nil, wire.Errorf(wire.ParameterInvalid, "log out before opening another server")
	}
	c.url, c.app = address, r.AppID
	return &Nothing{}, nil
}

// socketAddress makes the WebSocket address of a server's URL: scheme, host, maybe a path. It is cut by hand because
// net/url costs the wasm 15 kB.
func socketAddress(server string) (string, error) {
	scheme, rest, found := strings.Cut(server, "://")
	host, path, _ := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if !found || host == "" || strings.ContainsAny(rest, "?#@ \\\t\r\n") {
		return "", wire.Errorf(wire.ParameterInvalid, "url: must be like https://chat.example.com")
	}
	switch lower(scheme) {
	case "http", "ws":
		scheme = "ws"
	case "https", "wss":
		scheme = "wss"
	default:
		return "", wire.Errorf(wire.ParameterInvalid, "url: must begin with https:// (or http://, wss://, ws://)")
	}
	if path != "" {
		path = "/" + path
	}
	return scheme + "://" + lower(host) + path + "/v1/ws", nil
}

// lower is the text with ASCII's capitals in lower case. strings.ToLower costs the wasm 3 kB of Unicode's tables.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// databaseName is the name of a user's database: a hash, so that the browser's list of databases names nobody.
func databaseName(address, app, user string) string {
	h := sha256.New()
	for _, part := range []string{address, app, user} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return "lethe-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// current is the account that is logged in. Errors: NotReady, StorageLost, StorageNewer.
func (c *Client) current() (*account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.account == nil {
		return nil, wire.Errorf(wire.NotReady, "log in first")
	}
	if err := c.account.failure(); err != nil {
		return nil, err
	}
	return c.account, nil
}

// cutOff is the error of a call that the end of its account may have cut off: then the reason of that.
func (c *Client) cutOff(err error) error {
	if !errors.Is(err, kv.ErrClosed) && !errors.Is(err, keyring.ErrClosed) && !errors.Is(err, context.Canceled) {
		return err
	}
	if _, reason := c.current(); wire.CodeOf(reason) != wire.NotReady {
		return reason
	}
	return err
}

// begin reserves the client for a login or logout.
func (c *Client) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		return wire.Errorf(wire.NotReady, "a login or logout is under way")
	}
	c.busy = true
	return nil
}

func (c *Client) end(a *account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy, c.account = false, a
}

// Login opens the user's database and connects. A user who is logged in already gives a new token that way; one whose database
// has gone begins anew.
// Errors: ParameterInvalid, TokenMissing, the server's refusal of the token, the storage's.
func (c *Client) Login(ctx context.Context, r *LoginRequest) (*LoginResult, error) {
	if err := wire.CheckIdentifier(r.UserID); err != nil {
		return nil, wire.Errorf(wire.ParameterInvalid, "userID: %v", wire.AsError(err).Text)
	}
	if r.Token == "" {
		return nil, wire.Errorf(wire.TokenMissing, "login needs a token")
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	a := c.account
	c.mu.Unlock()
	if a != nil && a.failure() != nil {
		a.stop()
		a = nil
	}
	if a != nil {
		c.end(a)
		if a.user == r.UserID {
			if err := a.renew(ctx, r.Token); err != nil {
				return nil, err
			}
			return a.loginResult(), nil
		}
		return nil, wire.Errorf(wire.ParameterInvalid, "another user is logged in: log out first")
	}
	a, err := c.open(ctx, r)
	if err == nil {
		if err = a.firstContact(ctx); err != nil {
			if e := a.undo(context.WithoutCancel(ctx)); e != nil {
				c.report(e) // the refusal is what the caller must hear
			}
		}
	}
	if err != nil {
		c.end(nil)
		return nil, err
	}
	c.end(a)
	c.emit(EventReady, (&ReadyEvent{UserID: a.user}).MarshalMsg)
	if err := damaged(a.vault.Damage()); err != nil {
		c.report(err)
	}
	return a.loginResult(), nil
}

func (c *Client) open(ctx context.Context, r *LoginRequest) (*account, error) {
	if c.url == "" {
		return nil, wire.Errorf(wire.NotReady, "open comes before login")
	}
	a := newAccount(c, r)
	name := databaseName(c.url, c.app, r.UserID)
	err := a.openVault(ctx, name)
	if errors.Is(err, vault.ErrElsewhere) {
		// The keys can be opened in a worker only, and this is none. Here the user has another device.
		name += "-unkeyed"
		err = a.openVault(ctx, name)
	}
	if err != nil {
		return nil, storageError(err)
	}
	if err := a.start(ctx, name); err != nil {
		_ = a.vault.Close() // the first error is the one to tell
		return nil, storageError(err)
	}
	return a, nil
}

// Logout ends the session.
// Errors: NotReady, OutboxNotEmpty.
func (c *Client) Logout(ctx context.Context, r *LogoutRequest) (*LogoutResult, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	a := c.account
	c.mu.Unlock()
	if a == nil {
		c.end(nil)
		return nil, wire.Errorf(wire.NotReady, "nobody is logged in")
	}
	out, err := a.logout(ctx, r.Wipe)
	if err != nil {
		c.end(a)
		return nil, err
	}
	c.end(nil)
	return out, nil
}

// Close ends the session, if there is one, and lets go of all that the platform gave for it. The device's copy stays as it is,
// and so does what it owes: it is as if the program had died. Calls must have ended, and none may follow.
func (c *Client) Close() error {
	c.mu.Lock()
	a := c.account
	c.account, c.busy = nil, true
	c.mu.Unlock()
	if a == nil {
		return nil
	}
	a.stop()
	a.leaveLocks()
	if a.failure() != nil {
		return nil // its vault is closed
	}
	return a.vault.Close()
}

// SetOnline keeps the chat off the network, or lets it connect again. Errors: NotReady.
func (c *Client) SetOnline(_ context.Context, r *OnlineRequest) (*Nothing, error) {
	a, err := c.current()
	if err != nil {
		return nil, err
	}
	if r.Online {
		a.step(sessionEvent{kind: sessionStart})
	} else {
		a.step(sessionEvent{kind: sessionStop})
	}
	return &Nothing{}, nil
}

func (c *Client) emit(event string, data wire.Encoder) {
	b, err := data(nil)
	if err != nil {
		c.report(err)
		return
	}
	c.options.Emit(event, b)
}

// report tells the app of a failure that belongs to no call.
func (c *Client) report(err error) {
	e := wire.AsError(storageError(err))
	text := e.Text
	if e.Code == wire.Internal && e.Err != nil {
		text = e.Err.Error()
	}
	b, err := (&FatalEvent{Code: e.Code, Message: text}).MarshalMsg(nil)
	if err == nil {
		c.options.Emit(EventError, b)
	}
}
