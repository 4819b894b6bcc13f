package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/wire"
)

// Browsers keep spare connections on which they ask nothing; stopping does not wait for them.
func TestServeStopsBesideSpareConnections(t *testing.T) {
	p := start(t, "--data", t.TempDir(), "--dev")
	spare, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = spare.Close() })
	p.devToken("a") // a request behind it: the spare one has been accepted
	begin := time.Now()
	p.end(syscall.SIGTERM)
	require.Less(t, time.Since(begin), 3*time.Second)
}

// peer is a WebSocket that answers the server's close when it is told to: the library answers by itself.
type peer struct {
	*testing.T
	net.Conn
	come *bufio.Reader
}

func (p *process) peer() *peer {
	p.Helper()
	host := strings.TrimPrefix(p.url, "http://")
	socket, err := net.Dial("tcp", host)
	require.NoError(p, err)
	p.Cleanup(func() { _ = socket.Close() })
	require.NoError(p, socket.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(socket, "GET /v1/ws HTTP/1.1\r\nHost: "+host+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "+wire.Subprotocol+"\r\n\r\n")
	require.NoError(p, err)
	come := bufio.NewReader(socket)
	response, err := http.ReadResponse(come, nil)
	require.NoError(p, err)
	require.NoError(p, response.Body.Close())
	require.Equal(p, http.StatusSwitchingProtocols, response.StatusCode)
	return &peer{T: p.T, Conn: socket, come: come}
}

// served waits until the server reads what comes: it answers a ping.
func (p *peer) served() {
	p.Helper()
	_, err := p.Write([]byte{0x89, 0x80, 0, 0, 0, 0})
	require.NoError(p, err)
	pong := make([]byte, 2)
	_, err = io.ReadFull(p.come, pong)
	require.NoError(p, err)
	require.Equal(p, []byte{0x8a, 0}, pong)
}

// requireClosing reads the close frame, and does not answer it.
func (p *peer) requireClosing(code wire.CloseCode) {
	p.Helper()
	head := make([]byte, 4)
	_, err := io.ReadFull(p.come, head)
	require.NoError(p, err)
	require.Equal(p, byte(0x88), head[0], "a close frame")
	require.Equal(p, int(code), int(head[2])<<8|int(head[3]))
	_, err = p.come.Discard(int(head[1]) - 2)
	require.NoError(p, err)
}

// answer answers the close with its code, masked with zeroes.
func (p *peer) answer() {
	p.Helper()
	_, err := p.Write([]byte{0x88, 0x82, 0, 0, 0, 0, byte(wire.CloseDraining >> 8), byte(wire.CloseDraining & 0xff)})
	require.NoError(p, err)
}

// Who comes while the server stops is turned away, and the process waits until that is done. The first peer keeps the server at
// stopping until the second one has come.
func TestServeWaitsForWhoItTurnsAway(t *testing.T) {
	p := start(t, "--data", t.TempDir())
	first := p.peer()
	first.served()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	first.requireClosing(wire.CloseDraining)
	last := p.peer()
	last.requireClosing(wire.CloseDraining)
	first.answer()
	require.Eventually(t, func() bool { // all that the first one held up has ended
		socket, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			_ = socket.Close()
		}
		return err != nil
	}, 4*time.Second, 5*time.Millisecond)
	require.NoError(t, last.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	_, err := last.come.ReadByte()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "the process has not waited")
	last.answer()
	p.ended()
	require.Empty(t, p.stderr.String())
}
