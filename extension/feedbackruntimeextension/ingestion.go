// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackruntimeextension // import "github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension"

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackruntimeextension/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
)

// Ingestion counts what comes in. Receivers, admission, validation and redaction
// each know a part of it; here it becomes one metric, fed once a request. All
// methods do nothing on nil.
type Ingestion struct {
	telemetry *metadata.TelemetryBuilder
	active    atomic.Int64
	by        map[string]*ingestionOptions
	other     *ingestionOptions // of a transport that is none of the closed set
}

// ingestionOptions are the attributes of one transport, bound beforehand.
type ingestionOptions struct {
	types     [feedback.NumTypes][]metric.AddOption
	codes     map[feedback.Code][]metric.AddOption
	transport []metric.RecordOption
}

// IngestionOf returns what the host's runtime extension counts with, or nil.
func IngestionOf(host component.Host) *Ingestion {
	for _, e := range host.GetExtensions() {
		if r, ok := e.(interface{ Ingestion() *Ingestion }); ok {
			return r.Ingestion()
		}
	}
	return nil
}

func newIngestion(telemetry *metadata.TelemetryBuilder) *Ingestion {
	i := &Ingestion{telemetry: telemetry, by: map[string]*ingestionOptions{}}
	for _, t := range []string{feedback.TransportHTTP, feedback.TransportGRPC, feedback.TransportOTLP, feedback.TransportFile, feedback.TransportKafka} {
		i.by[t] = newIngestionOptions(t)
	}
	i.other = i.by[feedback.TransportOTLP]
	return i
}

func newIngestionOptions(transport string) *ingestionOptions {
	of := attribute.String("transport", transport)
	o := &ingestionOptions{
		codes:     map[feedback.Code][]metric.AddOption{},
		transport: []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(of))},
	}
	for n, typ := range feedback.Types() {
		o.types[n] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(of, attribute.String("event_type", typ)))}
	}
	for _, code := range feedback.Codes() {
		o.codes[code] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(of, attribute.String("code", string(code))))}
	}
	return o
}

// begin lets the counters of the configured transports begin at 0.
func (i *Ingestion) begin(ctx context.Context, transports []string) {
	for _, t := range transports {
		o := i.of(t)
		for _, opts := range o.types {
			i.telemetry.FeedbackReceivedEvents.Add(ctx, 0, opts...)
			i.telemetry.FeedbackAcceptedEvents.Add(ctx, 0, opts...)
		}
		for _, opts := range o.codes {
			i.telemetry.FeedbackRejectedEvents.Add(ctx, 0, opts...)
		}
	}
}

func (i *Ingestion) of(transport string) *ingestionOptions {
	if o, ok := i.by[transport]; ok {
		return o
	}
	return i.other
}

// Received counts events that came in.
func (i *Ingestion) Received(ctx context.Context, transport string, n *feedback.TypeCounts) {
	if i != nil {
		addTypes(ctx, i.telemetry.FeedbackReceivedEvents, i.of(transport), n)
	}
}

// Unread counts a body that was refused before its events were known, as one
// event of unknown type. code is empty if that was not for what it is.
func (i *Ingestion) Unread(ctx context.Context, transport string, code feedback.Code) {
	i.Received(ctx, transport, &feedback.TypeCounts{feedback.NumTypes - 1: 1})
	if code != "" {
		i.Rejected(ctx, transport, code, 1)
	}
}

// Accepted counts events that are valid and were taken over for delivery.
func (i *Ingestion) Accepted(ctx context.Context, transport string, n *feedback.TypeCounts) {
	if i != nil {
		addTypes(ctx, i.telemetry.FeedbackAcceptedEvents, i.of(transport), n)
	}
}

func addTypes(ctx context.Context, counter metric.Int64Counter, o *ingestionOptions, n *feedback.TypeCounts) {
	for typ, events := range n {
		if events > 0 {
			counter.Add(ctx, int64(events), o.types[typ]...)
		}
	}
}

// Rejected counts events that were refused for what they are.
func (i *Ingestion) Rejected(ctx context.Context, transport string, code feedback.Code, n int) {
	if i == nil {
		return
	}
	if opts, ok := i.of(transport).codes[code]; ok && n > 0 {
		i.telemetry.FeedbackRejectedEvents.Add(ctx, int64(n), opts...)
	}
}

// Begin counts a request in work; End ends that.
func (i *Ingestion) Begin() {
	if i != nil {
		i.active.Add(1)
	}
}

// End ends what Begin began.
func (i *Ingestion) End() {
	if i != nil {
		i.active.Add(-1)
	}
}

// Took records how long a request took. A sampled span in ctx becomes its
// exemplar.
func (i *Ingestion) Took(ctx context.Context, transport string, d time.Duration) {
	if i != nil {
		i.telemetry.FeedbackIngestionDuration.Record(ctx, d.Seconds(), i.of(transport).transport...)
	}
}
