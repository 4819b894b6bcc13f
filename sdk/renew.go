package sdk

import (
	"context"

	"github.com/lethe-im/lethe/wire"
)

// renew takes a new token of the same user: an open connection goes on with it, and where the server had refused the old one
// it is tried again. A token that the server refuses is not kept. Errors: the server's refusal.
func (a *account) renew(ctx context.Context, token string) error {
	a.mu.Lock()
	before := a.token
	a.token = token
	refused := a.session.state == sessionRefused
	select {
	case <-a.settled: // of an attempt before
	default:
	}
	a.mu.Unlock()
	if refused {
		a.step(sessionEvent{kind: sessionStart})
		return a.firstContact(ctx)
	}
	c := a.online()
	if c == nil {
		return nil // the next connection says it
	}
	err := a.renewOn(ctx, c, token)
	if err != nil {
		a.mu.Lock()
		if a.token == token {
			a.token = before
		}
		a.mu.Unlock()
	}
	return err
}

// renewOn says hello again on an open connection. A server of before knows no such thing, and a connection that ends is
// followed by one that begins with the new token: neither is an error.
func (a *account) renewOn(ctx context.Context, c *connection, token string) error {
	var welcome wire.Welcome
	err := c.request(ctx, wire.OpHello, a.hello(token).MarshalMsg, welcome.UnmarshalMsg)
	if code := wire.CodeOf(err); code == wire.ParameterInvalid || code.Retryable() {
		return nil
	}
	return err
}

// hello is what a connection begins with.
func (a *account) hello(token string) *wire.Hello {
	a.client.mu.Lock()
	app := a.client.app
	a.client.mu.Unlock()
	return &wire.Hello{
		Versions: []uint8{wire.Version}, AppID: app, UserID: a.user, Token: token, DeviceID: hexID(a.vault.Device().ID),
	}
}
