package server_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlitetest"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

const app = "lethe"

var (
	key      = []byte("the key of the app lethe, for tests only")
	otherKey = []byte("the key of another app, for tests only!!")
)

// world is a server on a real store behind a real listener.
type world struct {
	*testing.T
	server *server.Server
	store  *sqlstore.Store
	http   *httptest.Server
	folder string // of the store's files
}

func newWorld(t *testing.T, change ...func(*server.Options)) *world {
	t.Helper()
	store, path := sqlitetest.Open(t)
	o := server.Options{
		Store: store,
		Apps: map[string]server.App{
			app:     {Key: key, Settings: server.Lethe},
			"other": {Key: otherKey, Settings: server.Lethe},
		},
		Dev:    true,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	s, err := server.New(o)
	require.NoError(t, err)
	w := &world{T: t, server: s, store: store, http: newHTTP(s), folder: filepath.Dir(path)}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		w.http.Close()
		require.NoError(t, store.Close())
	})
	return w
}

func newHTTP(s *server.Server) *httptest.Server { return httptest.NewServer(s.Handler()) }

// limits sets limits of a world's server.
func limits(l server.Limits) func(*server.Options) { return func(o *server.Options) { o.Limits = l } }

func token(user string, ttl time.Duration) string {
	return signed(key, app, user, "", ttl)
}

func signed(key []byte, app, user, role string, ttl time.Duration) string {
	now := time.Now()
	s, err := server.SignToken(key, app, user, role, now, now.Add(ttl))
	if err != nil {
		panic(err)
	}
	return s
}

// client is a device: it keeps events apart from answers.
type client struct {
	*testing.T
	ws     *websocket.Conn
	id     uint32
	events chan wire.Frame
	frames chan wire.Frame // answers
	closed chan websocket.CloseError
}

func (w *world) dial(o *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if o == nil {
		o = &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}}
	}
	return websocket.Dial(ctx, strings.Replace(w.http.URL, "http", "ws", 1)+"/v1/ws", o)
}

// open connects and reads, without hello.
func (w *world) open() *client {
	w.Helper()
	ws, _, err := w.dial(nil)
	require.NoError(w, err)
	c := w.client(ws)
	go c.read()
	return c
}

func (w *world) client(ws *websocket.Conn) *client {
	ws.SetReadLimit(wire.MaxServerFrame + 1)
	c := &client{
		T: w.T, ws: ws, events: make(chan wire.Frame, 10_000), frames: make(chan wire.Frame, 10_000),
		closed: make(chan websocket.CloseError, 1),
	}
	w.Cleanup(func() { _ = ws.CloseNow() })
	return c
}

func (c *client) read() {
	for {
		_, data, err := c.ws.Read(context.Background())
		if err != nil {
			c.closed <- websocket.CloseError{Code: websocket.CloseStatus(err), Reason: err.Error()}
			return
		}
		f, err := wire.DecodeFrame(data, wire.MaxServerFrame)
		if err != nil {
			panic(err)
		}
		if f.Kind == wire.Event {
			c.events <- f
		} else {
			c.frames <- f
		}
	}
}

// hello connects as user, up to rows, so that everything is pushed.
func (w *world) hello(user string) *client {
	w.Helper()
	c := w.open()
	welcome := ask[wire.Welcome](c, wire.OpHello, hello(user, token(user, time.Hour)))
	require.Equal(w, wire.Version, welcome.Version)
	rows := ask[wire.Rows](c, wire.OpRows, &wire.RowsRequest{})
	require.False(w, rows.More)
	require.Equal(w, welcome.Epoch, rows.Epoch)
	return c
}

func hello(user, token string) *wire.Hello {
	return &wire.Hello{Versions: []uint8{wire.Version}, AppID: app, UserID: user, Token: token, DeviceID: "device"}
}

func (c *client) write(op string, body msgp.Marshaler) {
	c.Helper()
	c.id++
	raw, err := wire.NewRequest(c.id, op, body.MarshalMsg)
	require.NoError(c, err)
	c.raw(websocket.MessageBinary, raw)
}

func (c *client) raw(kind websocket.MessageType, data []byte) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	require.NoError(c, c.ws.Write(ctx, kind, data))
}

const patience = 5 * time.Second

func (c *client) answer() wire.Frame {
	c.Helper()
	select {
	case f := <-c.frames:
		return f
	case e := <-c.closed:
		require.Fail(c, "closed instead of an answer", "%v", e)
	case <-time.After(patience):
		require.Fail(c, "no answer")
	}
	panic("unreachable")
}

// try asks and returns the answer's code.
func try(c *client, op string, body msgp.Marshaler, into msgp.Unmarshaler) wire.Code {
	c.Helper()
	c.write(op, body)
	f := c.answer()
	require.Equal(c, c.id, f.ID)
	if f.Code == wire.OK {
		require.NoError(c, wire.DecodeBody(f.Body, into.UnmarshalMsg))
	} else {
		require.Empty(c, f.Body)
		require.NotEmpty(c, f.Text)
	}
	return f.Code
}

func ask[A any, P interface {
	*A
	msgp.Unmarshaler
}](c *client, op string, body msgp.Marshaler) (a A) {
	c.Helper()
	code := try(c, op, body, P(&a))
	require.Equal(c, wire.OK.Name(), code.Name(), op)
	return a
}

// event waits for the next event, which must be of the type.
func event[A any, P interface {
	*A
	msgp.Unmarshaler
}](c *client, name string) (a A) {
	c.Helper()
	select {
	case f := <-c.events:
		require.Equal(c, name, f.Type)
		require.NoError(c, wire.DecodeBody(f.Body, P(&a).UnmarshalMsg))
		return a
	case <-time.After(patience):
		require.Fail(c, "no event", name)
	}
	panic("unreachable")
}

// silent makes sure that nothing was pushed: what is pushed for an earlier commit comes before an answer to a later ping
// only by chance, so it waits a little.
func (c *client) silent() {
	c.Helper()
	select {
	case f := <-c.events:
		require.Fail(c, "an event that should not be", f.Type)
	case <-time.After(100 * time.Millisecond):
	}
}

func (c *client) requireClosed(code wire.CloseCode) {
	c.Helper()
	select {
	case e := <-c.closed:
		require.Equal(c, int(code), int(e.Code), e.Reason)
	case <-time.After(2 * patience):
		require.Fail(c, "not closed")
	}
}

func newID() (id wire.ID) {
	if _, err := rand.Read(id[:]); err != nil {
		panic(err)
	}
	return id
}

func text(s string) msgp.Raw {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), s)
}

func newSend(conversation, s string) *wire.Send {
	return &wire.Send{SendID: newID(), ConversationID: conversation, Type: wire.TypeText, Payload: text(s)}
}
