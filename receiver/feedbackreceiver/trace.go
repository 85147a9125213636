// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackreceiver // import "github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver"

import (
	"context"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/receiver/feedbackreceiver/internal/metadata"
)

// spanReceive is the name of the span of a request, from its receipt to its answer.
const spanReceive = "receive"

// receiveSpans begins the spans of requests. The servers' own are switched off:
// these know whether to believe a caller's trace, and hold nothing of a query.
type receiveSpans struct {
	tracer     trace.Tracer
	trust      bool
	http, grpc spanOptions
}

// spanOptions are made beforehand, so that a span that is not recorded costs little.
type spanOptions struct{ root, child []trace.SpanStartOption }

func newReceiveSpans(set component.TelemetrySettings, trust bool) *receiveSpans {
	options := func(attrs ...attribute.KeyValue) spanOptions {
		child := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attrs...)}
		return spanOptions{child: child, root: append(child[:len(child):len(child)], trace.WithNewRoot())}
	}
	return &receiveSpans{
		tracer: set.TracerProvider.Tracer(metadata.ScopeName),
		trust:  trust,
		http:   options(attribute.String("http.request.method", http.MethodPost), attribute.String("http.route", pathFeedback)),
		grpc:   options(attribute.String("rpc.system", "grpc"), attribute.String("rpc.service", "feedback.v1.FeedbackService")),
	}
}

// begin begins a span in the caller's trace, if its word is taken for whether to
// record; else in one of its own that is linked to the caller's.
func (s *receiveSpans) begin(ctx context.Context, caller traceContext, o *spanOptions) (context.Context, trace.Span) {
	remote := caller.spanContext()
	if s.trust && remote.IsValid() {
		return s.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, remote), spanReceive, o.child...) //nolint:spancheck // the caller ends it
	}
	ctx, span := s.tracer.Start(ctx, spanReceive, o.root...)
	if remote.IsValid() && span.IsRecording() {
		span.AddLink(trace.Link{SpanContext: remote})
	}
	return ctx, span
}

// withoutSpans are settings for parts whose own spans are not wanted.
func withoutSpans(set component.TelemetrySettings) component.TelemetrySettings {
	set.TracerProvider = tracenoop.NewTracerProvider()
	return set
}

// withoutInstruments are settings for parts whose own metrics are not, either.
func withoutInstruments(set component.TelemetrySettings) component.TelemetrySettings {
	set = withoutSpans(set)
	set.MeterProvider = metricnoop.NewMeterProvider()
	return set
}

// spanContext is what a span can have as its parent; not valid without one.
func (tc traceContext) spanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID(tc.traceID),
		SpanID:     trace.SpanID(tc.spanID),
		TraceFlags: trace.TraceFlags(tc.flags),
		Remote:     true,
	})
}

// describe says in the request's span what was in the request. Ids and types are
// the collector's own words; nothing else of an event is.
func describe(ctx context.Context, v *feedback.Verdicts) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("batch.size", v.Len()))
	if v.Len() == 1 && v.Judged() {
		span.SetAttributes(attribute.String("event.type", v.At(0).EventType))
		if id := v.At(0).EventID; id != "" {
			span.SetAttributes(attribute.String("event.id", id))
		}
	}
}

// answered is a ResponseWriter that remembers the status for the span.
type answered struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is what http.ResponseController looks for.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// endHTTP ends the span of an HTTP request.
func (a *answered) endHTTP(span trace.Span) {
	span.SetAttributes(attribute.Int("http.response.status_code", a.status))
	if a.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// endGRPC ends the span of a gRPC request.
func endGRPC(span trace.Span, err error) {
	if span.IsRecording() {
		code := status.Code(err)
		span.SetAttributes(attribute.Int("rpc.grpc.status_code", int(code)))
		switch code {
		case grpccodes.Unavailable, grpccodes.Internal, grpccodes.Unknown, grpccodes.Unimplemented, grpccodes.DeadlineExceeded, grpccodes.DataLoss:
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}
