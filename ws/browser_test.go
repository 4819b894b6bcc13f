//go:build js && wasm

package ws

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/e2e/jsfuncs"
	"github.com/lethe-im/lethe/sdk"
	"github.com/lethe-im/lethe/wire"
	"github.com/lethe-im/lethe/ws/wstest"
)

var (
	server     = os.Getenv(wstest.ServerVariable)
	background = context.Background()
)

// TestFuncsAreReleased on every way a connection can go.
func TestFuncsAreReleased(t *testing.T) {
	left := jsfuncs.Left(func() {
		conn, err := Dial(background, server+"/echo")
		require.NoError(t, err)
		require.NoError(t, conn.Write(background, []byte("x")))
		_, err = conn.Read(background)
		require.NoError(t, err)
		require.NoError(t, conn.Close(wire.CloseNormal, ""))

		conn, err = Dial(background, server+"/closing?count=1&code=3500")
		require.NoError(t, err)
		for err == nil {
			_, err = conn.Read(background)
		}

		conn, err = Dial(background, server+"/echo")
		require.NoError(t, err)
		short, cancel := context.WithTimeout(background, 20*time.Millisecond)
		defer cancel()
		_, err = conn.Read(short)
		require.Error(t, err)

		for _, path := range []string{"/forbidden", "/silent"} {
			short, cancel := context.WithTimeout(background, 100*time.Millisecond)
			_, err = Dial(short, server+path)
			cancel()
			require.Error(t, err)
		}
		_, err = Dial(background, "no address")
		require.Error(t, err)
	})
	require.Zero(t, left())
}

// TestUnreadMessagesAreBounded: a browser receives whether the core reads or not.
func TestUnreadMessagesAreBounded(t *testing.T) {
	conn, err := Dial(background, server+"/flood")
	require.NoError(t, err)
	time.Sleep(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()
	ended := conn.(*socket).end.done
	select {
	case <-ended:
	case <-ctx.Done():
	}
	_, err = conn.Read(ctx)
	var how *sdk.Closed
	require.ErrorAs(t, err, &how)
	require.Equal(t, wire.CloseSlow, how.Code)
}
