package e2e

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/ws"
)

// deaf is a connection whose line is dead after some messages: what is written fails, and the reader has not noticed yet.
type deaf struct {
	sdk.Conn
	mu   sync.Mutex
	left int
}

var errReset = errors.New("connection reset by peer")

func (d *deaf) Write(ctx context.Context, message []byte) error {
	d.mu.Lock()
	d.left--
	dead := d.left < 0
	d.mu.Unlock()
	if dead {
		return errReset
	}
	return d.Conn.Write(ctx, message)
}

// A line that turns out to be dead when something is written to it is the network's state, not an error of the app (which
// the devices here fail at): the client comes back.
func TestADeadLineIsNoError(t *testing.T) {
	w := newWorld(t)
	for messages := 1; messages <= 2; messages++ {
		d := w.device("userA")
		var dead *deaf
		d.dial = func(ctx context.Context, url string) (sdk.Conn, error) {
			conn, err := ws.Dial(ctx, url)
			if dead == nil && err == nil {
				dead = &deaf{Conn: conn, left: messages}
				return dead, nil
			}
			return conn, err
		}
		d.boot()
		_, err := d.Login(w.ctx, &sdk.LoginRequest{UserID: "userA", Token: w.token("userA", "")})
		require.NoError(t, err)
		w.soon("it is back", func() bool { return d.states()["connected"] > 0 && d.states()["connecting"] > 1 })
		dead.mu.Lock()
		require.Negative(t, dead.left, "the line was never dead")
		dead.mu.Unlock()
		d.leave()
	}
}
