package sdk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/lethe-im/lethe/sdk/keyring"
	"github.com/lethe-im/lethe/sdk/kv"
	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// loggedIn is an account with an empty vault, which does nothing by itself.
func loggedIn(t *testing.T, o Options) *account {
	o.Emit = func(string, []byte) {}
	a := newAccount(New(o), &LoginRequest{UserID: "u"})
	v, err := vault.Open(context.Background(), kv.NewMemory(vault.Tables...), keyring.NewMemory(), "u")
	require.NoError(t, err)
	a.vault = v
	return a
}

// A call that waits for its erasure settles when the session ends: nobody would end it afterwards.
func TestAwaitingErasureEndsWithTheSession(t *testing.T) {
	a := loggedIn(t, Options{})
	a.beginErasing("C2Cx", &vault.Settled{Garbage: true, Note: 1})
	over := make(chan string)
	go func() {
		over <- a.awaitErasing(context.Background(), []vault.Deleted{{Settled: vault.Settled{Garbage: true, Note: 1}}})
	}()
	a.cancel()
	select {
	case how := <-over:
		require.Equal(t, erasureHidden, how)
	case <-time.After(5 * time.Second):
		t.Fatal("it never settles")
	}
}

// A deletion whose erasure failed once, as on a full disk, is done later.
func TestErasingIsDoneAfterItFailed(t *testing.T) {
	a := loggedIn(t, Options{})
	a.beginErasing("C2Cx", &vault.Settled{Garbage: true, Note: 1})
	a.endErasing(false)
	a.finishErasing(vault.Done{Note: 1})
	require.Empty(t, a.erasing)
}

// A deletion has its answer before erasing begins.
func TestErasingBeginsAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		a := loggedIn(t, Options{Yield: func() { <-gone }})
		a.run(a.reclaim)
		synctest.Wait()
		a.beginErasing("C2Cx", &vault.Settled{Garbage: true, Note: 1})
		synctest.Wait()
		require.NotEmpty(t, a.erasing)
		close(gone)
		synctest.Wait()
		require.Empty(t, a.erasing)
		a.cancel()
		a.wait()
	})
}

// When a send was first tried is told in the server's time, however the device's clock jumps after the welcome.
func TestServerTimeDoesNotFollowTheDevicesClock(t *testing.T) {
	clock := time.Now()
	a := loggedIn(t, Options{Now: func() time.Time { return clock }})
	a.welcome, a.greeted = wire.Welcome{Time: 1_000_000}, time.Now()
	clock = clock.Add(-10 * 365 * 24 * time.Hour)
	require.InDelta(t, 1_000_000, a.serverNow(), 60_000)
}

// A call that the end of the session cuts off says so, and does not blame the disk.
func TestCallsCutOffByLoggingOut(t *testing.T) {
	a := loggedIn(t, Options{})
	a.cancel()
	_, err := a.vault.Page(a.ctx, vault.Query{ConversationID: "C2Cx", Count: 1})
	require.Error(t, err)
	require.Equal(t, wire.NotReady, wire.CodeOf(storageError(err)))
}
