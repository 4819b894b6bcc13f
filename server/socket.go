package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server/oneclose"
	"github.com/lethe-im/lethe/wire"
)

// Socket is one connection to a device, message by message: a WebSocket, or what stands in for one where there is no network.
// Read is called by one goroutine, Write and Close by another, Cut by any.
type Socket interface {
	// Read returns the next message, cut off behind wire.MaxClientFrame+1 bytes. Errors: ErrGone; FrameInvalid where the peer is
	// there and sends something else than a binary message.
	Read(ctx context.Context) ([]byte, error)
	// Write hands one message to the network. It fails when the context ends first, and once the connection has ended.
	Write(ctx context.Context, message []byte) error
	// Close tells the peer the code, behind what was written, and returns when it has been taken or the connection has ended.
	Close(code wire.CloseCode, reason string)
	// Cut ends the connection without a word; what reads, writes or closes returns. It may be called twice.
	Cut()
}

// ErrGone means that the peer has closed or the network failed: there is nobody to tell a code.
var ErrGone = errors.New("the connection is gone")

// connect upgrades to a WebSocket, which a goroutine of its own serves until it ends: what the handshake needed (its request,
// headers, buffers and stack) goes when this returns. Refusals come as close codes after the upgrade, since a page's script sees
// nothing of an HTTP status.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	address := s.proxies.address(r)
	if address != "" && !s.handshakes.take(address, time.Now()) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, wire.Errorf(wire.TooManyConnections, "too many handshakes"))
		return
	}
	s.sockets.Add(1)
	keep := &hijacked{ResponseWriter: w}
	ws, err := websocket.Accept(oneclose.Writer(keep), r, &websocket.AcceptOptions{
		Subprotocols:    []string{wire.Subprotocol},
		OriginPatterns:  s.origins,
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		s.sockets.Done()
		s.logger.Debug("no websocket", "err", err) // Accept has answered
		return
	}
	// Our own limit, with our own close code: the library would close with 1009.
	ws.SetReadLimit(-1)
	go func() {
		defer s.sockets.Done()
		s.serve(context.WithoutCancel(r.Context()), &webSocket{ws, keep.socket}, address, ws.Subprotocol() == wire.Subprotocol)
	}()
}

// hijacked keeps the socket that the library takes over: only closing it ends a close handshake that hangs.
type hijacked struct {
	http.ResponseWriter
	socket net.Conn
}

// buffer is the size in bytes of a connection's buffers. Nearly all frames are smaller, and larger ones are passed through.
const buffer = 512

// Hijack implements http.Hijacker. The connection goes on with small buffers instead of the handshake's.
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	socket, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.socket = socket
	// What has come already must be in the new buffer: the library looks for it there.
	come, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, socket.Close())
	}
	reader := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(come), socket), max(buffer, len(come)))
	if _, err := reader.Peek(len(come)); err != nil {
		return nil, nil, errors.Join(err, socket.Close())
	}
	return socket, bufio.NewReadWriter(reader, bufio.NewWriterSize(socket, buffer)), nil
}

// webSocket is the Socket of a real network.
type webSocket struct {
	ws  *websocket.Conn
	tcp net.Conn
}

// Read implements Socket.
func (w *webSocket) Read(ctx context.Context) ([]byte, error) {
	kind, r, err := w.ws.Reader(ctx)
	if err != nil {
		return nil, ended(err)
	}
	if kind != websocket.MessageBinary {
		return nil, wire.Errorf(wire.FrameInvalid, "a text frame")
	}
	data, err := io.ReadAll(io.LimitReader(r, wire.MaxClientFrame+1))
	if err != nil {
		return nil, ended(err)
	}
	return data, nil
}

// ended is why nothing more can be read: ErrGone, or FrameInvalid where the peer is there and speaks no WebSocket. (Most such
// peers the library has sent away itself, with 1002.)
func ended(err error) error {
	var network net.Error
	if websocket.CloseStatus(err) != -1 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) {
		return ErrGone
	}
	return wire.Errorf(wire.FrameInvalid, "not a WebSocket frame: %w", err)
}

// Write implements Socket.
func (w *webSocket) Write(ctx context.Context, message []byte) error {
	return w.ws.Write(ctx, websocket.MessageBinary, message)
}

// Close implements Socket: it does the closing handshake. The library has no bound for a peer that goes on sending one huge
// frame; Cut ends that.
func (w *webSocket) Close(code wire.CloseCode, reason string) {
	// What it returns is only how the peer took it.
	_ = w.ws.Close(websocket.StatusCode(code), reason)
}

// Cut implements Socket.
func (w *webSocket) Cut() { _ = w.tcp.Close() }
