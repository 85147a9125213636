// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/tracing"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
)

// spanRedact is the name of the span of a request's redaction.
const spanRedact = "redact"

// traced redacts in a span, if the request has one that is recorded, which says how much was found and nothing of what.
func (r *run) traced(ctx context.Context, ld plog.Logs) (removed bool) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return r.logs(ld)
	}
	_, span := r.tracer.Start(ctx, spanRedact)
	defer span.End()
	if !span.IsRecording() {
		return r.logs(ld)
	}
	n := ld.LogRecordCount()
	span.SetAttributes(attribute.Int("batch.size", n))
	if n == 1 {
		attrs := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
		for name, from := range map[string]string{"event.id": feedback.AttrRecordUID, "event.type": feedback.AttrEventType} {
			if v, ok := attrs.Get(from); ok {
				span.SetAttributes(attribute.String(name, v.Str()))
			}
		}
	}
	removed = r.logs(ld)
	queued(ld, time.Now())
	for i, entity := range pii.Entities() {
		if found := r.counts.Entities[i]; found > 0 {
			span.SetAttributes(attribute.Int("feedback.redactions."+entity, found))
		}
	}
	return removed
}

// queued notes on each record when it began to wait for its delivery.
func queued(ld plog.Logs, at time.Time) {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if v, ok := lr.Attributes().Get(feedback.AttrSpan); ok {
					v.SetStr(tracing.Queued(v.Str(), at))
				}
			}
		}
	}
}
