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
	if h.DeviceID != "" && wire.CheckIdentifier(h.DeviceID) != nil {
		return wire.Welcome{}, wire.Errorf(wire.FrameInvalid, "no deviceID has this form")
	}
	c.who = Who{App: h.AppID, User: h.UserID, Device: h.DeviceID}
	set, err := c.settings(ctx)
	if err != nil {
		return wire.Welcome{}, err
	}
	if c.isNew, err = c.see(ctx); err != nil {
		return wire.Welcome{}, err
	}
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
		Version: version, Epoch: epoch, N: n, Time: c.server.now(), SyncDeletions: set.SyncDeletions,
		New: c.isNew, CompensationDays: uint16(set.CompensationDays), DeliveryOnly: !set.CloudHistory,
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
	if c.server.now()-c.seen > seenEvery.Milliseconds() {
		if _, err := c.see(ctx); err != nil {
			return wire.Pong{}, err
		}
	}
	n, _, err := c.server.store.Number(ctx, c.who)
	return wire.Pong{N: n, Time: c.server.now()}, err
}

// seenEvery is how often it is noted that a device is still there.
const seenEvery = 12 * time.Hour

// see notes that the device is there and tells whether it is new. A device that does not say its id is not followed.
func (c *connection) see(ctx context.Context) (isNew bool, err error) {
	if c.seen = c.server.now(); c.who.Device == "" {
		return false, nil
	}
	return c.server.store.Device(ctx, c.who, c.seen)
}
