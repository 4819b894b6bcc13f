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
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
	"github.com/lethe-im/lethe/ws"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// world is one real server and the devices that tests add.
type world struct {
	t    *testing.T
	http *httptest.Server
	ctx  context.Context
	file string // of the store
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	file := filepath.Join(t.TempDir(), "lethe.db")
	store, err := sqlstore.Open(ctx, file)
	require.NoError(t, err)
	s, err := server.New(server.Options{
		Store: store, Apps: map[string]server.App{"lethe": {Key: key, Settings: server.Lethe}},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	w := &world{t: t, http: httptest.NewServer(s.Handler()), ctx: ctx, file: file}
	t.Cleanup(func() {
		down, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		require.NoError(t, s.Shutdown(down))
		w.http.Close()
		require.NoError(t, store.Close())
		cancel()
	})
	return w
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
	r, err := http.NewRequest(http.MethodPost, w.http.URL+path, strings.NewReader(string(b)))
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

	tabs *neighbours // set: other clients share the database

	mu     sync.Mutex
	nets   []string
	events map[string]int // messages told of, or events that are not about messages
}

func (w *world) device(user string) *device {
	w.t.Helper()
	d := &device{w: w, user: user, store: kv.NewMemory(vault.Tables...), ring: keyring.NewMemory(), events: map[string]int{}}
	d.boot()
	return d
}

// neighbours pokes the other tabs of a device.
type neighbours struct {
	mu   sync.Mutex
	next int
	tabs map[int]func()
}

func (n *neighbours) join(_ string, changed func()) (poke, leave func()) {
	if n == nil {
		return func() {}, func() {}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next++
	me := n.next
	n.tabs[me] = changed
	return func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			for id, tab := range n.tabs {
				if id != me {
					go tab()
				}
			}
		}, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			delete(n.tabs, me)
		}
}

// tab is another tab on the same device, open at the same time.
func (d *device) tab() *device {
	d.w.t.Helper()
	other := &device{w: d.w, user: d.user, store: d.store, ring: d.ring, tabs: d.tabs, events: map[string]int{}}
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

func (d *device) count(event string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[event]
}

// boot makes a new client on the device's database, as a page load does.
func (d *device) boot() {
	d.w.t.Helper()
	d.Client = sdk.New(sdk.Options{
		OpenStore: func(context.Context, string, func(error)) (kv.Store, string, error) {
			d.store = d.store.Reopen()
			return d.store, "memory", nil
		},
		OpenKeyring: func(context.Context, string) (keyring.File, error) {
			d.ring = d.ring.Reopen()
			return d.ring, nil
		},
		Dial:       ws.Dial,
		Neighbours: d.tabs.join,
		Emit: func(event string, data []byte) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.events[event] += tellings(data)
			if event == sdk.EventNetState {
				d.nets = append(d.nets, string(data))
			}
			if event == sdk.EventError {
				d.w.t.Errorf("%s: %q", d.user, data)
			}
		},
	})
	_, err := d.Open(d.w.ctx, &sdk.OpenRequest{URL: d.w.http.URL, AppID: "lethe"})
	require.NoError(d.w.t, err)
}

func (d *device) login() *device {
	d.w.t.Helper()
	r, err := d.Login(d.w.ctx, &sdk.LoginRequest{UserID: d.user, Token: d.w.token(d.user, "")})
	require.NoError(d.w.t, err)
	require.True(d.w.t, r.Connected)
	d.w.t.Cleanup(func() { _, _ = d.Logout(context.Background(), &sdk.LogoutRequest{}) })
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
	for _, n := range d.nets {
		for _, state := range []string{"connecting", "connected", "disconnected", "refused"} {
			if strings.Contains(n, state) {
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

func (w *world) soon(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, 5*time.Second, 5*time.Millisecond, what)
}
