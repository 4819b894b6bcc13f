// Package otelobserver makes spans of what a server does for clients that ask to be traced: their requests, and the store's
// transactions and statements for them. No span tells of a user, a conversation or a message, and nothing is done for requests
// without a traceparent.
package otelobserver

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/sqlstore"
	"github.com/lethe-im/lethe/wire"
)

// Observer is a server.Observer that makes spans, and passes everything on to the one below.
type Observer struct {
	server.Observer
	tracer trace.Tracer
}

// New makes an observer above another one.
func New(tracer trace.Tracer, below server.Observer) *Observer { return &Observer{below, tracer} }

// Operation implements server.Observer.
func (o *Observer) Operation(ctx context.Context, op, parent string) (context.Context, func(wire.Code)) {
	ctx, below := o.Observer.Operation(ctx, op, parent)
	ctx, span := o.begin(ctx, "lethe."+op, parent)
	if span == nil {
		return ctx, below
	}
	return ctx, func(code wire.Code) {
		if code != wire.OK {
			span.SetAttributes(attribute.Int("lethe.code", int(code)))
		}
		if code == wire.Internal {
			span.SetStatus(codes.Error, code.Name())
		}
		span.End()
		below(code)
	}
}

// Call implements server.Observer.
func (o *Observer) Call(ctx context.Context, endpoint, parent string) (context.Context, func(int)) {
	ctx, below := o.Observer.Call(ctx, endpoint, parent)
	ctx, span := o.begin(ctx, endpoint, parent)
	if span == nil {
		return ctx, below
	}
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
		below(status)
	}
}

// begin goes on with a client's trace, if there is one that is to be kept.
func (o *Observer) begin(ctx context.Context, name, parent string) (context.Context, trace.Span) {
	if parent == "" || len(parent) > wire.MaxTrace {
		return ctx, nil
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, nil
	}
	return o.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
}

// Watch makes spans of the store's transactions and statements, inside those of what they are for; below, which may be nil, is
// told as well.
func (o *Observer) Watch(below sqlstore.Watch) sqlstore.Watch {
	return func(ctx context.Context, kind string) (context.Context, func(error)) {
		done := func(error) {}
		if below != nil {
			ctx, done = below(ctx, kind)
		}
		if !trace.SpanFromContext(ctx).IsRecording() {
			return ctx, done
		}
		ctx, span := o.tracer.Start(ctx, "store."+kind)
		ctx = sqlstore.WatchStatements(ctx, func(statement string) func(error) {
			verb, _, _ := strings.Cut(strings.TrimSpace(statement), " ")
			_, inner := o.tracer.Start(ctx, "sql."+strings.ToLower(verb), trace.WithSpanKind(trace.SpanKindClient),
				trace.WithAttributes(attribute.String("db.query.text", strings.Join(strings.Fields(statement), " "))))
			return func(err error) { end(inner, err) }
		})
		return ctx, func(err error) {
			end(span, err)
			done(err)
		}
	}
}

// end ends a span of the store. What an error says is not told: it may name a conversation.
func end(span trace.Span, err error) {
	if sqlstore.IsFailure(err) {
		span.SetStatus(codes.Error, "the store failed")
	}
	span.End()
}
