// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackvalidationprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor"

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackvalidationprocessor/internal/metadata"
)

// rejections counts refused events, once a request.
type rejections struct{ telemetry *metadata.TelemetryBuilder }

func newRejections(t *metadata.TelemetryBuilder) *rejections { return &rejections{telemetry: t} }

func (r *rejections) record(ctx context.Context, transport string, codes map[feedback.Code]int) {
	for code, n := range codes {
		r.telemetry.FeedbackRejectedEvents.Add(ctx, int64(n), metric.WithAttributeSet(attribute.NewSet(
			attribute.String("transport", transport),
			attribute.String("code", string(code)))))
	}
}
