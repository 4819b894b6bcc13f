package server

import (
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lethe-im/lethe/wire"
)

// RoleAdmin is the role of an app's own backend: it may use the HTTP API.
const RoleAdmin = "admin"

// claims are what a token says: sub = userID, aud = appID, exp, iat and jti by which it is revoked, the role, and the only
// deviceID that it is good for.
type claims struct {
	jwt.RegisteredClaims
	Role   string `json:"role,omitempty"`
	Device string `json:"device,omitempty"`
}

// SignToken makes the token with which user connects to app until expires. role is empty or RoleAdmin. Its jti is random.
func SignToken(key []byte, app, user, role string, issued, expires time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			ID:        rand.Text(),
			Subject:   user,
			Audience:  jwt.ClaimStrings{app},
			IssuedAt:  jwt.NewNumericDate(issued),
			ExpiresAt: jwt.NewNumericDate(expires),
		},
		Role: role,
	}).SignedString(key)
}

// checkToken reads a token of one app. Errors: TokenMissing, TokenOtherApp, TokenExpired, TokenInvalid.
func (s *Server) checkToken(token, appID string) (claims, error) {
	var c claims
	if token == "" {
		return c, wire.Errorf(wire.TokenMissing, "a token is needed")
	}
	// Whose token it says it is, before asking whose key has signed it: another app's token is signed with another key.
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil {
		return c, wire.Errorf(wire.TokenInvalid, "the token cannot be read")
	}
	app, ok := s.apps[appID]
	if !ok || !slices.Contains(c.Audience, appID) {
		return c, wire.Errorf(wire.TokenOtherApp, "the token is not one for this app")
	}
	c = claims{}
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return app.Key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.clock))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return c, wire.Errorf(wire.TokenExpired, "the token has expired")
	case err != nil:
		return c, wire.Errorf(wire.TokenInvalid, "the token is not one that this server signed")
	}
	if most := s.limits.TokenLife; most > 0 && (c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > most) {
		return c, wire.Errorf(wire.TokenInvalid, "a token lives at most %v from its iat on", most)
	}
	return c, nil
}

// appOf is the one app that a token says it is for, "" if it does not say. checkToken has the last word.
func appOf(token string) string {
	var c claims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil || len(c.Audience) != 1 {
		return ""
	}
	return c.Audience[0]
}
