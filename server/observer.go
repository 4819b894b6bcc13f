package server

import (
	"context"
	"net/http"
	"time"

	"github.com/lethe-im/lethe/wire"
)

// Observer is told what the server does: for metrics, for traces. Its methods are called on the way of what they tell of, by
// many goroutines, so they are quick. Names come from small fixed sets, and none tells of a user. [Unobserved] has them all.
type Observer interface {
	// Connected: a socket has come. ended is called when it has gone, with the code that it was closed with; CloseNormal also
	// where the peer went by itself.
	Connected() (ended func(wire.CloseCode))
	// Operation: a request is about to be answered. op is one of wire's, or "unknown"; trace is what the client sent to go on
	// with, a W3C traceparent as a rule, "" as a rule. What runs the operation gets the context returned; done is called with
	// the answer's code.
	Operation(ctx context.Context, op, trace string) (_ context.Context, done func(wire.Code))
	// Call is the same of a call of the HTTP API; endpoint is its method and path as the description has them.
	Call(ctx context.Context, endpoint, trace string) (_ context.Context, done func(status int))
	// Pushed: an event was queued for a device; dropped are those that were given up instead, since the device does not read.
	Pushed(event string, dropped int)
	// Swept: a piece of background work has ended: "forget", "rooms" or "purge".
	Swept(work string, took time.Duration, err error)
}

// Unobserved is an Observer that takes no notice; to be embedded by those that want some of it.
type Unobserved struct{}

// Connected implements Observer.
func (Unobserved) Connected() func(wire.CloseCode) { return func(wire.CloseCode) {} }

// Operation implements Observer.
func (Unobserved) Operation(ctx context.Context, _, _ string) (context.Context, func(wire.Code)) {
	return ctx, func(wire.Code) {}
}

// Call implements Observer.
func (Unobserved) Call(ctx context.Context, _, _ string) (context.Context, func(int)) {
	return ctx, func(int) {}
}

// Pushed implements Observer.
func (Unobserved) Pushed(string, int) {}

// Swept implements Observer.
func (Unobserved) Swept(string, time.Duration, error) {}

// unknownOperation is the name under which operations are observed that are none: what a client may call them has no end.
const unknownOperation = "unknown"

// observe answers a frame before the observer's eyes.
func (c *connection) observe(ctx context.Context, f wire.Frame) ([]byte, error) {
	op := f.Type
	if _, ok := operations[op]; !ok {
		op = unknownOperation
	}
	ctx, done := c.server.observer.Operation(ctx, op, f.Trace)
	frame, err := c.respond(ctx, f)
	done(wire.CodeOf(err))
	return frame, err
}

// event queues an event.
func (c *connection) event(event string, frame []byte) {
	c.server.observer.Pushed(event, c.out.push(frame))
}

// observed answers an endpoint before the observer's eyes. A WebSocket is no call: it lasts.
func (s *Server) observed(e endpoint) http.HandlerFunc {
	if e.path == "/v1/ws" {
		return e.answer
	}
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, done := s.observer.Call(r.Context(), e.method+" "+e.path, r.Header.Get("Traceparent"))
		answer := &answered{ResponseWriter: w, status: http.StatusOK}
		defer func() { done(answer.status) }()
		e.answer(answer, r.WithContext(ctx))
	}
}

// answered notes the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// swept tells of background work that began at start.
func (s *Server) swept(work string, start time.Time, err error) error {
	s.observer.Swept(work, time.Since(start), err)
	return err
}
