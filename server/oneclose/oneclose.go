// Package oneclose keeps nhooyr.io/websocket's server from sending a second close frame. When a server closes, the
// library (1.8.11 to 1.8.17) answers the peer's answering close frame with one more, and Chromium then fails the
// connection: the page sees 1006 instead of the server's close code.
package oneclose

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// Writer is the ResponseWriter to give to websocket.Accept.
func Writer(w http.ResponseWriter) http.ResponseWriter { return hijacker{w} }

type hijacker struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController see through.
func (h hijacker) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	socket, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// Accept has written the answer to the handshake by now, so that only frames follow.
	c := &conn{Conn: socket}
	rw.Writer.Reset(c)
	return c, rw, nil
}

// conn writes frames up to the first close frame and drops what follows.
type conn struct {
	net.Conn

	mu      sync.Mutex
	header  []byte // the header of a frame that has begun
	payload uint64 // bytes of the frame's payload still to come
	closing bool   // the frame is a close frame
	closed  bool   // and it is written
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.through(b)
	if n > 0 {
		if written, err := c.Conn.Write(b[:n]); err != nil {
			return written, err
		}
	}
	return len(b), nil
}

// through is how many bytes of b are to be written.
func (c *conn) through(b []byte) int {
	at := 0
	for at < len(b) && !c.closed {
		if c.payload == 0 {
			c.begin(b[at])
			at++
			continue
		}
		n := min(c.payload, uint64(len(b)-at))
		at += int(n)
		c.payload -= n
		c.closed = c.closing && c.payload == 0
	}
	return at
}

// begin takes one byte of a frame's header (RFC 6455, 5.2; a server's frames have no mask).
func (c *conn) begin(b byte) {
	const opcode, length, closeFrame = 0x0f, 0x7f, 0x8
	c.header = append(c.header, b)
	if len(c.header) < 2 {
		return
	}
	extended := 0
	switch c.header[1] & length {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if len(c.header) < 2+extended {
		return
	}
	c.payload = uint64(c.header[1] & length)
	if extended > 0 {
		c.payload = 0
		for _, x := range c.header[2:] {
			c.payload = c.payload<<8 | uint64(x)
		}
	}
	c.closing = c.header[0]&opcode == closeFrame
	c.closed = c.closing && c.payload == 0
	c.header = c.header[:0]
}
