// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/tracing"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// spanValidate is the name of the span of a request's judgement.
const spanValidate = "validate"

// spans is the part of a run that traces it.
type spans struct {
	span     trace.Span
	recorded bool   // the request's spans are
	parent   string // what records carry to the exporter, which a batch cuts off from the request
}

// begin begins the span of the judgement, if the request has one that is recorded.
func (r *run) begin(ctx context.Context) {
	parent := trace.SpanContextFromContext(ctx)
	if !parent.IsSampled() {
		return
	}
	_, r.span = r.tracer.Start(ctx, spanValidate) //nolint:spancheck // end ends it
	if r.recorded = r.span.IsRecording(); r.recorded {
		r.parent = tracing.Format(parent)
	}
}

// mark tells the exporter whose span a record belongs to, and says of a lone
// event which it was. Nothing here repeats what a client sent but the event's id.
func (r *run) mark(lr plog.LogRecord, v *feedback.Verdict) {
	lr.Attributes().PutStr(feedback.AttrSpan, r.parent)
	if r.ids == nil {
		r.span.SetAttributes(attribute.String("event.type", v.EventType))
		if v.EventID != "" {
			r.span.SetAttributes(attribute.String("event.id", v.EventID))
		}
	}
}

func (r *run) end() {
	if !r.recorded {
		return
	}
	r.span.SetAttributes(attribute.Int("batch.size", r.position))
	for code := range r.codes {
		r.span.AddEvent("refused", trace.WithAttributes(attribute.String("code", string(code)), attribute.Int("events", r.codes[code])))
	}
	r.span.End()
}
