package server_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// socket is a WebSocket of which every byte is ours.
type socket struct {
	*testing.T
	net.Conn
	r *bufio.Reader
}

func (s *scene) socket() *socket {
	s.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.http.URL, "http://"))
	require.NoError(s, err)
	s.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: lethe.v1\r\n\r\n")
	require.NoError(s, err)
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	require.NoError(s, err)
	require.Equal(s, http.StatusSwitchingProtocols, response.StatusCode)
	return &socket{s.T, conn, r}
}

// frame is one WebSocket frame; its mask is zero, which changes nothing.
func frame(first byte, payload []byte) []byte {
	head := []byte{first, 0x80}
	switch n := len(payload); {
	case n < 126:
		head[1] |= byte(n)
	case n < 1<<16:
		head[1] |= 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	default:
		head[1] |= 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	return append(append(head, 0, 0, 0, 0), payload...)
}

// ends reads until the server's close frame, whose code must be one of these; 0 is an end without one.
func (c *socket) ends(codes ...int) {
	c.Helper()
	require.NoError(c, c.SetReadDeadline(time.Now().Add(2*patience)))
	for {
		var head [2]byte
		if _, err := io.ReadFull(c.r, head[:]); err != nil {
			require.Contains(c, codes, 0, "it ended without a close frame: %v", err)
			require.NotErrorIs(c, err, net.ErrClosed)
			return
		}
		n := int(head[1])
		require.Less(c, n, 126, "what it says to such peers is short")
		payload := make([]byte, n)
		_, err := io.ReadFull(c.r, payload)
		require.NoError(c, err)
		if head[0]&0xf == 8 {
			require.Contains(c, codes, int(binary.BigEndian.Uint16(payload)), "%s", payload[2:])
			return
		}
	}
}

// Frames that are wrong in the WebSocket's own terms end with the WebSocket's own codes (1002), ours with the codes of wire.
func TestAbuseSockets(t *testing.T) {
	t.Parallel()
	s := newScene(t, limits(server.Limits{Hello: 500 * time.Millisecond, Close: 300 * time.Millisecond}))
	const protocolError, final, text, binaryFrame = 1002, 0x80, 1, 2
	early, err := wire.NewRequest(1, wire.OpPing, (&wire.Ping{}).MarshalMsg)
	require.NoError(t, err)
	for _, row := range []struct {
		name string
		code int
		data []byte
	}{
		{"a text frame", int(wire.CloseFrameInvalid), frame(final|text, []byte("hello"))},
		{"text that is no UTF-8", int(wire.CloseFrameInvalid), frame(final|text, []byte{0xff, 0xfe})},
		{"an operation before hello", int(wire.CloseUnauthenticated), frame(final|binaryFrame, early)},
		{"an empty frame", int(wire.CloseFrameInvalid), frame(final|binaryFrame, nil)},
		{"reserved bits: compression that was not agreed on", protocolError, frame(final|binaryFrame|0x40, early)},
		{"an opcode that is none", protocolError, frame(final|5, early)},
		{"a continuation of nothing", protocolError, frame(final, early)},
		{"a ping of 200 bytes", protocolError, frame(final|9, make([]byte, 200))},
		{"a ping in parts", protocolError, frame(9, nil)},
		{"without a mask", int(wire.CloseFrameInvalid), append([]byte{final | binaryFrame, byte(len(early))}, early...)},
		{"a close frame of one byte", protocolError, frame(final|8, []byte{3})},
		{"a close code that is none", protocolError, frame(final|8, []byte{0, 5})},
		{"two messages at once", protocolError, append(frame(binaryFrame, early), frame(final|binaryFrame, early)...)},
		{"a length of 2^62 with nothing behind it", int(wire.CloseUnauthenticated), []byte{final | binaryFrame, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"half a frame and silence", int(wire.CloseUnauthenticated), frame(final|binaryFrame, early)[:5]},
		{"nothing at all", int(wire.CloseUnauthenticated), nil},
		{"a message of parts without an end", int(wire.CloseUnauthenticated), append(frame(binaryFrame, early), frame(0, early)...)},
	} {
		s.holds(t, row.name, func(s *scene) {
			c := s.socket()
			_, err := c.Write(row.data)
			require.NoError(s, err)
			c.ends(row.code)
		})
	}
	s.holds(t, "a length of 2^63", func(s *scene) {
		c := s.socket()
		_, err := c.Write([]byte{final | binaryFrame, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
		require.NoError(s, err)
		// The library gives this socket up by itself, mostly before our close frame is written.
		c.ends(0, int(wire.CloseFrameInvalid))
	})
	s.holds(t, "a byte a moment", func(s *scene) {
		c := s.socket()
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for _, b := range frame(final|binaryFrame, make([]byte, 1000)) {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}()
		c.ends(int(wire.CloseUnauthenticated))
	})
	s.holds(t, "small parts without an end", func(s *scene) {
		c := s.socket()
		go func() {
			part := frame(binaryFrame, make([]byte, 4096))
			for i := 0; i < 1000; i++ {
				if _, err := c.Write(part); err != nil {
					return
				}
				part[0] = 0
			}
		}()
		c.ends(int(wire.CloseFrameTooLarge))
	})
	s.holds(t, "a flood of pings", func(s *scene) {
		c := s.socket()
		go func() {
			for flood := frame(final|9, []byte("ping")); ; {
				if _, err := c.Write(flood); err != nil {
					return
				}
			}
		}()
		c.ends(int(wire.CloseUnauthenticated)) // they are no frames of ours
	})
	s.holds(t, "gone in the middle of a frame", func(s *scene) {
		c := s.socket()
		_, err := c.Write(frame(final|binaryFrame, early)[:5])
		require.NoError(s, err)
		require.NoError(s, c.Close())
		require.Eventually(s, func() bool { return s.server.Connections() == 2 }, patience, time.Millisecond)
	})
}

// After hello, what is no request ends the connection as well, and what is one but nonsense inside is refused alone.
func TestAbuseFrames(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	encoded := func(f wire.Frame) []byte {
		raw, err := f.MarshalMsg(nil)
		require.NoError(t, err)
		return raw
	}
	request := func(op string, body []byte) []byte {
		return encoded(wire.Frame{Kind: wire.Request, ID: 7, Type: op, Body: body})
	}
	deep := make([]byte, 100_000)
	for i := range deep {
		deep[i] = 0x91 // an array in an array
	}
	for _, row := range []struct {
		name string
		code wire.CloseCode
		data []byte
	}{
		{"a response", wire.CloseFrameInvalid, encoded(wire.Frame{Kind: wire.Response, ID: 1})},
		{"an event", wire.CloseFrameInvalid, encoded(wire.Frame{Kind: wire.Event, Type: wire.EventRows})},
		{"a kind that is none", wire.CloseFrameInvalid, encoded(wire.Frame{Kind: 9, Type: wire.OpPing})},
		{"JSON", wire.CloseFrameInvalid, []byte(`{"k":1,"t":"ping"}`)},
		{"an array", wire.CloseFrameInvalid, msgp.AppendArrayHeader(nil, 0)},
		{"cut short", wire.CloseFrameInvalid, request(wire.OpPing, []byte{0x80})[:6]},
		{"more behind it", wire.CloseFrameInvalid, append(request(wire.OpPing, []byte{0x80}), 0xc0)},
		{"a map of 2^32 entries", wire.CloseFrameInvalid, []byte{0xdf, 0xff, 0xff, 0xff, 0xff}},
		{"a text of 2^32 bytes", wire.CloseFrameInvalid, []byte{0x81, 0xa1, 't', 0xdb, 0xff, 0xff, 0xff, 0xff}},
		{"a body that nests 100 000 deep", wire.CloseFrameInvalid, append([]byte{0x82, 0xa1, 'k', 1, 0xa1, 'b'}, deep...)},
		{"one byte too many", wire.CloseFrameTooLarge, make([]byte, wire.MaxClientFrame+1)},
		{"16 MiB", wire.CloseFrameTooLarge, make([]byte, 16<<20)},
	} {
		s.holds(t, row.name, func(s *scene) {
			c := s.mallory()
			ctx := s.Context()
			_ = c.ws.Write(ctx, websocket.MessageBinary, row.data) // the server may be gone before it is all written
			c.requireClosed(row.code)
		})
	}
	for _, row := range []struct {
		name string
		op   string
		body []byte
		code wire.Code
	}{
		{"a body of another type", wire.OpPage, msgp.AppendInt(nil, 7), wire.FrameInvalid},
		{"a body that is an array", wire.OpDelete, []byte{0x92, 1, 2}, wire.FrameInvalid},
		{"a field of another type", wire.OpPage, []byte{0x81, 0xa1, 'l', 0xa1, 'x'}, wire.FrameInvalid},
		{"a number below zero", wire.OpPage, []byte{0x81, 0xa1, 'l', 0xff}, wire.FrameInvalid},
		{"a list longer than it may be", wire.OpHave, append([]byte{0x81, 0xa1, 'h', 0xdd, 0, 1, 0, 1}, emptyMaps(65537)...), wire.FrameInvalid},
		{"an id of 15 bytes", wire.OpSend, append([]byte{0x81, 0xa1, 'i', 0xc4, 15}, make([]byte, 15)...), wire.FrameInvalid},
		{"no body", wire.OpSend, nil, wire.ConversationIDInvalid},
		{"an empty operation", "", nil, wire.OperationUnknown},
		{"an operation of many bytes", strings.Repeat("x", 10_000), nil, wire.OperationUnknown},
	} {
		s.holds(t, row.name, func(s *scene) {
			c := s.mallory()
			c.raw(websocket.MessageBinary, request(row.op, row.body))
			f := c.answer()
			require.Equal(s, []any{row.code.Name(), uint32(7)}, []any{f.Code.Name(), f.ID}, f.Text)
			require.Less(s, len(f.Text), 500, "it does not repeat what it was given")
			ask[wire.Pong](c, wire.OpPing, &wire.Ping{})
		})
	}
	s.holds(t, "the largest frame", func(s *scene) {
		c := s.mallory()
		data := request("x", append([]byte{0xc6, 0, 3, 0xff, 0xe0}, make([]byte, 0x3ffe0)...))
		require.LessOrEqual(s, len(data), wire.MaxClientFrame)
		require.Greater(s, len(data), wire.MaxClientFrame-100)
		c.raw(websocket.MessageBinary, data)
		require.Equal(s, wire.OperationUnknown, c.answer().Code)
	})
}

func emptyMaps(n int) (b []byte) {
	for range n {
		b = append(b, 0x80)
	}
	return b
}
