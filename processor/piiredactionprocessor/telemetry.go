// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piiredactionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor"

import (
	"context"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/pii"
	"github.com/otelcol-feedback/otelcol-feedback/processor/piiredactionprocessor/internal/metadata"
)

// counters records what was found, once a batch. What patterns find is no value
// of the attribute entity, which is a closed set.
type counters struct {
	telemetry *metadata.TelemetryBuilder
	entities  [pii.NumEntities][]metric.AddOption
}

func newCounters(set component.TelemetrySettings) (*counters, error) {
	t, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	c := &counters{telemetry: t}
	for i, name := range pii.Entities() {
		c.entities[i] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("entity", name)))}
		t.FeedbackRedactions.Add(context.Background(), 0, c.entities[i]...)
	}
	return c, nil
}

func (c *counters) record(ctx context.Context, n *pii.Counts) {
	for i, v := range n.Entities {
		if v > 0 {
			c.telemetry.FeedbackRedactions.Add(ctx, int64(v), c.entities[i]...)
		}
	}
}

// attributes are the names under which a record tells what was replaced in it.
type attributes struct {
	entities [pii.NumEntities]string
	patterns []string
}

const attrPrefix = feedback.AttrPrefix + "redactions."

func newAttributes(patterns []PatternConfig) *attributes {
	a := &attributes{}
	for i, name := range pii.Entities() {
		a.entities[i] = attrPrefix + name
	}
	for _, p := range patterns {
		a.patterns = append(a.patterns, attrPrefix+strings.ToLower(p.Name))
	}
	return a
}

func (a *attributes) put(attrs pcommon.Map, n *pii.Counts) {
	for i, v := range n.Entities {
		if v > 0 {
			attrs.PutInt(a.entities[i], int64(v))
		}
	}
	for i, v := range n.Patterns {
		if v > 0 {
			attrs.PutInt(a.patterns[i], int64(v))
		}
	}
}
