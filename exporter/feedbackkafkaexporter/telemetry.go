// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package feedbackkafkaexporter // import "github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter"

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackkafkaexporter/internal/metadata"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/feedback"
	"github.com/otelcol-feedback/otelcol-feedback/pkg/spool"
)

// counts are the exporter's counters. A record costs a few atomic additions;
// they become metrics when somebody collects.
type counts struct {
	published [len(eventTypes)]atomic.Int64
	bytes     atomic.Int64
	spooled   atomic.Int64
	drained   atomic.Int64
	retries   atomic.Int64

	telemetry *metadata.TelemetryBuilder // of histograms; nil until observe

	fail reasons
	mu   sync.Mutex // guards dead, whose keys come from closed sets and Kafka's list of errors
	dead map[deadKey]int64
}

// reasons counts by reasons, which come from closed sets and Kafka's list of
// errors.
type reasons struct {
	mu     sync.Mutex // guards counts
	counts map[string]int64
}

func (r *reasons) add(reason string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]int64{}
	}
	r.counts[reason] += n
}

func (r *reasons) observe(_ context.Context, o metric.Int64Observer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for reason, n := range r.counts {
		o.Observe(n, attributes(attribute.String("reason", reason)))
	}
	return nil
}

type deadKey struct{ stage, code string }

// validationCodes are the codes with which validation sends an event here.
var validationCodes = []feedback.Code{
	feedback.CodeMalformedJSON, feedback.CodeUnknownType, feedback.CodeMissingField, feedback.CodeInvalidType,
	feedback.CodeInvalidValue, feedback.CodeInvalidFormat, feedback.CodeOutOfRange, feedback.CodeTooLong,
	feedback.CodeTooDeep, feedback.CodeTooLarge, feedback.CodeInvalidCharacters, feedback.CodeSchemaViolation,
	feedback.CodeUnknownField, feedback.CodeDuplicateEventID, feedback.CodeRedactionFailed,
}

// newCounts returns counters that stand at 0 for all labels known beforehand.
func newCounts() *counts {
	c := &counts{dead: map[deadKey]int64{}}
	c.fail.add(reasonOther, 0)
	for _, e := range operatorErrors {
		c.fail.add(e.Message, 0)
	}
	for _, e := range refusals {
		c.fail.add(e.Message, 0)
		c.dead[deadKey{stageKafka, e.Message}] = 0
	}
	for _, code := range validationCodes {
		c.dead[deadKey{stageValidation, string(code)}] = 0
	}
	return c
}

// delivered counts a record that Kafka acknowledged.
func (c *counts) delivered(r *record) {
	size := r.payload()
	c.bytes.Add(size)
	if c.telemetry != nil {
		c.telemetry.FeedbackRecordSize.Record(r.context(), size)
	}
	if r.dead != nil {
		c.deadLettered(r.dead.stage, r.dead.code)
		return
	}
	c.published[r.eventType].Add(1)
	if c.telemetry != nil && r.receipt > 0 {
		c.telemetry.FeedbackEndToEndDuration.Record(r.context(), since(r.receipt, time.Now()))
	}
}

// since is the time from a receipt in seconds.
func since(receipt int64, now time.Time) float64 {
	return max(0, now.Sub(time.Unix(0, receipt)).Seconds())
}

// handedOver measures what one call gave.
func (c *counts) handedOver(records []*record, now time.Time) {
	if c.telemetry == nil {
		return
	}
	oldest := int64(math.MaxInt64)
	for _, r := range records {
		if r.receipt > 0 {
			oldest = min(oldest, r.receipt)
		}
	}
	ctx := context.Background()
	c.telemetry.FeedbackBatchSize.Record(ctx, int64(len(records)))
	if oldest < math.MaxInt64 {
		c.telemetry.FeedbackBatchAge.Record(ctx, since(oldest, now))
	}
}

func (c *counts) failed(reason string) { c.fail.add(reason, 1) }

func (c *counts) deadLettered(stage, code string) {
	c.mu.Lock()
	c.dead[deadKey{stage, code}]++
	c.mu.Unlock()
}

// registerStored makes metrics of what the spool, the breaker and the clients'
// hooks count, and of the batch target. stats is nil without a spool.
func (c *counts) registerStored(b *metadata.TelemetryBuilder, br *breaker, w *wire, stats func() spool.Stats, target func() int64) error {
	register := []struct {
		with func(metric.Int64Callback) error
		read func() int64
	}{
		{b.RegisterFeedbackSpooledEventsCallback, c.spooled.Load},
		{b.RegisterFeedbackDrainedEventsCallback, c.drained.Load},
		{b.RegisterFeedbackRetriesCallback, c.retries.Load},
		{b.RegisterFeedbackCircuitBreakerOpensCallback, br.opens.Load},
		{b.RegisterFeedbackCircuitBreakerStateCallback, br.gauge},
		{b.RegisterFeedbackBatchTargetCallback, target},
		{b.RegisterFeedbackSpoolEventsCallback, func() int64 { return int64(stats().Entries) }},
		{b.RegisterFeedbackSpoolBytesCallback, func() int64 { return stats().Bytes }},
		{b.RegisterFeedbackSpoolCapacityCallback, func() int64 { return stats().MaxBytes }},
		{b.RegisterFeedbackCompressedBytesCallback, w.compressed.Load},
		{b.RegisterFeedbackKafkaConnectsCallback, w.connects.Load},
		{b.RegisterFeedbackKafkaDisconnectsCallback, w.disconnects.Load},
	}
	if stats == nil {
		stats = func() spool.Stats { return spool.Stats{} }
	}
	for _, m := range register {
		if err := m.with(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(m.read())
			return nil
		}); err != nil {
			return err
		}
	}
	return b.RegisterFeedbackKafkaErrorsCallback(w.errors.observe)
}

// register makes the counters metrics. What it returns must be shut down.
func (c *counts) register(b *metadata.TelemetryBuilder) error {
	var types [len(eventTypes)]metric.MeasurementOption
	for i, t := range eventTypes {
		types[i] = attributes(attribute.String("event_type", t))
	}
	if err := b.RegisterFeedbackPublishedEventsCallback(func(_ context.Context, o metric.Int64Observer) error {
		for i := range types {
			o.Observe(c.published[i].Load(), types[i])
		}
		return nil
	}); err != nil {
		return err
	}
	if err := b.RegisterFeedbackRecordBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(c.bytes.Load())
		return nil
	}); err != nil {
		return err
	}
	if err := b.RegisterFeedbackPublishFailuresCallback(c.fail.observe); err != nil {
		return err
	}
	return b.RegisterFeedbackDeadLetteredEventsCallback(func(_ context.Context, o metric.Int64Observer) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for k, n := range c.dead {
			o.Observe(n, attributes(attribute.String("stage", k.stage), attribute.String("code", k.code)))
		}
		return nil
	})
}

func attributes(kv ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(kv...))
}
