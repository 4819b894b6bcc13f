package sdk

import (
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Backoff is full jitter: a wait is drawn evenly from 0 to backoffBase · 2^attempt, at most backoffCap, so that a fleet that
// lost its server does not come back in step.
const (
	backoffBase = 500 * time.Millisecond
	backoffCap  = 30 * time.Second
)

type sessionState uint8

const (
	sessionIdle sessionState = iota // not asked to connect
	sessionWaiting
	sessionDialing
	sessionSyncing // greeted; own operations, rows and heads are under way
	sessionLive
	sessionRefused // the server said not to come back
)

type sessionEventKind uint8

const (
	sessionStart   sessionEventKind = iota // connect, also: the network may be back
	sessionStop                            // stay off the network
	sessionTimer                           // the wait is over
	sessionOpened                          // dialled and welcomed
	sessionSynced                          // rows and heads are in
	sessionDropped                         // the connection ended, or never began
)

// sessionEvent is what happened. Turn numbers attempts, so that what belongs to an older one is ignored.
type sessionEvent struct {
	kind sessionEventKind
	turn int
	code wire.CloseCode // sessionDropped
}

type sessionEffectKind uint8

const (
	effectDial sessionEffectKind = iota // dial, greet, then report sessionOpened or sessionDropped
	effectSync                          // own operations out, rows, heads, then report sessionSynced
	effectWait                          // report sessionTimer after the wait
	effectHang                          // close the connection
	effectTell                          // tell the app
)

type sessionEffect struct {
	kind  sessionEffectKind
	turn  int
	wait  time.Duration
	state string
	code  wire.Code
}

// session decides when to connect, to wait, and to give up. It does no I/O: events in, effects out.
type session struct {
	state   sessionState
	turn    int
	attempt int
	random  func() float64 // [0, 1)
}

func (s *session) step(e sessionEvent) []sessionEffect {
	stale := e.turn != s.turn
	switch e.kind {
	case sessionStart:
		if s.state == sessionIdle || s.state == sessionWaiting || s.state == sessionRefused {
			s.attempt = 0
			return s.dial()
		}
	case sessionStop:
		if s.state != sessionIdle {
			s.state = sessionIdle
			s.turn++
			return []sessionEffect{{kind: effectHang}, {kind: effectTell, state: "disconnected"}}
		}
	case sessionTimer:
		if !stale && s.state == sessionWaiting {
			return s.dial()
		}
	case sessionOpened:
		if !stale && s.state == sessionDialing {
			s.state = sessionSyncing
			return []sessionEffect{{kind: effectSync, turn: s.turn}}
		}
	case sessionSynced:
		if !stale && s.state == sessionSyncing {
			s.state, s.attempt = sessionLive, 0
			return []sessionEffect{{kind: effectTell, state: "connected"}}
		}
	case sessionDropped:
		if !stale && s.state != sessionIdle && s.state != sessionRefused {
			return s.dropped(e.code)
		}
	}
	return nil
}

func (s *session) dial() []sessionEffect {
	s.state = sessionDialing
	s.turn++
	return []sessionEffect{{kind: effectTell, state: "connecting"}, {kind: effectDial, turn: s.turn}}
}

func (s *session) dropped(code wire.CloseCode) []sessionEffect {
	s.turn++
	if code.Terminal() {
		s.state = sessionRefused
		return []sessionEffect{{kind: effectHang}, {kind: effectTell, state: "refused", code: code.Code()}}
	}
	limit := min(backoffBase<<min(s.attempt, 10), backoffCap)
	s.attempt++
	s.state = sessionWaiting
	return []sessionEffect{
		{kind: effectHang},
		{kind: effectTell, state: "disconnected", code: code.Code()},
		{kind: effectWait, turn: s.turn, wait: time.Duration(s.random() * float64(limit))},
	}
}
