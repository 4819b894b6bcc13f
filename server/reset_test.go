package server_test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"nhooyr.io/websocket"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// Peers that reset the connection while the server is writing to them leave nothing: TestMain looks.
func TestPeersThatReset(t *testing.T) {
	w := newWorld(t, func(o *server.Options) { o.Limits = server.Limits{Rate: 1e6, Burst: 1e6} })
	var line net.Conn
	dial := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		line, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return line, err
	}}}
	sender := w.hello("a")
	large := make([]byte, wire.MaxContent)
	for i := range large {
		large[i] = rand.Text()[0]
	}
	for range 40 {
		ask[wire.SendAck](sender, wire.OpSend, newSend("C2Ca", string(large)))
	}
	for range 5 {
		ws, _, err := w.dial(&websocket.DialOptions{HTTPClient: dial, Subprotocols: []string{wire.Subprotocol}})
		require.NoError(t, err)
		c := w.client(ws)
		c.write(wire.OpHello, hello("a", token("a", time.Hour)))
		for range 20 { // some 2 MB each: more than the sockets hold
			c.write(wire.OpPage, &wire.PageRequest{ConversationID: "C2Ca", Limit: 40})
		}
		time.Sleep(50 * time.Millisecond) // the server writes
		require.NoError(t, line.(*net.TCPConn).SetLinger(0))
		require.NoError(t, ws.CloseNow())
	}
	require.Eventually(t, func() bool { return w.server.Connections() == 1 }, 10*time.Second, 10*time.Millisecond)
}
