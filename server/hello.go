package server

import (
	"context"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// hello opens the session; its errors close the connection. Said again it renews the token, and is refused alone.
func (c *connection) hello(ctx context.Context, h wire.Hello) (wire.Welcome, error) {
	version, err := pickVersion(h.Versions)
	if err != nil {
		return wire.Welcome{}, err
	}
	grant, until, err := c.server.checkHello(h)
	if err != nil {
		return wire.Welcome{}, err
	}
	if c.push != nil {
		if err := c.renew(ctx, grant, until); err != nil {
			return wire.Welcome{}, err
		}
		return c.welcome(ctx, version)
	}
	c.who = Who{App: h.AppID, User: h.UserID, Device: h.DeviceID}
	if err := c.countUser(); err != nil {
		return wire.Welcome{}, err
	}
	if err := c.take(ctx, grant, until); err != nil {
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
	push.start(ctx)
	return c.welcome(ctx, version)
}

// welcome says what the session begins, or goes on, with.
func (c *connection) welcome(ctx context.Context, version uint8) (wire.Welcome, error) {
	set, err := c.settings(ctx)
	if err != nil {
		return wire.Welcome{}, err
	}
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
	c.push.look()
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
