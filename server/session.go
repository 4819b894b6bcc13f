package server

import (
	"context"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// checkHello reads the token of a hello: what it grants, and until when. It asks no Store.
// Errors: TokenMissing, TokenInvalid, TokenExpired, TokenOtherApp, TokenOtherUser, FrameInvalid.
func (s *Server) checkHello(h wire.Hello) (g Grant, until time.Time, err error) {
	token, err := s.checkToken(h.Token, h.AppID)
	switch {
	case err != nil:
		return g, until, err
	case wire.CheckIdentifier(token.Subject) != nil:
		return g, until, wire.Errorf(wire.TokenInvalid, "the token names no user")
	case token.Subject != h.UserID:
		return g, until, wire.Errorf(wire.TokenOtherUser, "the token is another user's")
	case h.DeviceID != "" && wire.CheckIdentifier(h.DeviceID) != nil:
		return g, until, wire.Errorf(wire.FrameInvalid, "no deviceID has this form")
	case token.Device != "" && token.Device != h.DeviceID:
		return g, until, wire.Errorf(wire.TokenInvalid, "the token is bound to another device")
	}
	return s.grantOf(token, h.AppID, h.DeviceID), token.ExpiresAt.Time, nil
}

// grantOf is what a checked token grants. One that says it will be issued later counts as issued now, so that a backend's
// clock does not put it out of a revocation's reach while it is in use.
func (s *Server) grantOf(token claims, app, device string) Grant {
	g := Grant{App: app, User: token.Subject, Device: device, Token: token.ID}
	if token.IssuedAt != nil {
		g.Issued = min(token.IssuedAt.UnixMilli(), s.now())
	}
	return g
}

// take makes a grant the connection's until it expires. It is entered first and the Store is asked then: a revocation either
// is found there, or finds the connection. Errors: TokenRevoked.
func (c *connection) take(ctx context.Context, g Grant, until time.Time) error {
	c.server.mu.Lock()
	c.grant = g
	c.server.mu.Unlock()
	if err := c.server.checkRevoked(ctx, g); err != nil {
		return err
	}
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.until = until
	c.expiry = time.AfterFunc(until.Sub(c.server.clock()), func() { c.expel(wire.CloseTokenExpired) })
	return nil
}

// renew goes on with a new token. A refused one leaves the old one.
// Errors: TokenOtherApp, TokenOtherUser, ParameterInvalid (another device), TokenRevoked.
func (c *connection) renew(ctx context.Context, g Grant, until time.Time) error {
	switch {
	case g.App != c.who.App:
		return wire.Errorf(wire.TokenOtherApp, "the connection is another app's")
	case g.User != c.who.User:
		return wire.Errorf(wire.TokenOtherUser, "the connection is another user's")
	case g.Device != c.who.Device:
		return wire.Errorf(wire.ParameterInvalid, "the connection is another device's")
	}
	if err := c.server.checkRevoked(ctx, g); err != nil {
		return err
	}
	err := c.take(ctx, g, until)
	if err != nil { // it was revoked just now, or the Store failed: the old grant is gone
		c.expel(wire.CloseFor(err))
	}
	return err
}

// checkRevoked refuses a grant that a revocation ends. Errors: TokenRevoked.
func (s *Server) checkRevoked(ctx context.Context, g Grant) error {
	revoked, err := s.store.Revoked(ctx, g)
	if err == nil && revoked {
		err = wire.Errorf(wire.TokenRevoked, "the token was revoked")
	}
	return err
}
