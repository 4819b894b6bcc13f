//go:build !js

package wstest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server/oneclose"
	"github.com/lethe-im/lethe/wire"
)

// Server is a real WebSocket server that behaves as each path says, also badly, and remembers how each connection ended
// on its side, under the query's id.
type Server struct {
	URL string // ws://HOST:PORT

	http     http.Server
	listener net.Listener
	refusing string // an address where nobody listens

	mu     sync.Mutex
	ending map[string]chan string
}

// Start starts a server on a port of its own.
func Start() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "ws://" + listener.Addr().String(), listener: listener, refusing: "ws://" + nobody.Addr().String(),
		ending: map[string]chan string{}}
	if err := nobody.Close(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, behave := range map[string]func(context.Context, *websocket.Conn, *http.Request) error{
		"/echo":     echo,
		"/numbered": numbered,
		"/closing":  closing,
		"/large":    large,
		"/text":     text,
		"/flood":    flood,
		"/late":     late,
		"/refusing": func(ctx context.Context, c *websocket.Conn, _ *http.Request) error {
			return c.Write(ctx, websocket.MessageBinary, []byte(s.refusing))
		},
		"/saw": func(ctx context.Context, c *websocket.Conn, r *http.Request) error {
			return c.Write(ctx, websocket.MessageBinary, []byte(s.saw(r)))
		},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.accept(w, r, []string{wire.Subprotocol}, behave)
		})
	}
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) { s.accept(w, r, nil, echo) })
	mux.HandleFunc("/reset", s.reset)
	mux.HandleFunc("/silent", s.silent)
	mux.HandleFunc("/forbidden", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	})
	s.http.Handler = mux
	go s.http.Serve(listener)
	return s, nil
}

// Close ends the server.
func (s *Server) Close() error { return s.http.Close() }

func (s *Server) connection(r *http.Request) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.URL.Query().Get("id")
	if s.ending[id] == nil {
		s.ending[id] = make(chan string, 1)
	}
	return s.ending[id]
}

// saw waits until the connection of that id has ended and says how.
func (s *Server) saw(r *http.Request) string {
	ending := s.connection(r)
	select {
	case how := <-ending:
		return how
	case <-time.After(8 * time.Second):
		return "open"
	}
}

// accept lets a connection behave and then reads until it ends.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, protocols []string,
	behave func(context.Context, *websocket.Conn, *http.Request) error) {
	// The page of a browser test is another origin.
	c, err := websocket.Accept(oneclose.Writer(w), r, &websocket.AcceptOptions{Subprotocols: protocols, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	err = behave(r.Context(), c, r)
	for err == nil {
		_, _, err = c.Read(r.Context())
	}
	s.connection(r) <- describe(err)
}

// describe says how a connection ended: its close frame, or gone without one.
func describe(err error) string {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprintf("%d %s", closed.Code, closed.Reason)
	}
	return "gone"
}

func echo(ctx context.Context, c *websocket.Conn, _ *http.Request) error {
	for {
		kind, message, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, kind, message); err != nil {
			return err
		}
	}
}

func query(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", r.URL, err)) // net/http ends the connection and prints it
	}
	return n
}

// numbered sends count messages: 0, 1, 2, …
func numbered(ctx context.Context, c *websocket.Conn, r *http.Request) error {
	for i := range query(r, "count") {
		if err := c.Write(ctx, websocket.MessageBinary, binary.BigEndian.AppendUint32(nil, uint32(i))); err != nil {
			return err
		}
	}
	return nil
}

// closing sends count messages and closes with a code.
func closing(ctx context.Context, c *websocket.Conn, r *http.Request) error {
	if err := numbered(ctx, c, r); err != nil {
		return err
	}
	return c.Close(websocket.StatusCode(query(r, "code")), r.URL.Query().Get("reason"))
}

// large sends one message of a size, its bytes counting up.
func large(ctx context.Context, c *websocket.Conn, r *http.Request) error {
	return c.Write(ctx, websocket.MessageBinary, Pattern(query(r, "size")))
}

func text(ctx context.Context, c *websocket.Conn, _ *http.Request) error {
	return c.Write(ctx, websocket.MessageText, []byte("hello"))
}

// flood sends until the other side has enough.
func flood(ctx context.Context, c *websocket.Conn, _ *http.Request) error {
	go func() {
		message := Pattern(wire.MaxServerFrame)
		for c.Write(ctx, websocket.MessageBinary, message) == nil {
		}
	}()
	return nil
}

// late reads nothing for a second.
func late(context.Context, *websocket.Conn, *http.Request) error {
	time.Sleep(time.Second)
	return nil
}

// reset sends a message and then cuts the connection, with a TCP reset.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(cuttable{w, http.NewResponseController(w)}, r,
		&websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	c.Write(r.Context(), websocket.MessageBinary, []byte("last"))
	time.Sleep(100 * time.Millisecond) // a reset takes away what was not yet received
	c.CloseNow()
}

// cuttable hands out connections that close with a reset.
type cuttable struct {
	http.ResponseWriter
	controller *http.ResponseController
}

func (w cuttable) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	conn, rw, err = w.controller.Hijack()
	if err == nil {
		err = conn.(*net.TCPConn).SetLinger(0)
	}
	return conn, rw, err
}

// silent never answers the handshake.
func (s *Server) silent(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	io.Copy(io.Discard, conn)
	s.connection(r) <- "gone"
}
