package server

import (
	"context"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// hello opens the session. Its errors close the connection.
func (c *connection) hello(ctx context.Context, h wire.Hello) (wire.Welcome, error) {
	if c.push != nil {
		return wire.Welcome{}, wire.Errorf(wire.ParameterInvalid, "hello was said before")
	}
	version, err := pickVersion(h.Versions)
	if err != nil {
		return wire.Welcome{}, err
	}
	token, err := c.server.checkToken(h.Token, h.AppID)
	if err != nil {
		return wire.Welcome{}, err
	}
	if err := wire.CheckIdentifier(token.Subject); err != nil {
		return wire.Welcome{}, wire.Errorf(wire.TokenInvalid, "the token names no user")
	}
	if token.Subject != h.UserID {
		return wire.Welcome{}, wire.Errorf(wire.TokenOtherUser, "the token is another user's")
	}
	c.who, c.app = Who{App: h.AppID, User: h.UserID}, c.server.apps[h.AppID]
	push := newPusher(c)
	if err := push.follow(ctx); err != nil {
		push.unfollow()
		return wire.Welcome{}, err
	}
	c.push = push
	go push.run(ctx)
	c.expiry = time.AfterFunc(token.ExpiresAt.Sub(c.server.clock()), func() { c.out.end(wire.CloseTokenExpired) })

	n, epoch, err := c.server.store.Number(ctx, c.who)
	return wire.Welcome{
		Version: version, Epoch: epoch, N: n, Time: c.server.now(), SyncDeletions: c.app.Settings.SyncDeletions,
	}, err
}

// pickVersion picks the best version both sides speak. Errors: VersionUnsupported.
func pickVersion(spoken []uint8) (best uint8, err error) {
	for _, v := range spoken {
		if v >= wire.MinVersion && v <= wire.Version {
			best = max(best, v)
		}
	}
	if best == 0 {
		return 0, wire.Errorf(wire.VersionUnsupported, "this server speaks %d to %d", wire.MinVersion, wire.Version)
	}
	return best, nil
}

// ping tells the user's number, so that a device notices a push that it missed.
func (c *connection) ping(ctx context.Context, _ wire.Ping) (wire.Pong, error) {
	n, _, err := c.server.store.Number(ctx, c.who)
	return wire.Pong{N: n, Time: c.server.now()}, err
}
