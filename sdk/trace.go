package sdk

import (
	"context"
	"strings"

	"github.com/lethe-im/lethe/sdk/vault"
	"github.com/lethe-im/lethe/wire"
)

// Traces are the app's wish: it gives a W3C traceparent with a call, and the requests that the call makes carry it, also those
// that go out later from the outbox, while this tab lives and is the one that sends. Without the wish nothing is kept or sent.

type traceKey struct{}

// tracedContext carries a traceparent. context.WithValue would bring 6 kB along (ADR 2).
type tracedContext struct {
	context.Context
	trace string
}

// Value implements context.Context.
func (t tracedContext) Value(key any) any {
	if key == (traceKey{}) {
		return t.trace
	}
	return t.Context.Value(key)
}

// withTrace cuts the traceparent off that stands behind a method's name.
func withTrace(ctx context.Context, name string) (context.Context, string) {
	name, trace, _ := strings.Cut(name, " ")
	return traced(ctx, trace), name
}

func traced(ctx context.Context, trace string) context.Context {
	if trace == "" || len(trace) > wire.MaxTrace {
		return ctx
	}
	return tracedContext{ctx, trace}
}

func traceOf(ctx context.Context) string {
	trace, _ := ctx.Value(traceKey{}).(string)
	return trace
}

// tracing is the session's context, with what an entry is sent for.
func (a *account) tracing(e vault.Entry) context.Context { return traced(a.ctx, e.Trace) }
