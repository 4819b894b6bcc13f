package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/lethe-im/lethe/cmd/lethe/options"
	"github.com/lethe-im/lethe/cmd/lethe/otlp"
	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/server/otelobserver"
)

// Variables of OpenTelemetry that are heeded, besides those that name the service.
const (
	collectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"
	headersVariable   = "OTEL_EXPORTER_OTLP_HEADERS"
)

// flushWait is how long the last spans may take to be handed over.
const flushWait = 3 * time.Second

// collector is where traces go; empty: nowhere.
func collector(o *options.Options) string {
	if o.Trace != "" {
		return o.Trace
	}
	return os.Getenv(collectorVariable)
}

// tracing lets the server make traces, if the options ask for them. end hands over what is left.
func (o *serving) tracing(below server.Observer, logger *slog.Logger) (made *otelobserver.Observer, end func() error, err error) {
	address := collector(&o.Options)
	if address == "" {
		return nil, func() error { return nil }, nil
	}
	exporter, err := otlp.New(address, os.Getenv(headersVariable), func(err error, spans int) {
		logger.Warn("spans are lost: the collector does not take them", "spans", spans, "err", err)
	})
	if err != nil {
		return nil, nil, err
	}
	rate, err := strconv.ParseFloat(o.TraceRate, 64)
	if err != nil {
		return nil, nil, err // the options were checked
	}
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count more.
	about, err := resource.New(context.Background(), resource.WithAttributes(attribute.String("service.name", "lethe")), resource.WithFromEnv())
	if err != nil {
		return nil, nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about),
		// Which traces are begun is the clients' business, how many of them are kept the operator's.
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample(), sdktrace.WithRemoteParentSampled(sdktrace.TraceIDRatioBased(rate)))))
	end = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), flushWait)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil // a collector that is away does not keep the server from ending
	}
	return otelobserver.New(provider.Tracer("github.com/lethe-im/lethe/server"), below), end, nil
}
