// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor/internal/metadata"
)

// counters records what was found, once a batch.
type counters struct {
	telemetry *metadata.TelemetryBuilder
	entities  [pii.NumEntities][]metric.AddOption
	patterns  [][]metric.AddOption
}

func newCounters(set component.TelemetrySettings, patterns []PatternConfig) (*counters, error) {
	t, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	c := &counters{telemetry: t}
	bind := func(name string) []metric.AddOption {
		opts := []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("entity", name)))}
		t.FeedbackRedactions.Add(context.Background(), 0, opts...)
		return opts
	}
	for i, name := range pii.Entities() {
		c.entities[i] = bind(name)
	}
	for _, p := range patterns {
		c.patterns = append(c.patterns, bind(p.Name))
	}
	return c, nil
}

func (c *counters) record(ctx context.Context, n *pii.Counts) {
	for i, v := range n.Entities {
		if v > 0 {
			c.telemetry.FeedbackRedactions.Add(ctx, int64(v), c.entities[i]...)
		}
	}
	for i, v := range n.Patterns {
		if v > 0 {
			c.telemetry.FeedbackRedactions.Add(ctx, int64(v), c.patterns[i]...)
		}
	}
}

func (c *counters) refused(ctx context.Context, transport string, n int) {
	c.telemetry.FeedbackRejectedEvents.Add(ctx, int64(n), metric.WithAttributeSet(attribute.NewSet(
		attribute.String("transport", transport),
		attribute.String("code", string(feedback.CodeRedactionFailed)))))
}
