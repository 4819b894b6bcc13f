// Package e2e runs whole lines: here the client core against the real server, over real sockets, in one process; the
// browser tests (*.test.mjs) run the built package in Chromium against the built binary.
package e2e

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/tabs"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// world is one real server and the devices that tests add.
type world struct {
	t     *testing.T
	url   string // where devices connect
	ctx   context.Context
	file  string // of the store
	store *sqlstore.Store
	core  *server.Server
	serve atomic.Pointer[http.Handler]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{t: t, ctx: ctx, file: filepath.Join(t.TempDir(), "lethe.db")}
	w.up()
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		(*w.serve.Load()).ServeHTTP(rw, r)
	}))
	w.url = web.URL
	t.Cleanup(func() {
		w.down()
		web.Close()
		cancel()
	})
	return w
}

// up starts the server on the store's file.
func (w *world) up() {
	w.t.Helper()
	var err error
	w.store, err = sqlstore.Open(w.ctx, w.file)
	require.NoError(w.t, err)
	w.core, err = server.New(server.Options{
		Store: w.store, Apps: map[string]server.App{"lethe": {Key: key, Settings: server.Lethe}},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(w.t, err)
	handler := w.core.Handler()
	w.serve.Store(&handler)
}

// down ends the server.
func (w *world) down() {
	w.t.Helper()
	ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	require.NoError(w.t, w.core.Shutdown(ctx))
	require.NoError(w.t, w.store.Close())
}

func (w *world) token(user, role string) string {
	token, err := server.SignToken(key, "lethe", user, role, time.Now(), time.Now().Add(time.Hour))
	require.NoError(w.t, err)
	return token
}

// admin calls the HTTP API.
func (w *world) admin(path string, body any) {
	w.t.Helper()
	b, err := json.Marshal(body)
	require.NoError(w.t, err)
	r, err := http.NewRequest(http.MethodPost, w.url+path, strings.NewReader(string(b)))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+w.token("admin", "admin"))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	require.Equal(w.t, http.StatusOK, answer.StatusCode, string(text))
}

// device is one client with a database of its own that outlives it.
type device struct {
	*sdk.Client
	w     *world
	user  string
	store *kv.Memory
	ring  *keyring.Memory

	tabs *tabs.Memory // other clients share the database
	tab  *tabs.Tab

	lost func() // tells the client that its database was closed

	mu     sync.Mutex
	events map[string]int      // messages told of, or events that are not about messages
	said   map[string][]string // what the events carried, as JSON
	broken bool                // it may report errors
	lines  lines
	dial   sdk.Dialer // set: instead of lines
}

func (w *world) device(user string) *device {
	w.t.Helper()
	d := &device{w: w, user: user, store: kv.NewMemory(vault.Tables...), ring: keyring.NewMemory(), tabs: tabs.NewMemory()}
	d.boot()
	return d
}

// another is another tab on the same device, open at the same time.
func (d *device) another() *device {
	d.w.t.Helper()
	other := &device{w: d.w, user: d.user, store: d.store, ring: d.ring, tabs: d.tabs}
	other.boot()
	return other
}

// tellings is how many messages an event tells of, 1 if it has no list of them: one event may carry several.
func tellings(data []byte) int {
	fields, rest, err := msgp.ReadMapHeaderBytes(data)
	for ; fields > 0 && err == nil; fields-- {
		var name string
		if name, rest, err = msgp.ReadStringBytes(rest); err != nil {
			break
		}
		if name == "messageList" {
			n, _, err := msgp.ReadArrayHeaderBytes(rest)
			if err == nil {
				return int(n)
			}
		}
		rest, err = msgp.Skip(rest)
	}
	return 1
}

func asJSON(data []byte) string {
	var b strings.Builder
	if _, err := msgp.UnmarshalAsJSON(&b, data); err != nil {
		return err.Error()
	}
	return b.String()
}

func (d *device) count(event string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[event]
}

// boot makes a new client on the device's database, as a page load does: the page before is gone.
func (d *device) boot() {
	d.w.t.Helper()
	if d.tab != nil {
		d.tab.Kill()
	}
	d.tab = d.tabs.Tab()
	d.events, d.said, d.lines = map[string]int{}, map[string][]string{}, lines{sent: map[string]int{}}
	d.Client = sdk.New(sdk.Options{
		OpenStore: func(_ context.Context, _ string, lost func()) (kv.Store, string, error) {
			d.store, d.lost = d.store.Reopen(), lost
			return d.store, "indexeddb", nil
		},
		OpenKeyring: func(context.Context, string) (keyring.File, error) {
			d.ring = d.ring.Reopen()
			return d.ring, nil
		},
		Dial: func(ctx context.Context, url string) (sdk.Conn, error) {
			if d.dial != nil {
				return d.dial(ctx, url)
			}
			return d.lines.dial(ctx, url)
		},
		Tabs: d.tab,
		Emit: func(event string, data []byte) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.events[event] += tellings(data)
			d.said[event] = append(d.said[event], asJSON(data))
			if event == sdk.EventError && !d.broken {
				d.w.t.Errorf("%s: %q", d.user, data)
			}
		},
	})
	client := d.Client
	d.w.t.Cleanup(func() { _ = client.Close() }) // a later one may have taken its database
	_, err := d.Open(d.w.ctx, &sdk.OpenRequest{URL: d.w.url, AppID: "lethe"})
	require.NoError(d.w.t, err)
}

func (d *device) login() *device {
	d.w.t.Helper()
	r, err := d.Login(d.w.ctx, &sdk.LoginRequest{UserID: d.user, Token: d.w.token(d.user, "")})
	require.NoError(d.w.t, err)
	require.True(d.w.t, r.Connected)
	return d
}

// leave ends the client as closing the page does, but in order.
func (d *device) leave() {
	d.w.t.Helper()
	_, err := d.Logout(d.w.ctx, &sdk.LogoutRequest{})
	require.NoError(d.w.t, err)
}

func (d *device) setOnline(on bool) {
	d.w.t.Helper()
	_, err := d.SetOnline(d.w.ctx, &sdk.OnlineRequest{Online: on})
	require.NoError(d.w.t, err)
}

// states counts the states of the connection so far.
func (d *device) states() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string]int{}
	for _, said := range d.said[sdk.EventNetState] {
		for _, state := range []string{"connecting", "connected", "disconnected", "refused"} {
			if strings.Contains(said, `"`+state+`"`) {
				out[state]++
			}
		}
	}
	return out
}

func payload(text string) msgp.Raw {
	b := msgp.AppendMapHeader(nil, 1)
	b = msgp.AppendString(b, "text")
	return msgp.AppendString(b, text)
}

func (d *device) send(kind, to, text string) sdk.Message {
	d.w.t.Helper()
	r, err := d.SendMessage(d.w.ctx, &sdk.SendMessageRequest{ConversationType: kind, To: to, Type: wire.TypeText, Payload: payload(text)})
	require.NoError(d.w.t, err)
	return r.Message
}

// texts are the texts of a message list.
func texts(list []sdk.Message) []string {
	out := []string{}
	for i := range list {
		n, rest, _ := msgp.ReadMapHeaderBytes(list[i].Payload)
		if n > 0 {
			_, rest, _ = msgp.ReadStringBytes(rest)
			s, _, _ := msgp.ReadStringBytes(rest)
			out = append(out, s)
		}
	}
	return out
}

// page is everything in this device's view, oldest first.
func (d *device) page(id string) []sdk.Message {
	d.w.t.Helper()
	var all []sdk.Message
	next := ""
	for {
		r, err := d.GetMessageList(d.w.ctx, &sdk.MessageListRequest{ConversationID: id, Count: 50, NextReqMessageID: next})
		require.NoError(d.w.t, err)
		all = append(append([]sdk.Message{}, r.MessageList...), all...)
		if next = r.NextReqMessageID; r.IsCompleted || next == "" {
			return all
		}
	}
}

// remote is everything the server shows this user.
func (d *device) remote(id string) []sdk.Message {
	d.w.t.Helper()
	var all []sdk.Message
	next := ""
	for {
		r, err := d.FetchRemoteHistory(d.w.ctx, &sdk.MessageListRequest{ConversationID: id, Count: 100, NextReqMessageID: next})
		require.NoError(d.w.t, err)
		all = append(append([]sdk.Message{}, r.MessageList...), all...)
		if r.IsCompleted {
			return all
		}
		next = r.NextReqMessageID
	}
}

func (d *device) list() []string {
	d.w.t.Helper()
	r, err := d.GetConversationList(d.w.ctx, &sdk.Nothing{})
	require.NoError(d.w.t, err)
	ids := []string{}
	for _, c := range r.ConversationList {
		ids = append(ids, c.ConversationID)
	}
	return ids
}

func (d *device) conversation(id string) sdk.Conversation {
	d.w.t.Helper()
	r, err := d.GetConversation(d.w.ctx, &sdk.ConversationRequest{ConversationID: id})
	require.NoError(d.w.t, err)
	return r.Conversation
}

// soon waits until a condition holds: long enough for the next ping, by which a device notices what a lost push would have told.
func (w *world) soon(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, 40*time.Second, 5*time.Millisecond, what)
}
