package otlp

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
)

// encode puts the spans of one server, which have one resource, into the protocol's shape, by the scope that made them.
func encode(spans []sdktrace.ReadOnlySpan) []*trace.ResourceSpans {
	if len(spans) == 0 {
		return nil
	}
	out := &trace.ResourceSpans{Resource: &resource.Resource{Attributes: attributes(spans[0].Resource().Attributes())}}
	scopes := map[string]*trace.ScopeSpans{}
	for _, s := range spans {
		name := s.InstrumentationScope().Name
		if scopes[name] == nil {
			scopes[name] = &trace.ScopeSpans{Scope: &common.InstrumentationScope{Name: name}}
			out.ScopeSpans = append(out.ScopeSpans, scopes[name])
		}
		scopes[name].Spans = append(scopes[name].Spans, span(s))
	}
	return []*trace.ResourceSpans{out}
}

func span(s sdktrace.ReadOnlySpan) *trace.Span {
	traceID, spanID := s.SpanContext().TraceID(), s.SpanContext().SpanID()
	out := &trace.Span{
		TraceId: traceID[:], SpanId: spanID[:], Name: s.Name(),
		Kind:              trace.Span_SpanKind(s.SpanKind()), // both count from unspecified, internal, server …
		StartTimeUnixNano: uint64(s.StartTime().UnixNano()), EndTimeUnixNano: uint64(s.EndTime().UnixNano()),
		Attributes: attributes(s.Attributes()),
		Flags:      uint32(s.SpanContext().TraceFlags()),
		Status:     &trace.Status{Message: s.Status().Description},
	}
	if parent := s.Parent().SpanID(); parent.IsValid() {
		out.ParentSpanId = parent[:]
	}
	switch s.Status().Code {
	case codes.Error:
		out.Status.Code = trace.Status_STATUS_CODE_ERROR
	case codes.Ok:
		out.Status.Code = trace.Status_STATUS_CODE_OK
	}
	return out
}

func attributes(list []attribute.KeyValue) []*common.KeyValue {
	out := make([]*common.KeyValue, len(list))
	for i, a := range list {
		out[i] = &common.KeyValue{Key: string(a.Key), Value: value(a.Value)}
	}
	return out
}

// value is an attribute's. The server has none but these kinds; what else a resource has is told as text.
func value(v attribute.Value) *common.AnyValue {
	switch v.Type() {
	case attribute.INT64:
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: v.AsInt64()}}
	case attribute.BOOL:
		return &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: v.AsBool()}}
	default:
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v.Emit()}}
	}
}
