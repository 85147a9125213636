// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackadmissionprocessor // import "github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor"

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/internal/peer"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/access"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackadmissionprocessor/internal/metadata"
)

// sender is who sent a request.
type sender struct {
	grant *access.Grant // nil: not authenticated
	id    string        // the authenticated subject, or empty
	key   clientKey
	limit *limit // nil: none
}

func (a *admission) senderOf(ctx context.Context, transport string) (s sender) {
	if grant, ok := access.FromContext(ctx); ok {
		s.grant, s.id = grant, grant.Subject
	}
	switch {
	case s.id != "":
		s.key, s.limit = a.limiter.ofClient(s.id)
	case transport == feedback.TransportFile, transport == feedback.TransportKafka:
	case a.limiter.perPeer: // a credential that names nobody included
		s.key, s.limit = a.limiter.ofPeer(peer.Addr(ctx))
	}
	return s
}

// pace takes a request's events from its client's bucket.
func (a *admission) pace(ctx context.Context, req *feedback.Request, from sender, events int) error {
	if from.limit == nil || events == 0 {
		return nil
	}
	level, ok := a.limiter.take(from.key, from.limit, events)
	req.Rate = feedback.Rate{Limit: from.limit.eventsPerSecond, Remaining: level.remaining, Wait: level.wait}
	if ok {
		return nil
	}
	a.limited.add(ctx, req.Transport, events)
	a.audit.RateLimited(ctx, from.id)
	return limited(level.wait)
}

// unpace gives back what pace took for a request that found no room: its sender
// is asked to send it again.
func (a *admission) unpace(from sender, events int) {
	if from.limit != nil && events > 0 {
		a.limiter.giveBack(from.key, from.limit, events)
	}
}

// limitedEvents counts events over their client's rate.
type limitedEvents struct{ telemetry *metadata.TelemetryBuilder }

// begin lets the counters of the configured transports begin at 0.
func (c *limitedEvents) begin(ctx context.Context, transports []string) {
	for _, t := range transports {
		c.add(ctx, t, 0)
	}
}

func (c *limitedEvents) add(ctx context.Context, transport string, n int) {
	c.telemetry.FeedbackRateLimitedEvents.Add(ctx, int64(n), metric.WithAttributeSet(attribute.NewSet(
		attribute.String("transport", transport))))
}
