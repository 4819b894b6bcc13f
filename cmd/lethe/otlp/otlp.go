// Package otlp hands spans to an OpenTelemetry collector: OTLP over HTTP, in protobuf. OpenTelemetry's own exporter links gRPC,
// which alone would make the program half as large again (docs/adr).
package otlp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/protobuf/proto"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
)

// patience is how long a collector may take.
const patience = 5 * time.Second

// Exporter is an sdktrace.SpanExporter. Spans that a collector does not take are lost: traces are no truth, and a queue of them
// would grow while it is away.
type Exporter struct {
	address string
	headers http.Header
	lost    func(err error, spans int)
	client  http.Client
}

// New makes an exporter to the collector at address, /v1/traces added to it as the standard says. headers are its variable's:
// name=value, with commas between. lost is told what was not taken.
func New(address, headers string, lost func(err error, spans int)) (*Exporter, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the collector %q is no http or https address", address)
	}
	e := &Exporter{address: u.JoinPath("v1", "traces").String(), headers: http.Header{}, lost: lost, client: http.Client{Timeout: patience}}
	for pair := range strings.SplitSeq(headers, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			if value, err = url.QueryUnescape(strings.TrimSpace(value)); err != nil {
				return nil, fmt.Errorf("a header for the collector: %s has no readable value", strings.TrimSpace(name))
			}
			e.headers.Set(strings.TrimSpace(name), value)
		}
	}
	return e, nil
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.send(ctx, spans); err != nil {
		e.lost(err, len(spans))
	}
	return nil
}

func (e *Exporter) send(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: encode(spans)})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = e.headers.Clone()
	request.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := e.client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection is used again
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	return err
}

// Shutdown implements sdktrace.SpanExporter.
func (e *Exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}
